"""Managers on a file, and a look at that file from another process.

Python's ``sqlite3`` is another SQLite library than ADBC's, and two of them must never have one
file open in one process. So whoever looks at a file beside a manager does it in another process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from algomancy_data import DataClassification, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import polars as pl

collect_ignore = ["toy"]  # registers itself where doctest imports it

LOOK = """
import json, sqlite3, sys
path, statements = json.load(sys.stdin)
connection = sqlite3.connect(path, timeout=5)
with connection:
    for statement in statements:
        rows = connection.execute(statement).fetchall()
connection.close()
print(json.dumps(rows, default=lambda blob: "hex:" + blob.hex()))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that does not exist yet."""
    return tmp_path / "data.db"


@pytest.fixture(scope="session")
def outside() -> Callable[..., list[list[Any]]]:
    """Run statements on a file in another process; returns the rows of the last one."""

    def run(path: Path, *statements: str) -> list[list[Any]]:
        done = subprocess.run(
            [sys.executable, "-c", LOOK],
            input=json.dumps([str(path), statements]),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def new_manager(path: Path) -> Iterator[Callable[..., DatabaseDataManager[Any]]]:
    """Make started managers on the file, or on another database."""
    managers: list[DatabaseDataManager[Any]] = []

    def make(
        engine: Any = None, session: str = "s", cls: type[Any] = DataSource, **options: Any
    ) -> DatabaseDataManager[Any]:
        manager = DatabaseDataManager(
            SimpleETLFactory,
            [],
            f"sqlite:///{path}" if engine is None else engine,
            session,
            cls,
            **options,
        )
        managers.append(manager)
        manager.startup()
        return manager

    yield make
    for manager in managers:
        manager.close()


@pytest.fixture
def manager(new_manager: Callable[..., DatabaseDataManager[Any]]) -> DatabaseDataManager[Any]:
    return new_manager()


@pytest.fixture(scope="session")
def dataset() -> Callable[..., DataSource]:
    """Make a DataSource from frames."""

    def make(
        name: str = "d",
        tables: dict[str, pl.DataFrame] | None = None,
        cls: type[DataSource] = DataSource,
        ds_type: DataClassification = DataClassification.MASTER_DATA,
    ) -> DataSource:
        source = cls(ds_type, name=name)
        source.tables = tables or {}
        return source

    return make
