"""A fresh database of each dialect for every test."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

import algomancy_data.database  # noqa: F401  for its registration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# SQLAlchemy's plugin takes pytest over: test_compliance.py runs what is in there by itself.
collect_ignore = ["suite"]

GUARDED = "guarded"
_PATIENCE = 10  # seconds to wait for a lock: a test that never ends says nothing
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql_server(postgresql: str) -> sa.URL:
    """Return the server, on which one role has to give a password."""
    url = sa.make_url(postgresql).set(drivername="postgresql+adbc", password=None)
    (access,) = administer(url, "ALTER SYSTEM SET fsync = off", "SHOW hba_file")
    rules = Path(access[0])
    rules.write_text(f"local all {GUARDED} scram-sha-256\n{rules.read_text()}")
    administer(url, "SELECT pg_reload_conf()")
    return url


def administer(url: sa.URL, *statements: str) -> list[sa.Row[Any]]:
    """Execute statements outside of a transaction; return the rows of the last."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        results = [connection.exec_driver_sql(statement) for statement in statements]
        return list(results[-1]) if results and results[-1].returns_rows else []


@pytest.fixture
def new_postgresql(postgresql_server: sa.URL) -> Iterator[Callable[[], sa.URL]]:
    """Make databases on the server."""
    names: list[str] = []

    def make() -> sa.URL:
        names.append(f"test_{next(_numbers)}")
        administer(postgresql_server, f"CREATE DATABASE {names[-1]} TEMPLATE template0")
        url = postgresql_server.set(database=names[-1])
        return url.update_query_dict({"options": f"-c lock_timeout={_PATIENCE}s"})

    yield make
    administer(postgresql_server, *(f"DROP DATABASE {name} WITH (FORCE)" for name in names))


@pytest.fixture
def postgresql_url(new_postgresql: Callable[[], sa.URL]) -> sa.URL:
    """Return a fresh PostgreSQL database."""
    return new_postgresql()


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
