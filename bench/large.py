"""Take tables that are larger than memory from CSV into stores and out again, and watch the memory.

Started by `make bench-large`. Orders and a tenth as many customers are written as CSV, slice by
slice. For each store, a process of its own loads the files, keys checked, and another one writes
the orders from there to a Parquet file. Their memory is looked at from outside, 100 times a second.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager
from algomancy_data.database import DatabaseDataManager
from algomancy_data.display.words import size_text
from algomancy_data.testing.workloads import SCHEMAS, slices, write_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algomancy_data import DataManager

ROWS: Final = 100_000_000
DATASET, TABLE = "large", "orders"
# The files, a database with its log, the scratch files, and the Parquet file.
BYTES_PER_ROW: Final = 400
TICK: Final = 0.01  # seconds
LINE: Final = "{:<12} {:<8} {:>13} {:>9} {:>11} {:>10} {:>10} {:>10}"


@dataclass(frozen=True)
class Watched:
    """What a process did.

    Args:
        seconds: What it says that its work took.
        rows: How many rows it says that it handled.
        anonymous: The most anonymous memory that it had.
        mapped: The most memory of mapped files that it had; the system takes it back.
    """

    seconds: float
    rows: int
    anonymous: int
    mapped: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=ROWS, help="orders")
    parser.add_argument("--stores", nargs="+", default=["sqlite", "folder"], help="or a URL")
    parser.add_argument("--place", type=Path, help="where there is room; the default for files")
    parser.add_argument("--memory-limit", help="such as 300MiB")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.work is not None:
        work(**json.loads(given.work))
        return
    with tempfile.TemporaryDirectory(dir=given.place, prefix="bench-large-") as temporary:
        measure(given.rows, given.stores, Path(temporary), given.memory_limit)


def measure(rows: int, stores: Sequence[str], place: Path, limit: str | None) -> None:
    """Print what each store takes, a line for each way."""
    free = shutil.disk_usage(place).free
    if free < rows * BYTES_PER_ROW:
        needed = size_text(rows * BYTES_PER_ROW)
        sys.exit(f"{place} has {size_text(free)} of the {needed} that so many rows take.")
    start = time.perf_counter()
    paths = write_csv(slices(rows), place)
    size = size_text(sum(path.stat().st_size for path in paths.values()))
    sys.stdout.write(f"{size} of CSV in {time.perf_counter() - start:.0f} s\n")
    show("store", "way", "rows", "seconds", "rows/s", "anonymous", "mapped", "on disk")
    for name in stores:
        home = place / "store"
        home.mkdir()
        store = {"sqlite": f"sqlite:///{home / 'data.db'}", "folder": str(home)}.get(name, name)
        settings = {"store": store, "limit": limit, "place": str(place)}
        for way in ("in", "out"):
            found = watched({"way": way, **settings})
            target = place / "out.parquet" if way == "out" else home
            done = f"{found.rows:,}", f"{found.seconds:.1f}", f"{found.rows / found.seconds:,.0f}"
            sizes = found.anonymous, found.mapped, size_of(target)
            show(name.partition(":")[0], way, *done, *map(size_text, sizes))
        check(place / "out.parquet", rows)
        if store == name:  # it is not ours to remove
            manager = with_store(store, None)
            manager.delete_data(DATASET)
            manager.close()
        shutil.rmtree(home)


def show(*cells: str) -> None:
    """Print a line of the table."""
    sys.stdout.write(f"{LINE.format(*cells)}\n")
    sys.stdout.flush()


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def check(path: Path, rows: int) -> None:
    """Make sure that the rows came through, and remove them."""
    column = pl.col("order_id")
    query = pl.scan_parquet(path).select(pl.len(), first=column.min(), total=column.sum())
    found = query.collect(engine="streaming").row(0)
    assert found == (rows, 1, rows * (rows + 1) // 2), found
    path.unlink()


def watched(task: dict[str, Any]) -> Watched:
    """Do a task in a process of its own, and look at its memory."""
    command = [sys.executable, __file__, "--work", json.dumps(task)]
    anonymous = mapped = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  our own
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            if "RssAnon" in lines:  # else it is just ending
                anonymous = max(anonymous, int(lines["RssAnon"].split()[0]) * 1024)
                mapped = max(mapped, int(lines["RssFile"].split()[0]) * 1024)
            time.sleep(TICK)
        assert process.stdout is not None
        said = process.stdout.read()
    assert process.returncode == 0, said
    return Watched(*json.loads(said), anonymous, mapped)


# --- in the process that is watched -----------------------------------------------------------


def work(way: str, store: str, limit: str | None, place: str) -> None:
    """Load the files, or write the orders to a file, and print how long that takes."""
    manager = with_store(store, limit)
    start = time.perf_counter()
    if way == "in":
        items = [(name, str(Path(place) / f"{name}.csv")) for name in ("orders", "customers")]
        files = manager.prepare_files(file_items_with_path=items)
        result = manager.etl_data(files, DATASET)
        assert result.is_success, result.messages
        rows = sum(frame.height for frame in result.datasource.tables.values())
    else:
        manager.scan_table(DATASET, TABLE).sink_parquet(Path(place) / "out.parquet")
        rows = manager.describe(DATASET).tables[TABLE].rows
    sys.stdout.write(json.dumps([time.perf_counter() - start, rows]))
    manager.close()


def with_store(store: str, limit: str | None) -> DataManager[DataSource]:
    """Return a manager that has started."""
    manager: DataManager[DataSource]
    if "://" in store:
        manager = DatabaseDataManager(
            SimpleETLFactory, SCHEMAS, store, "bench-large", DataSource, memory_limit=limit
        )
    else:
        warnings.simplefilter("ignore", DeprecationWarning)
        manager = StatefulDataManager(
            SimpleETLFactory, SCHEMAS, store, "json", DataSource, memory_limit=limit
        )
    manager.startup()
    return manager


if __name__ == "__main__":
    main()
