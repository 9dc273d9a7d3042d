"""What does not vary: statements, bytes written, waits for the disk, pieces of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import adbc_driver_manager.dbapi
import pytest

import operations
from algomancy_data.testing.workloads import frames
from harness import Alone
from stores import DATASET, source_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Count
    from harness.alone import Figures
    from peers.database import Database
    from stores import Store

# Always as many: fixed costs and those of a row stay in the same proportion.
ROWS = 50_000
# One connection reads them, on any number of cores.
FEW_ROWS = 2_000
STATEMENTS = ("execute", "executemany", "adbc_ingest", "executescript")


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
