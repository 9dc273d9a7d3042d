"""The tables of types of the page "The tables in the database" say how columns are declared."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import polars as pl
import psycopg
import pytest

from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.testing import assert_identical

PAGE = Path(__file__).parents[2] / "docs" / "database.md"
ZONED = pl.Datetime("us", "Europe/Amsterdam")
SMALL = [pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32]
TEXTS = [pl.String(), pl.Categorical(), pl.Enum(["a"])]
NESTED = {
    pl.List(pl.Date): [[dt.date(2013, 1, 1)]],
    pl.Array(pl.Int8, 2): [[1, None]],
    pl.Struct({"day": pl.Date}): [{"day": dt.date(2013, 1, 1)}],
}
DAY, MOMENT, PASSED = dt.date(2013, 1, 1), dt.datetime(2013, 1, 1, 6), dt.timedelta(1)
FAR = pl.Series([2**31 - 1], dtype=pl.Int32).cast(pl.Date)


def columns(values, *dtypes):
    return [pl.Series(values, dtype=dtype) for dtype in dtypes]


NESTED_COLUMNS = [pl.Series(values, dtype=dtype) for dtype, values in NESTED.items()]
FAR_MOMENT = pl.Series([2**62], dtype=pl.Int64).cast(pl.Datetime("ms"))
SQLITE = {
    "`Int8` … `Int64`, `UInt8` … `UInt64`": columns([1, None], *SMALL, pl.UInt64),
    "`UInt64` beyond 2⁶³−1, `Int128`, `UInt128`, `Decimal`": [  # noqa: RUF001  as the page has it
        *columns([2**63], pl.UInt64, pl.Int128, pl.UInt128),
        *columns([Decimal("1.50")], pl.Decimal(18, 2)),
    ],
    "`Boolean`": columns([True, None], pl.Boolean),
    "`Float16`, `Float32`, `Float64`": columns([1.5], pl.Float32, pl.Float64),
    "`String`, `Categorical`, `Enum`": columns(["a", None], *TEXTS),
    "`Binary`": columns([b"a"], pl.Binary),
    "`Datetime`": columns([MOMENT], *map(pl.Datetime, ("ms", "us", "ns"))),
    "`Datetime` with a time zone": columns([MOMENT], ZONED),
    "`Date`": columns([DAY], pl.Date),
    "`Time`": columns([dt.time(6)], pl.Time),
    "`Date`, `Datetime` beyond the year ±262,142": [FAR, FAR_MOMENT],
    "`Duration`": columns([PASSED], *map(pl.Duration, ("ms", "us", "ns"))),
    "`List`, `Array`, `Struct`": NESTED_COLUMNS,
    "`Null`": columns([None], pl.Null),
}
POSTGRESQL = {
    "`Int8` … `Int64`, `UInt8` … `UInt32`, `Duration`": [
        *columns([1, None], *SMALL),
        *columns([PASSED], pl.Duration("ns")),
    ],
    "`UInt64`, `Int128`, `UInt128`, `Decimal`": [
        *columns([1], pl.UInt64, pl.Int128, pl.UInt128),
        *columns([Decimal("1.50")], pl.Decimal(18, 2)),
        *columns([2**127 - 1], pl.Int128),
    ],
    "`Float16`, `Float32`, `Float64`": columns([1.5, float("nan")], pl.Float32, pl.Float64),
    "`Boolean`, `Binary`, `Date`": [
        *columns([True], pl.Boolean),
        *columns([b"a"], pl.Binary),
        *columns([DAY], pl.Date),
    ],
    "`Datetime`, `Time`": [
        *columns([MOMENT], pl.Datetime("us"), ZONED),
        *columns([dt.time(6)], pl.Time),
        pl.Series([1], dtype=pl.Int64).cast(pl.Datetime("ns")),
    ],
    "`String`, `Categorical`, `Enum`, `Null`": [
        *columns(["a"], *TEXTS),
        *columns([None], pl.Null),
        *columns(["\0"], pl.String),
    ],
    "`List`, `Array`, `Struct`": NESTED_COLUMNS,
    "`Date`, `Datetime` outside of PostgreSQL's years": [FAR, FAR_MOMENT],
}


def rows_of_page(database):
    """Return the declared types by the Polars types of a row, as the page has them."""
    table = PAGE.read_text().partition(f"| Polars | declared in {database} |")[2]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|", table.partition("\n\n")[0], re.MULTILINE)
    return {
        polars: set(re.findall(r"`(\w+)(?: \w+)*`", sql))
        for polars, sql in rows
        if "---" not in polars
    }


def keep(url, frame):
    source = DataSource("master_data", name="d")
    source.add_table("t", frame)
    with DatabaseDataManager(SimpleETLFactory, [], url, "s") as manager:
        manager.add_data_source(source)
        manager.refresh()
        assert_identical(manager.get_table("d", "t"), frame)


def frame_of(series):
    longest = max(map(len, series))
    same = [one.extend_constant(None, longest - len(one)) for one in series]
    return pl.DataFrame([one.alias(f"c{number}") for number, one in enumerate(same)])


@pytest.mark.parametrize("polars", SQLITE)
def test_columns_are_declared_in_sqlite_as_the_page_says(tmp_path, polars):
    frame = frame_of(SQLITE[polars])
    keep(f"sqlite:///{tmp_path / 'data.db'}", frame)
    with closing(sqlite3.connect(tmp_path / "data.db")) as connection:
        found = connection.execute("SELECT name, type FROM pragma_table_info('ds__s__d__t')")
        declared = {name: kind for name, kind in found if name in frame.columns}
    expected = rows_of_page("SQLite")[polars] or {""}
    assert declared.keys() == set(frame.columns)
    assert set(declared.values()) == expected


@pytest.mark.parametrize("polars", POSTGRESQL)
def test_columns_are_declared_in_postgresql_as_the_page_says(empty_postgresql, polars):
    frame = frame_of(POSTGRESQL[polars])
    keep(empty_postgresql, frame)
    with psycopg.connect(empty_postgresql) as connection:
        found = connection.execute(
            "SELECT split_part(data_type, ' ', 1) FROM information_schema.columns "
            "WHERE table_name = 'ds__s__d__t' AND left(column_name, 1) = 'c'"
        ).fetchall()
    assert {word for (word,) in found} == rows_of_page("PostgreSQL")[polars]


@pytest.mark.parametrize(("database", "rows"), [("SQLite", SQLITE), ("PostgreSQL", POSTGRESQL)])
def test_each_row_of_the_page_is_looked_at(database, rows):
    assert rows_of_page(database).keys() == rows.keys()
