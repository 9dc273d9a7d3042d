"""How many connections a server has left, for whoever asks."""

from __future__ import annotations

from contextlib import ExitStack

import psycopg
import pytest
import sqlalchemy as sa

from algomancy_data.database import DatabaseStore
from algomancy_data.errors import ArgumentError

ROLE = "few"


@pytest.fixture
def limited(empty_postgresql):
    """Return the URL of a role that may have three connections, and the server's own."""
    with psycopg.connect(empty_postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {ROLE} LOGIN CONNECTION LIMIT 3")
        connection.execute(f"GRANT ALL ON SCHEMA public TO {ROLE}")
        yield sa.make_url(empty_postgresql).set(username=ROLE, password=None), connection
        connection.execute(f"DROP OWNED BY {ROLE}")
        connection.execute(f"DROP ROLE {ROLE}")


@pytest.fixture
def opened():
    with ExitStack() as stack:

        def opened(url, **options):
            store = DatabaseStore(url, "s", **options)
            stack.callback(store.close)
            store.open()
            return store

        yield opened


def test_a_role_or_a_database_of_few_connections_leaves_few(limited, opened):
    url, administrator = limited
    store = opened(url)
    assert store.room_for_others() == 1  # of three, and two are for whoever has work done
    administrator.execute(f"ALTER ROLE {ROLE} CONNECTION LIMIT 6")
    assert store.room_for_others() == 4
    with psycopg.connect(url.render_as_string(hide_password=False)):
        assert store.room_for_others() in {2, 3}
    administrator.execute("ALTER DATABASE postgres CONNECTION LIMIT 5")
    try:
        # The administrator has one, too, and the one before may take its time to leave.
        assert store.room_for_others() in {1, 2}
    finally:
        administrator.execute("ALTER DATABASE postgres CONNECTION LIMIT -1")


def test_a_server_leaves_what_is_not_in_use_but_for_a_tenth(limited, opened):
    url, administrator = limited
    administrator.execute(f"ALTER ROLE {ROLE} CONNECTION LIMIT -1")
    (most,) = administrator.execute(
        "SELECT current_setting('max_connections')::int "
        "- current_setting('superuser_reserved_connections')::int"
    ).fetchone()
    store = opened(url)
    margin = -(-most // 10)
    (used,) = administrator.execute("SELECT sum(numbackends)::int FROM pg_stat_database").fetchone()
    assert 0 <= most - used - margin - 1 - store.room_for_others() <= 1  # somebody may tidy up


def test_a_user_says_how_many_there_may_be(limited, opened, tmp_path):
    url, administrator = limited
    administrator.execute(f"ALTER ROLE {ROLE} CONNECTION LIMIT -1")
    assert [opened(url, max_connections=most).room_for_others() for most in (2, 3, 6)] == [1, 1, 4]
    with pytest.raises(ArgumentError, match="max_connections"):
        opened(url, max_connections=1)
    assert opened(f"sqlite:///{tmp_path / 'd'}", max_connections=2).room_for_others() is None
