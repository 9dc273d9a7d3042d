"""A server that cannot be reached, or lets nobody in, is named."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.batch import Attempt
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


def test_a_role_that_may_use_and_make_things_in_one_schema_suffices(
    new_manager, database, outside, dataset
):
    for statement in (
        "DROP SCHEMA IF EXISTS planning CASCADE",
        "DROP ROLE IF EXISTS planner",
        "CREATE ROLE planner LOGIN",
        "CREATE SCHEMA planning",
        "GRANT USAGE, CREATE ON SCHEMA planning TO planner",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    ):
        outside(statement)
    url = f"{database.replace('postgres:@', 'planner:@')}&options=-csearch_path%3Dplanning"
    manager = new_manager(url)
    rows = pl.DataFrame({"id": [1, 2], "text": ["a", "b\0"]})
    manager.add_data_source(dataset("d", {"t": rows}))
    manager.add_data_source(dataset("d", {"t": rows.with_columns(pl.col("id") + 2)}), mode="append")
    manager.delete_rows("d", "t", pl.col("id") == 1)
    manager.derive_data("d", "e")
    manager.delete_data("d")
    manager.store.history.begin(Attempt("nightly", "key", "e", "replace", "host/1"))
    manager.refresh()
    assert manager.get_table("e", "t")["id"].to_list() == [2, 3, 4]
    assert manager.scan_table("e", "t").filter(pl.col("id") > 3).collect().height == 1
    assert manager.query("SELECT count(*) AS n FROM t", ["e"]).item() == 3
    assert manager.verify() == manager.clear_leftovers() == []
    manager.close()
    owners = outside("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'planning'")
    assert owners == [("planner",)]
