"""What does not vary: statements, bytes written, waits for the disk, pieces of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import adbc_driver_manager.dbapi
import pytest

import operations
from stores import DATASET, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import polars as pl

    from algomancy_data import DataSource
    from harness import Alone, Count

STATEMENTS = ("execute", "executemany", "adbc_ingest", "executescript")


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'ours.db'}"
    if request.param == "PostgreSQL":
        url = request.getfixturevalue("postgresql")
    store = Store(lambda: url, lambda: None)
    store.open()
    yield store
    for name in store.manager.get_data_keys():
        store.manager.delete_data(name)
    store.close()


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], int]:
    """Count the calls that reach the driver while something runs."""
    calls: list[str] = []
    for name in STATEMENTS:
        original = getattr(adbc_driver_manager.dbapi.Cursor, name)

        def counted(
            self: object,
            *values: object,
            original: Callable[..., object] = original,
            **named: object,
        ) -> object:
            calls.append(original.__name__)
            return original(self, *values, **named)

        monkeypatch.setattr(adbc_driver_manager.dbapi.Cursor, name, counted)

    def count(operation: Callable[[], object]) -> int:
        calls.clear()
        operation()
        return len(calls)

    return count


@pytest.mark.parametrize("operation", ["persist", "replace", "first load", "derive", "delete"])
def test_statements(
    count: Count,
    statements: Callable[[Callable[[], object]], int],
    store: Store,
    source: DataSource,
    operation: str,
    request: pytest.FixtureRequest,
) -> None:
    if operation != "persist":
        store.manager.add_data_source(source)
    if operation == "first load":
        store.reopen()
        store.manager.get_data_keys()  # connects, which takes statements of its own
    run = {
        "persist": lambda: store.manager.add_data_source(source),
        "replace": lambda: store.manager.add_data_source(source),
        "first load": lambda: store.manager.get_data(DATASET),
        "derive": lambda: store.manager.derive_data(DATASET, "derived"),
        "delete": lambda: store.manager.delete_data(DATASET),
    }[operation]
    kind = request.node.callspec.params["store"]
    count(f"SQL statements: {operation}, {kind}", lambda: statements(run), {"per table": 2})


def test_bytes_written_to_sqlite(
    count: Count, alone: Alone, tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    figures = alone(operations.persist, tables, tmp_path, counting=True)
    stored = (tmp_path / "ours.db").stat().st_size
    count(
        "bytes written: persist to SQLite",
        lambda: figures.written,
        {"bytes stored": stored},
        unit="bytes",
    )
