"""A server that cannot be reached, or lets nobody in, is named."""

from __future__ import annotations

import pytest

from algomancy_data.errors import StoreError


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("/of_a_test?", None),
        ("/nowhere?", 'database "nowhere" does not exist'),
        ("/of_a_test?bogus=1&", 'invalid connection option "bogus"'),
    ],
)
def test_a_database_that_cannot_be_reached_is_named(new_manager, database, change, said):
    url = database.replace("/of_a_test?", change).replace("postgres:@", "postgres:hush@")
    if said is None:
        assert new_manager(url).get_data_keys() == []
        return
    with pytest.raises(StoreError, match=said) as error:
        new_manager(url)
    assert "hush" not in str(error.value) + repr(error.value.__cause__)


def test_a_server_that_is_down_is_named(new_manager):
    with pytest.raises(StoreError, match=r"127\.0\.0\.1.*Check that the server is running"):
        new_manager("postgresql://me:hush@127.0.0.1:1/data")


def test_a_role_without_rights_is_told_so(new_manager, database, outside):
    outside("DROP ROLE IF EXISTS poor")
    outside("CREATE ROLE poor LOGIN")
    outside("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    with pytest.raises(StoreError, match="permission denied for schema public"):
        new_manager(database.replace("postgres:@", "poor:@"))
