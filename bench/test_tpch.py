"""TPC-H: eight related tables, from CSV with all keys checked, into databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

import tpch_contents
from algomancy_data import (
    DataSource,
    SimpleETLFactory,
    StatelessDataManager,
    ValidationSeverity,
)
from algomancy_data.database import DatabaseDataManager
from harness import SLOW, Way
from peers.checks import same
from peers.sqlite import SQLite
from peers.tpch import DLT, by_duckdb, by_polars
from stores import load_files
from tpch import SCHEMAS, CheckedETLFactory, csv_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import polars as pl

    from algomancy_data import ETLResult
    from harness import Memory, Race
    from peers.database import Database

# With fewer suppliers the generator gives parts the same supplier twice.
SMALLEST = 0.01
ROWS_PER_SCALE = 1_000_000
OPERATION = "CSV, keys checked, {}"
POLARS, DUCKDB = "polars read_csv, write_database (adbc)", "DuckDB ATTACH"
REMARKS = {
    ("SQLite", POLARS): "no check; amounts as floats, text columns without a type",
    ("SQLite", DUCKDB): "no check; dates in VARCHAR columns",
    ("SQLite", "dlt"): "no check",
    ("PostgreSQL", POLARS): "no check",
    ("PostgreSQL", DUCKDB): "no check",
    ("PostgreSQL", "dlt"): "no check",
}


class TPCH(NamedTuple):
    """The files, and what is in them.

    Args:
        scale: The scale factor: 1 with the full rows, and smaller with fewer.
        files: The CSV file of each table.
        contents: What :mod:`tpch_contents` makes of them.
    """

    scale: float
    files: dict[str, Path]
    contents: dict[str, list[int]]

    @property
    def workload(self) -> str:
        return f"TPC-H SF {self.scale:g}"

    @property
    def rows(self) -> int:
        return sum(row_count for row_count, *_ in self.contents.values())


@pytest.fixture(scope="module")
def tpch(rows: int) -> TPCH:
    return of_scale(rows / ROWS_PER_SCALE)


@pytest.fixture(scope="module")
def fewer(rows: int) -> TPCH:
    """Return a tenth of it."""
    return of_scale(rows / ROWS_PER_SCALE * SLOW)


def of_scale(scale: float) -> TPCH:
    scale = max(scale, SMALLEST)
    files = csv_files(scale)
    return TPCH(scale, files, tpch_contents.of_csv(files))


def load_checked(files: dict[str, Path], url: str) -> ETLResult:
    manager = DatabaseDataManager(CheckedETLFactory, SCHEMAS, url, "bench", DataSource)
    manager.startup()
    result = load_files(manager, files, "tpch")
    manager.close()
    return result


@pytest.mark.long
@pytest.mark.full
def test_load(race: Race, tpch: TPCH, fewer: TPCH, database: Database, tmp_path: Path) -> None:
    kind = database.kind
    # Into SQLite it takes minutes.
    of_dlt = fewer if kind == "SQLite" else tpch
    process = DLT(of_dlt.files, tmp_path / "dlt")

    def unchecked(name: str, load: Callable[[dict[str, Path], Database], object]) -> Way:
        other = database.new(load.__name__)
        return Way(
            name,
            lambda: load(tpch.files, other),
            other.empty,
            check=lambda _: same(tpch.contents, tpch_contents.of_database(other)),
            remark=REMARKS[kind, name],
        )

    def dlt() -> Way:
        other = database.new("dlt")

        def start() -> None:
            other.empty()
            process.start(other.url)

        return Way(
            "dlt",
            process.load,
            start,
            process.close,
            lambda _: same(of_dlt.contents, tpch_contents.of_database(other)),
            REMARKS[kind, "dlt"],
            of_dlt.scale / tpch.scale,
        )

    def check(result: ETLResult) -> None:
        assert result.is_success
        assert {message.severity for message in result.messages} == {ValidationSeverity.INFO}
        same(tpch.contents, tpch_contents.of_database(database, "ds__bench__tpch__"))

    race(
        OPERATION.format(kind),
        Way(
            "algomancy-data",
            lambda: load_checked(tpch.files, database.url),
            database.empty,
            check=check,
        ),
        [unchecked(POLARS, by_polars), unchecked(DUCKDB, by_duckdb), dlt()],
        workload=tpch.workload,
        rows=tpch.rows,
        rounds=1,
    )


def load_into_sqlite(_frames: dict[str, pl.DataFrame], folder: Path) -> Callable[[], object]:
    files = {schema.file_name(): folder / f"{schema.file_name()}.csv" for schema in SCHEMAS}
    return lambda: load_checked(files, SQLite(folder / "ours.db").url)


@pytest.mark.long
@pytest.mark.full
def test_memory_of_load(memory: Memory, tpch: TPCH, tmp_path: Path) -> None:
    for path in tpch.files.values():
        (tmp_path / path.name).symlink_to(path)
    manager = StatelessDataManager(SimpleETLFactory, SCHEMAS, "json", DataSource)
    load_files(manager, tpch.files, "tpch")
    source = manager.get_data("tpch")
    assert source is not None
    memory(
        OPERATION.format("SQLite"),
        load_into_sqlite,
        {},
        source.tables,
        tmp_path,
        makes_frames=True,
        workload=tpch.workload,
        rows=tpch.rows,
    )
