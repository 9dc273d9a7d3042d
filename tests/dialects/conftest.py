"""A fresh database of each dialect for every test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

import algomancy_data.database  # noqa: F401  for its registration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# SQLAlchemy's plugin takes pytest over: test_compliance.py runs what is in there by itself.
collect_ignore = ["suite"]

GUARDED = "guarded"
_PATIENCE = 10  # seconds to wait for a lock: a test that never ends says nothing
# A database for each test would be cleaner, but takes a hundred times as long as most tests do.
_EMPTYING = (
    f"SET lock_timeout = '{_PATIENCE}s'",
    """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type ~ '^client'
    """,
    "DROP SCHEMA public CASCADE",
    "CREATE SCHEMA public",
)


@pytest.fixture(scope="session")
def postgresql_server(postgresql: str) -> sa.URL:
    """Return the server, on which one role has to give a password."""
    (access,) = administer(postgresql, "SHOW hba_file")
    rules = Path(access)
    rules.write_text(f"local all {GUARDED} scram-sha-256\n{rules.read_text()}")
    administer(postgresql, "SELECT pg_reload_conf()")
    return sa.make_url(postgresql).set(drivername="postgresql+adbc", password=None)


def administer(url: str, *statements: str) -> tuple[Any, ...]:
    """Execute statements outside of a transaction; return what the last one gives first."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(sql.SQL(statement))
        return cursor.fetchone() or () if cursor.description else ()


@pytest.fixture(scope="session")
def emptied_postgresql(
    postgresql_server: sa.URL, new_database: Callable[[str], str]
) -> tuple[sa.URL, str]:
    """Return a database of these tests, as a URL of the dialect's and of libpq's."""
    native = new_database("dialects")
    return postgresql_server.set(database="dialects"), native


@pytest.fixture
def postgresql_url(emptied_postgresql: tuple[sa.URL, str]) -> Iterator[sa.URL]:
    """Return a PostgreSQL database that is empty, and that nobody else is connected to."""
    url, native = emptied_postgresql
    yield url.update_query_dict({"options": f"-c lock_timeout={_PATIENCE}s"})
    administer(native, *_EMPTYING)


@pytest.fixture(params=["postgresql", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> sa.URL:
    """Return a fresh database of each dialect."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_url")
    query = {"busy_timeout": str(_PATIENCE)}
    return sa.URL.create("sqlite+adbc", database=str(tmp_path / "data.db"), query=query)


@pytest.fixture
def new_engine() -> Iterator[Callable[..., sa.Engine]]:
    """Make engines that are disposed of in the end."""
    engines: list[sa.Engine] = []

    def make(url: sa.URL | str, **options: object) -> sa.Engine:
        engines.append(sa.create_engine(url, **options))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def engine(url: sa.URL, new_engine: Callable[..., sa.Engine]) -> sa.Engine:
    """Return an engine on a fresh database of each dialect."""
    return new_engine(url)


@pytest.fixture
def postgresql_engine(postgresql_url: sa.URL, new_engine: Callable[..., sa.Engine]) -> sa.Engine:
    """Return an engine on a fresh PostgreSQL database."""
    return new_engine(postgresql_url)
