"""What does not vary: statements, bytes written, waits for the disk, pieces of memory, calls."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import adbc_driver_manager.dbapi
import pytest

import algomancy_data
import operations
from algomancy_data import (
    Column,
    DataSource,
    DataType,
    FileExtension,
    Schema,
    SchemaType,
    SimpleETLFactory,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.database.adbc.dbapi import RowCursor
from algomancy_data.testing.workloads import frames
from harness import Alone
from stores import DATASET, source_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from harness import Count
    from harness.alone import Figures
    from peers.database import Database
    from stores import Store

# Always as many: fixed costs and those of a row stay in the same proportion.
ROWS = 50_000
# One connection reads them, on any number of cores.
FEW_ROWS = 2_000
STATEMENTS = {
    adbc_driver_manager.dbapi.Cursor: ("execute", "executemany", "adbc_ingest", "executescript"),
    RowCursor: ("execute", "executemany"),
}


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], int]:
    """Count the calls that reach the driver while something runs."""
    calls: list[str] = []
    for cursor, name in ((cursor, name) for cursor, names in STATEMENTS.items() for name in names):
        original = getattr(cursor, name)

        def counted(
            self: object,
            *values: object,
            original: Callable[..., object] = original,
            **named: object,
        ) -> object:
            calls.append(original.__name__)
            return original(self, *values, **named)

        monkeypatch.setattr(cursor, name, counted)

    def count(operation: Callable[[], object]) -> int:
        calls.clear()
        operation()
        return len(calls)

    return count


@pytest.mark.parametrize("operation", ["persist", "replace", "first load", "derive", "delete"])
def test_statements(
    count: Count,
    statements: Callable[[Callable[[], object]], int],
    database: Database,
    store: Store,
    operation: str,
) -> None:
    source = source_of(frames(FEW_ROWS))
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
    count(
        f"SQL statements: {operation}, {database.kind}",
        lambda: statements(run),
        {"tables": 2},
        rows=FEW_ROWS,
    )


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Figures, int]]:
    """Return what each operation asked for, and how many bytes were stored after it."""
    alone, place = Alone(tmp_path_factory.mktemp("frames")), tmp_path_factory.mktemp("place")
    tables = frames(ROWS)
    found: dict[str, tuple[Figures, int]] = {}
    stored = 0
    for name, way, given in (
        ("persist to SQLite", operations.persist, tables),
        ("first load from SQLite", operations.load, {}),
        ("derive in SQLite", operations.derive, {}),
        ("save to a folder", operations.save, tables),
        ("derive in a folder", operations.derive_in_folder, {}),
    ):
        asked = alone(way, given, place, counting=True)
        now = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
        found[name] = asked, now - stored
        stored = now
    return found


@pytest.mark.parametrize("operation", ["persist to SQLite", "derive in SQLite", "save to a folder"])
def test_bytes_written(
    count: Count, figures: dict[str, tuple[Figures, int]], operation: str
) -> None:
    asked, stored = figures[operation]
    count(
        f"bytes written: {operation}",
        lambda: asked.written,
        {"bytes stored": stored},
        rows=ROWS,
        unit="bytes",
    )


@pytest.mark.parametrize(
    "operation", ["persist to SQLite", "derive in SQLite", "save to a folder", "derive in a folder"]
)
def test_syncs(count: Count, figures: dict[str, tuple[Figures, int]], operation: str) -> None:
    asked, _ = figures[operation]
    count(f"syncs: {operation}", lambda: asked.syncs, {"datasets": 1}, rows=ROWS)


@pytest.mark.parametrize(
    "operation", ["persist to SQLite", "first load from SQLite", "derive in SQLite"]
)
def test_allocations(count: Count, figures: dict[str, tuple[Figures, int]], operation: str) -> None:
    """Count pieces of memory asked of the C library: far fewer than rows."""
    asked, _ = figures[operation]
    count(f"allocations: {operation}", lambda: asked.allocations, {"rows": ROWS}, rows=ROWS)


class Orders(Schema):
    """A small file."""

    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", FileExtension.CSV, SchemaType.SINGLE
    ID = Column("id", DataType.INTEGER, primary_key=True)
    AMOUNT = Column("amount", DataType.FLOAT)
    NAME = Column("name", DataType.STRING)
    DAY = Column("day", DataType.DATETIME)


@pytest.fixture
def modules_on_the_way(tmp_path: Path) -> list[str]:
    """Return the module of each call of a function of ours, as a file of two rows is loaded."""
    file = tmp_path / "orders.csv"
    file.write_text("id;amount;name;day\n1;2.5;a;2026-01-02\n2;3.5;b;2026-01-03\n")
    home = str(Path(algomancy_data.__file__).parent)
    called: list[str] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(home):
            called.append(frame.f_code.co_filename)

    url = f"sqlite:///{tmp_path / 'counted.db'}"
    manager = DatabaseDataManager(SimpleETLFactory, [Orders], url, "s", DataSource)
    manager.startup()
    for name in ("first", "second"):  # what is made once was made for the first
        files = manager.prepare_files(file_items_with_path=[("orders", str(file))])
        called.clear()
        before = sys.getprofile()
        sys.setprofile(note)
        try:
            result = manager.etl_data(files, name)
        finally:
            sys.setprofile(before)
        assert result.status == "success"
    manager.close()
    return called


@pytest.mark.parametrize("counted", ["calls", "modules", "changes of module"])
def test_way_of_a_small_file(count: Count, modules_on_the_way: list[str], counted: str) -> None:
    """Count what a file costs in which there is hardly anything."""
    called = modules_on_the_way
    number = {
        "calls": len(called),
        "modules": len({*called}),
        "changes of module": sum(one != other for one, other in pairwise(called)),
    }[counted]
    operation = f"{counted}: CSV to SQLite"
    count(operation, lambda: number, {"files": 1}, workload="a small file", rows=2)
