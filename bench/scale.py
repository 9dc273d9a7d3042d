"""Measure how a store grows: with workers, with connections, and with datasets in its catalogue.

``bench/scale.py STORE…``, where a store is ``sqlite:///data.db`` or the URL of a PostgreSQL
database that may be filled. Each worker is a process in which Polars has one thread.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.batch import Job, run_batch
from algomancy_data.database import DatabaseDataManager
from algomancy_data.testing.workloads import SCHEMAS, slices, write_csv

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STORE: Final = "BENCH_SCALE_STORE"
SESSION: Final = "bench-scale"
LINE: Final = "{:<12} {:<28} {:>10} {:>12} {:>14}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("stores", nargs="+", help="sqlite:///FILE or postgresql://…")
    parser.add_argument("--rows", type=int, default=500_000, help="orders in each delivery")
    parser.add_argument("--deliveries", type=int, default=8)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--datasets", type=int, nargs="+", default=[100, 1_000, 10_000, 100_000])
    given = parser.parse_args(arguments)
    os.environ["POLARS_MAX_THREADS"] = "1"  # of the workers; Polars is loaded here
    show("store", "what", "of them", "seconds", "each second")
    for store in given.stores:
        os.environ[STORE] = store
        deliveries(store, given.deliveries, given.rows, given.workers)
        catalogue(store, given.datasets)


def show(*cells: str) -> None:
    """Print a line of the table."""
    sys.stdout.write(f"{LINE.format(*cells)}\n")
    sys.stdout.flush()


def make_manager() -> DatabaseDataManager[DataSource]:
    """Return a manager that has started, on the store that is measured."""
    manager = DatabaseDataManager(SimpleETLFactory, SCHEMAS, os.environ[STORE], SESSION)
    manager.startup()
    return manager


def deliveries(store: str, count: int, rows: int, workers: Sequence[int]) -> None:
    """Print how many rows a second some workers load, each delivery into a dataset of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as place:
        paths = write_csv(slices(rows), Path(place))
        files = {name: str(path) for name, path in paths.items()}
        scans = [pl.scan_csv(path, separator=";").select(pl.len()) for path in paths.values()]
        total = count * sum(found.item() for found in pl.collect_all(scans))
        for number in workers:
            jobs = [Job(f"d{n}", files, version=f"{number}") for n in range(count)]
            start = time.perf_counter()
            result = run_batch(jobs, make_manager, workers=number, batch=f"workers {number}")
            seconds = time.perf_counter() - start
            assert result.exit_code == 0, result
            shown = f"{count}", f"{seconds:.1f}", f"{total / seconds:,.0f} rows"
            show(store.partition(":")[0], f"{number} workers", *shown)
        with make_manager() as manager:
            for name in manager.get_data_keys():
                manager.delete_data(name)


def catalogue(store: str, counts: Sequence[int]) -> None:
    """Print what a call takes where there are so many datasets."""
    frame = pl.DataFrame({"id": [1, 2], "amount": [1.5, 2.5]})

    def source(name: str) -> DataSource:
        made = DataSource("master_data", name=name)
        made.add_table("t", frame)
        return made

    with make_manager() as manager:
        made = len(manager.get_data_keys())
        for count in counts:
            while made < count:
                manager.add_data_source(source(f"c{made}"))
                made += 1
            calls: dict[str, Callable[[], object]] = {
                "start a manager": lambda: make_manager().close(),
                "list the names": manager.get_data_keys,
                "describe one": lambda: manager.describe("c50"),
                "write one": lambda: manager.add_data_source(source("c50")),
                "read one": lambda: manager.get_table("c50", "t"),
            }
            for what, call in calls.items():
                times = [_seconds(call) for _ in range(5)]
                middle = statistics.median(times)
                cells = what, f"{count:,}", f"{middle:.4f}", f"{1 / middle:,.0f}"
                show(store.partition(":")[0], *cells)


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
