"""TPC-H: eight related tables, from CSV with all keys checked, into databases."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import psycopg
import pytest
import sqlalchemy as sa

import tpch_contents
from algomancy_data import (
    DataSource,
    SimpleETLFactory,
    StatelessDataManager,
    ValidationSeverity,
)
from algomancy_data.database import DatabaseDataManager
from harness import Way
from peers.tpch import DLT, by_duckdb, by_polars
from tpch import SCHEMAS, CheckedETLFactory, csv_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import polars as pl

    from algomancy_data import ETLResult
    from harness import Memory, Race

# With fewer suppliers the generator gives parts the same supplier twice.
SMALLEST = 0.01
ROWS_PER_SCALE = 1_000_000
OPERATION = "CSV, keys checked, {}"
POLARS, DUCKDB = "polars read_csv, write_database (adbc)", "DuckDB ATTACH"
REMARKS = {
    ("SQLite", POLARS): "no check; text columns without a type",
    ("SQLite", DUCKDB): "no check; datetimes in VARCHAR columns",
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
    scale = max(rows / ROWS_PER_SCALE, SMALLEST)
    files = csv_files(scale)
    return TPCH(scale, files, tpch_contents.of_csv(files))


def load_checked(files: dict[str, Path], url: str) -> ETLResult:
    manager = DatabaseDataManager(CheckedETLFactory, SCHEMAS, url, "bench", DataSource)
    manager.startup()
    paths = [(name, str(path)) for name, path in files.items()]
    result = manager.etl_data(manager.prepare_files(file_items_with_path=paths), "tpch")
    manager.close()
    return result


class Place:
    """A database for one way, made anew for each turn."""

    def __init__(self, make: Callable[[str], str], name: str) -> None:
        self.make = make
        self.name = name
        self.url = ""

    def renew(self) -> None:
        self.url = self.make(self.name)


def sqlite_file(folder: Path, name: str) -> str:
    for path in folder.glob(f"{name}.db*"):
        path.unlink()
    return f"sqlite:///{folder / name}.db"


def postgresql_database(server: str, name: str) -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
        connection.execute(f'CREATE DATABASE "{name}"')
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def new_place(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Place]:
    """Return what makes a place for a way."""
    if kind == "SQLite":
        make = partial(sqlite_file, tmp_path)
    else:
        make = partial(postgresql_database, request.getfixturevalue("postgresql"))
    return partial(Place, make)


@pytest.mark.long
@pytest.mark.full
def test_load(
    race: Race, tpch: TPCH, kind: str, new_place: Callable[[str], Place], tmp_path: Path
) -> None:
    def checked(place: Place) -> Way:
        def check(result: ETLResult) -> None:
            assert result.is_success
            assert {message.severity for message in result.messages} == {ValidationSeverity.INFO}
            assert tpch_contents.of_database(place.url, "ds__bench__tpch__") == tpch.contents

        return Way(
            "algomancy-data", lambda: load_checked(tpch.files, place.url), place.renew, check=check
        )

    def unchecked(name: str, load: Callable[[dict[str, Path], str], object], place: Place) -> Way:
        return Way(
            name,
            lambda: load(tpch.files, place.url),
            place.renew,
            check=lambda _: same(place),
            remark=REMARKS[kind, name],
        )

    def dlt(place: Place) -> Way:
        process = DLT(tpch.files, tmp_path / "dlt")

        def start() -> None:
            place.renew()
            process.start(place.url)

        return Way(
            "dlt",
            process.load,
            start,
            process.close,
            lambda _: same(place),
            REMARKS[kind, "dlt"],
        )

    def same(place: Place) -> None:
        assert tpch_contents.of_database(place.url) == tpch.contents

    race(
        OPERATION.format(kind),
        checked(new_place("ours")),
        [
            unchecked(POLARS, by_polars, new_place("polars")),
            unchecked(DUCKDB, by_duckdb, new_place("duckdb")),
            dlt(new_place("dlt")),
        ],
        workload=tpch.workload,
        rows=tpch.rows,
        rounds=1,
    )


def load_into_sqlite(_frames: dict[str, pl.DataFrame], folder: Path) -> Callable[[], object]:
    files = {schema.file_name(): folder / f"{schema.file_name()}.csv" for schema in SCHEMAS}
    url = sqlite_file(folder, "ours")
    return lambda: load_checked(files, url)


@pytest.mark.long
@pytest.mark.full
def test_memory_of_load(memory: Memory, tpch: TPCH, tmp_path: Path) -> None:
    for path in tpch.files.values():
        (tmp_path / path.name).symlink_to(path)
    manager = StatelessDataManager(SimpleETLFactory, SCHEMAS, "json", DataSource)
    paths = [(name, str(path)) for name, path in tpch.files.items()]
    manager.etl_data(manager.prepare_files(file_items_with_path=paths), "tpch")
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
