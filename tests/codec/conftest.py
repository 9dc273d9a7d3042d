"""Nested columns of every dtype at any depth, and connections to a PostgreSQL server."""

from __future__ import annotations

import decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from adbc_driver_postgresql import dbapi
from hypothesis import strategies as st

from algomancy_data.database.layout import TableLayout
from algomancy_data.database.postgresql import codec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from polars.datatypes import DataType as PolarsDataType

ZONES = (None, "UTC", "Europe/Amsterdam", "America/St_Johns")
UNITS = ("ms", "us", "ns")
DAY = 86_400
# Seconds since 1970 of the first and last moments of 0001 and 9999, and of days of changed clocks.
SECONDS = st.integers(-62_135_596_800, 253_402_300_799) | st.sampled_from(
    [-62_135_596_800, 253_402_300_799, -1, 0, 1_698_541_200, 1_679_792_400]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from(
    ["", "\0", '"', "\\", "null", "NaN", "\u2028", "\U0010ffff", "\x7f", "1e5", "{}", "*", "^.*$"]
)


def integers(dtype: Any) -> st.SearchStrategy[int]:
    low, high = pl.select(dtype.min()).item(), pl.select(dtype.max()).item()
    return st.integers(low, high) | st.sampled_from([low, high])


def ticks(unit: str) -> st.SearchStrategy[int]:
    """Whole units since 1970, in the years 0001 to 9999 as far as 64 bits reach."""
    per_second = {"ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    near = st.builds(
        lambda second, part: second * per_second + part, SECONDS, st.integers(0, per_second - 1)
    )
    whole = near.map(lambda tick: tick - tick % per_second)
    return (near | whole).filter(lambda tick: -(2**63) <= tick < 2**63)


def decimals(precision: int, scale: int) -> st.SearchStrategy[decimal.Decimal]:
    high = 10**precision - 1
    digits = st.integers(-high, high) | st.sampled_from([-high, high, 0])
    return digits.map(lambda number: decimal.Decimal(number).scaleb(-scale, decimal.Context(50)))


@st.composite
def leaf_dtypes(draw: st.DrawFn) -> PolarsDataType:
    precision = draw(st.integers(1, 38))
    return draw(
        st.sampled_from(
            [
                *(pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64(), pl.Int128()),
                *(pl.UInt8(), pl.UInt16(), pl.UInt32(), pl.UInt64(), pl.UInt128()),
                *(pl.Float16(), pl.Float32(), pl.Float64(), pl.Boolean(), pl.String(), pl.Binary()),
                *(pl.Date(), pl.Time(), pl.Null(), pl.Categorical()),
                *(pl.Duration(unit) for unit in UNITS),
                *(pl.Datetime(unit, zone) for unit in UNITS for zone in ZONES),
                pl.Enum(["unused", "a", "", "\0b"]),
                pl.Decimal(precision, draw(st.integers(0, precision))),
            ]
        )
    )


def nested_dtypes() -> st.SearchStrategy[PolarsDataType]:
    def around(inner: st.SearchStrategy[PolarsDataType]) -> st.SearchStrategy[PolarsDataType]:
        fields = st.dictionaries(TEXTS, inner, max_size=3) | st.dictionaries(
            TEXTS, inner, min_size=1, max_size=3
        )
        return st.one_of(
            inner.map(pl.List),
            st.builds(pl.Array, inner, st.sampled_from([1, 2, 3, 0])),
            fields.map(pl.Struct),
        )

    inside = st.recursive(leaf_dtypes(), around, max_leaves=4)
    return around(inside)


def physical(dtype: PolarsDataType) -> PolarsDataType:
    """Return the dtype of the Python values from which a column of ``dtype`` is cast."""
    match dtype:
        case pl.List():
            return pl.List(physical(dtype.inner))
        case pl.Array():
            return pl.Array(physical(dtype.inner), dtype.size)
        case pl.Struct():
            return pl.Struct({field.name: physical(field.dtype) for field in dtype.fields})
        case pl.Date():
            return pl.Int32()
        case pl.Datetime() | pl.Time() | pl.Duration():
            return pl.Int64()
        case pl.Categorical() | pl.Enum():
            return pl.String()
        case pl.Int128() | pl.UInt128() | pl.UInt64():
            return pl.String()  # Polars guesses that a Python number in a struct has 64 bits
        case pl.Float16():
            return pl.Float32()
        case _:
            return dtype


def values(dtype: PolarsDataType) -> st.SearchStrategy[Any]:
    """Python values of :func:`physical`, or None."""
    present = present_values(dtype)
    return st.one_of(present, present, present, st.none())


def present_values(dtype: PolarsDataType) -> st.SearchStrategy[Any]:
    match dtype:
        case pl.List():
            return st.lists(values(dtype.inner), max_size=3)
        case pl.Array():
            return st.lists(values(dtype.inner), min_size=dtype.size, max_size=dtype.size)
        case pl.Struct():
            return st.fixed_dictionaries({f.name: values(f.dtype) for f in dtype.fields})
        case pl.Decimal():
            return decimals(dtype.precision, dtype.scale)
        case pl.Enum():
            return st.sampled_from(dtype.categories.to_list())
        case pl.Datetime():
            return ticks(dtype.time_unit) | integers(pl.Int64)
        case pl.Int128() | pl.UInt128() | pl.UInt64():
            return integers(dtype).map(str)
        case _ if dtype.is_integer():
            return integers(dtype)
        case _:
            return LEAVES[dtype.base_type()]


def floats(width: int) -> st.SearchStrategy[float]:
    finite = st.floats(width=width, allow_nan=False, allow_infinity=False)
    return finite | st.sampled_from([0.0, -0.0]) | st.floats(width=width)


LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    pl.Boolean: st.booleans(),
    pl.Binary: st.binary(max_size=4),
    pl.String: TEXTS,
    pl.Categorical: TEXTS,
    pl.Date: SECONDS.map(lambda second: second // DAY) | integers(pl.Int32),
    pl.Time: st.integers(0, DAY * 10**9 - 1),
    pl.Duration: integers(pl.Int64),
    pl.Null: st.none(),
    pl.Float16: floats(16),
    pl.Float32: floats(32),
    pl.Float64: floats(64),
}


@st.composite
def columns(draw: st.DrawFn, dtypes: st.SearchStrategy[PolarsDataType]) -> pl.Series:
    dtype = draw(dtypes)
    rows = draw(st.lists(values(dtype), min_size=1, max_size=5))
    column = pl.Series("x", rows, dtype=physical(dtype)).cast(dtype)
    # Slices and chunks have offsets and validity bits that a fresh column has not.
    start = draw(st.sampled_from([0, 0, 0, 1, len(rows)]))
    whole = pl.concat([column, column], rechunk=False) if draw(st.booleans()) else column
    return whole.slice(start)


@pytest.fixture(scope="session")
def nested_columns() -> st.SearchStrategy[pl.Series]:
    """Columns of any nested dtype."""
    return columns(nested_dtypes())


@pytest.fixture(scope="session")
def plain_columns() -> st.SearchStrategy[pl.Series]:
    """Columns of any dtype that is not nested."""
    return columns(leaf_dtypes())


@pytest.fixture(scope="session")
def connect(postgresql: str) -> Callable[[], Any]:
    """Open connections of the driver, without a transaction."""

    def run() -> Any:
        connection = dbapi.connect(postgresql, autocommit=True)
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")  # no test is about a crash of the server
        return connection

    return run


@pytest.fixture
def connection(connect: Callable[[], Any]) -> Iterator[Any]:
    with connect() as opened:
        yield opened


@pytest.fixture(scope="session")
def read(connect: Callable[[], Any]) -> Callable[..., pl.DataFrame]:
    """Read a table in the order in which its rows were written, or some of its pages."""

    def run(connection: Any, table: str, pages: range | None = None) -> pl.DataFrame:
        name = quoted(table)
        with connection.cursor() as cursor:
            if pages is None:
                cursor.execute(
                    "SELECT pg_relation_size($1::regclass) / current_setting('block_size')::int",
                    (name,),
                )
                pages = range(cursor.fetchone()[0] or 1)
            # No plan but one that goes through the pages in their order.
            cursor.execute("SET max_parallel_workers_per_gather = 0")
            cursor.execute("SET synchronize_seqscans = off")
            cursor.execute(
                f"SELECT * FROM {name} "
                f"WHERE ctid >= '({pages[0]},0)'::tid AND ctid < '({pages[-1] + 1},0)'::tid"
            )
            return pl.DataFrame(cursor.fetch_record_batch())

    return run


@pytest.fixture(scope="session")
def write(connect: Callable[[], Any]) -> Callable[..., TableLayout]:
    """Keep a frame in a new table, in one transaction."""

    def run(connection: Any, frame: pl.DataFrame, table: str = "t") -> TableLayout:
        layout = TableLayout("t", table, frame.height, codec.plan(frame, "t"))
        types = layout.physical_columns()
        declared = ", ".join(f"{quoted(name)} {words}" for name, words in types.items())
        with connection.cursor() as cursor:
            # One transaction is what keeps the order: in a table that was there before, rows also
            # go where earlier pages have some room left.
            cursor.execute("BEGIN")
            cursor.execute(f"DROP TABLE IF EXISTS {quoted(table)}")
            cursor.execute(f"CREATE TABLE {quoted(table)} ({declared})")
            if layout.columns and frame.height:
                stored = codec.encode(frame, layout.columns)
                cursor.adbc_ingest(table, stored, mode="append")
            cursor.execute("COMMIT")
        return layout

    return run


@pytest.fixture(scope="session")
def round_trip(
    connect: Callable[[], Any], write: Callable[..., TableLayout], read: Callable[..., pl.DataFrame]
) -> Iterator[Callable[[pl.DataFrame], pl.DataFrame]]:
    """Write a frame and read it back."""
    with connect() as connection:

        def run(frame: pl.DataFrame) -> pl.DataFrame:
            layout = write(connection, frame)
            return codec.decode(read(connection, "t"), layout.columns, "t")

        yield run


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
