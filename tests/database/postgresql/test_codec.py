"""Every frame that PostgreSQL takes comes back identical, and the rest is refused beforehand."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

from algomancy_data.database.postgresql import codec
from algomancy_data.errors import SchemaDriftError, UnstorableError
from algomancy_data.frames.identical import identical

REAL_SERVER = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
LOWEST, HIGHEST = -(2**63), 2**63 - 1
UNITS = ("ms", "us", "ns")
ZONES = (None, "UTC", "Europe/Amsterdam", "America/St_Johns")
# The first moment that PostgreSQL knows, and the last one that Polars knows, since 1970.
FIRST_DAY, LAST_DAY = -2_440_588, 2_145_042_905
FIRST_MICROSECOND = FIRST_DAY * 86_400_000_000
NUMERIC = 10**38 - 1
AWKWARD_NAMES = [
    *("", "Name", "name", "rowid", "_rowid_", "oid", "ctid", "CTID", "xmin", "tableoid"),
    *("a'b", 'a"b', "a]b", "a`b", "%s", "%(x)s", "a%%b", ":x", "?", "$1", "@x", "a\nb", "a\tb"),
    *("😀", "a\0b", "a\0c", "x" * 63, "x" * 64, "x" * 300, "é" * 31, "é" * 32, "É", "é"),
    *("column_0", "column_6", "a; DROP TABLE x; --", " ", "no_columns", "select", "*", "^.*$"),
]
TEXTS = ["", "😀", "\ud7ff\ue000", "\U0010ffff", "'", '"', "\\", "\\N", None, "x" * 1_000_000]
FLOATS = [math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324, 1.7976931348623157e308, 0.1, None]
SMALL_FLOATS = [math.nan, math.inf, -math.inf, -0.0, 1e-45, 3.4028235e38, 0.1, None]


def column(values: list[Any], dtype: Any) -> pl.DataFrame:
    """Return a frame of one column; numbers become temporals by their physical value."""
    if isinstance(dtype, pl.Datetime | pl.Duration | pl.Time | pl.Date):
        physical = pl.Int32 if dtype == pl.Date else pl.Int64
        return pl.DataFrame({"x": pl.Series(values, dtype=physical).cast(dtype)})
    return pl.DataFrame({"x": pl.Series(values, dtype=dtype)})


def integers(dtype: Any) -> pl.DataFrame:
    low, high = pl.select(dtype.min()).item(), pl.select(dtype.max()).item()
    return column([low, 0, None, high], dtype)


# Polars keeps the text that it does not show.
HIDDEN_NUL = pl.DataFrame({"x": ["a longer text with \0", "b"]}).select(
    pl.when(pl.Series([False, True])).then("x")
)

FRAMES: dict[str, tuple[str, str, pl.DataFrame]] = {
    "Int8": ("integer", "smallint", integers(pl.Int8)),
    "UInt8": ("integer", "smallint", integers(pl.UInt8)),
    "Int16": ("integer", "smallint", integers(pl.Int16)),
    "UInt16": ("integer", "integer", integers(pl.UInt16)),
    "Int32": ("integer", "integer", integers(pl.Int32)),
    "UInt32": ("integer", "bigint", integers(pl.UInt32)),
    "Int64": ("integer", "bigint", integers(pl.Int64)),
    "UInt64": ("numeric", "numeric(38,0)", integers(pl.UInt64)),
    "Int128": ("numeric", "numeric(38,0)", column([-NUMERIC, 0, None, NUMERIC], pl.Int128)),
    "UInt128": ("numeric", "numeric(38,0)", column([0, None, NUMERIC], pl.UInt128)),
    "Int128 of 39 digits": ("text", "text", integers(pl.Int128)),
    "UInt128 of 39 digits": ("text", "text", integers(pl.UInt128)),
    "Float16": ("float", "real", column([math.nan, math.inf, -0.0, 6e-8, 65504, 0.1], pl.Float16)),
    "Float32": ("float", "real", column(SMALL_FLOATS, pl.Float32)),
    "Float64": ("float", "double precision", column(FLOATS, pl.Float64)),
    "Boolean": ("boolean", "boolean", column([True, False, None], pl.Boolean)),
    "String": ("text", "text", column(TEXTS, pl.String)),
    "String with NUL": ("utf8", "bytea", column([*TEXTS, "\0", "a\0b"], pl.String)),
    "String with NUL far below": ("utf8", "bytea", column(["a"] * 120_000 + ["b\0"], pl.String)),
    "String with NUL behind a null": ("text", "text", HIDDEN_NUL),
    "Binary": ("bytes", "bytea", column([b"", b"\0", b"\xff\0", None, b"x" * 10**6], pl.Binary)),
    "Categorical": ("text", "text", column(["b", "a", None, "b"], pl.Categorical())),
    "Categorical with NUL": ("utf8", "bytea", column(["b\0", "a", None], pl.Categorical())),
    "Enum": ("text", "text", column(["b", "a", None, "b"], pl.Enum(["unused\0", "a", "b", ""]))),
    "Enum with NUL": ("utf8", "bytea", column(["\0", None], pl.Enum(["\0", "b"]))),
    "Null": ("null", "text", column([None, None], pl.Null)),
    "Date": ("date", "date", column([0, -1, FIRST_DAY, LAST_DAY, None], pl.Date())),
    "far Date": ("ticks", "integer", column([FIRST_DAY - 1, 0, None, 2**31 - 1], pl.Date())),
    "Time": ("time", "time without time zone", column([0, 86_399_999_999_000, None], pl.Time())),
    "Time with ns": ("iso", "text", column([0, 1, 86_399_999_999_999, None], pl.Time())),
    **{
        f"Duration {unit}": ("integer", "bigint", column([LOWEST, 0, HIGHEST], pl.Duration(unit)))
        for unit in UNITS
    },
    **{
        f"Decimal {precision} {scale}": (
            "numeric",
            f"numeric({precision},{scale})",
            column(
                [Decimal(n).scaleb(-scale) for n in (-(10**precision) + 1, 0, 1)]
                + [None, Decimal(10**precision - 1).scaleb(-scale)],
                pl.Decimal(precision, scale),
            ),
        )
        for precision, scale in [(1, 0), (1, 1), (9, 4), (18, 3), (19, 0), (28, 28), (28, 9)]
    },
    "Decimal 38 digits": (
        "numeric",
        "numeric(38,7)",
        column(["9" * 31 + ".9999999", None], pl.String).cast(pl.Decimal(38, 7)),
    ),
    **{
        f"Datetime {unit} {zone}": (
            "timestamp",
            f"timestamp {'without' if zone is None else 'with'} time zone",
            column(
                {
                    "ms": [FIRST_MICROSECOND // 1000, -1, 0, 1, None, HIGHEST // 1000],
                    "us": [FIRST_MICROSECOND, -1, 0, 1, None, HIGHEST],
                    "ns": [LOWEST // 1000 * 1000 + 1000, -1000, 0, None, HIGHEST // 1000 * 1000],
                }[unit],
                pl.Datetime(unit, zone),
            ),
        )
        for unit in UNITS
        for zone in ZONES
    },
    **{
        f"far Datetime {unit} {zone}": (
            "ticks",
            "bigint",
            column([LOWEST, 0, None, HIGHEST], pl.Datetime(unit, zone)),
        )
        for unit in ("ms", "us")
        for zone in ZONES
    },
    **{
        f"Datetime with ns {zone}": (
            "iso",
            "text",
            column([LOWEST, -1, 0, 1, None, HIGHEST], pl.Datetime("ns", zone)),
        )
        for zone in ZONES
    },
    "List": ("json", "json", column([[1, None], [], None], pl.List(pl.Int64))),
    "List with NaN": ("json+float_text", "json", column([[math.nan, -0.0]], pl.List(pl.Float64))),
    "Array": ("json", "json", column([["a\0", None], None], pl.Array(pl.String, 2))),
    "Struct": ("json", "json", column([{"a": None}, None], pl.Struct({"a": pl.Binary}))),
}
TABLES: dict[str, pl.DataFrame] = {
    "all nulls": pl.DataFrame(
        {
            name: pl.Series([None] * 3, dtype=frame["x"].dtype)
            for name, (*_, frame) in FRAMES.items()
        }
    ),
    "no rows": pl.DataFrame({name: frame["x"].clear() for name, (*_, frame) in FRAMES.items()}),
    "no columns": pl.DataFrame(),
    "200 columns": pl.DataFrame({f"c{number}": [number, None] for number in range(200)}),
    "awkward names": pl.DataFrame({name: [n] for n, name in enumerate(AWKWARD_NAMES)}),
    "chunks": pl.concat([pl.DataFrame({"i": [1, 2], "s": ["a", None]})] * 5, rechunk=False),
    "a slice": pl.DataFrame(
        {
            "i": range(100),
            "s": map(str, range(100)),
            "b": [number % 3 == 0 for number in range(100)],
            "l": [[number] for number in range(100)],
        }
    ).slice(33, 17),
    "text after 3,000 nulls": pl.DataFrame({"s": [None] * 3000 + ["late"], "i": range(3001)}),
}


def assert_identical(read: pl.DataFrame, written: pl.DataFrame) -> None:
    assert read.schema == written.schema
    assert read.shape == written.shape
    for one, other in zip(read, written, strict=True):
        assert identical(one, other), f"{one.name!r} came back otherwise"
    assert_frame_equal(read, written, check_exact=True)


@pytest.mark.parametrize("case", FRAMES)
def test_a_column_comes_back_identical(round_trip, case):
    word, sql_type, frame = FRAMES[case]
    (layout,) = codec.plan(frame, "t")
    assert (layout.storage, layout.sql_type) == (word, sql_type)
    read = round_trip(frame)
    assert identical(read["x"], frame["x"])
    assert read.schema == frame.schema


def test_nanoseconds_are_texts_of_which_those_of_a_moment_end_with_z():
    columns = [pl.Series(f"{zone}", [1], dtype=pl.Datetime("ns", zone)) for zone in ZONES]
    frame = pl.DataFrame(columns)
    assert codec.encode(frame, codec.plan(frame, "t")).row(0) == (
        "1970-01-01 00:00:00.000000001",
        *["1970-01-01 00:00:00.000000001Z"] * (len(ZONES) - 1),
    )


@pytest.mark.parametrize("case", TABLES)
def test_a_frame_comes_back_identical(round_trip, case):
    assert_identical(round_trip(TABLES[case]), TABLES[case])


@REAL_SERVER
@given(data=st.data())
def test_any_column_comes_back_identical(round_trip, plain_columns, data):
    frame = data.draw(plain_columns).to_frame()
    read = round_trip(frame)
    assert read.schema == frame.schema
    assert identical(read["x"], frame["x"])


@REAL_SERVER
@given(data=st.data())
def test_any_nested_column_comes_back_identical(round_trip, nested_columns, data):
    frame = data.draw(nested_columns).to_frame()
    read = round_trip(frame)
    assert read.schema == frame.schema
    assert identical(read["x"], frame["x"])


@REAL_SERVER
@given(
    frame=dataframes(
        max_cols=6,
        max_size=8,
        allow_time_zones=True,
        excluded_dtypes=[pl.Extension, pl.Object, pl.Map],
    )
)
def test_any_frame_comes_back_identical(round_trip, frame):
    assert_identical(round_trip(frame), frame)


# --- the stored form --------------------------------------------------------------------------


@pytest.fixture
def outside(postgresql):
    """Another client with its own idea of the types."""
    with psycopg.connect(postgresql, autocommit=True) as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield lambda statement: opened.execute(statement).fetchall()


@pytest.mark.parametrize("case", FRAMES)
def test_the_declared_type_is_written_as_the_catalogue_of_postgresql_writes_it(
    write, connection, outside, case
):
    _, sql_type, frame = FRAMES[case]
    write(connection, frame, "declared")
    assert outside(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = 'declared'::regclass AND attnum > 0"
    ) == [(sql_type,)]


def test_other_clients_read_native_values(write, connection, outside):
    moment = dt.datetime(2024, 7, 1, 12, 30, 0, 5, tzinfo=dt.UTC)
    frame = pl.DataFrame(
        {
            "u8": [255],
            "u64": [2**64 - 1],
            "price": [Decimal("1.50")],
            "text": ["é😀"],
            "nul": ["a\0b"],
            "day": [dt.date(2024, 2, 29)],
            "naive": [moment.replace(tzinfo=None)],
            "aware": [moment],
            "nanos": ["2024-07-01T00:00:00.000000001"],
            "clock": [dt.time(1, 2, 3, 4)],
            "nested": [{"a": [1, None], "b": "é"}],
            "big": [2**127 - 1],
        },
        schema_overrides={
            "u8": pl.UInt8,
            "u64": pl.UInt64,
            "price": pl.Decimal(10, 2),
            "aware": pl.Datetime("us", "Europe/Amsterdam"),
            "big": pl.Int128,
        },
    ).with_columns(pl.col("nanos").str.to_datetime(time_unit="ns"))
    write(connection, frame, "native")
    (row,) = outside(
        "SELECT u8 + 1, u64 + 1, price * 2, length(text), nul, day + 1, naive, aware, nanos, "
        "clock, nested::text, nested->'a'->0, big::numeric + 1 FROM native"
    )
    assert row == (
        *(256, 2**64, Decimal("3.00"), 2, b"a\0b", dt.date(2024, 3, 1)),
        *(moment.replace(tzinfo=None), moment, "2024-07-01 00:00:00.000000001"),
        *(dt.time(1, 2, 3, 4), '{"a":[1,null],"b":"é"}', 1, 2**127),
    )


def test_names_are_kept_wherever_postgresql_can_have_them():
    frame = pl.DataFrame({name: [0] for name in AWKWARD_NAMES})
    physical = {layout.name: layout.physical for layout in codec.plan(frame, "t")}
    assert len(set(physical.values())) == len(AWKWARD_NAMES)
    assert max(len(name.encode()) for name in physical.values()) == 63
    renamed = {name for name in AWKWARD_NAMES if physical[name] != name}
    assert {"", "ctid", "xmin", "tableoid", "x" * 64, "x" * 300, "é" * 32, "a\0b"} <= renamed
    assert not renamed & {"x" * 63, "é" * 31, "CTID", "rowid", "*", "select", "😀", "a\nb"}


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype",
    [
        pl.Object(),
        pl.Map(pl.String, pl.Int8),
        pl.Categorical(pl.Categories("own")),
        pl.List(pl.Categorical(pl.Categories("own"))),
        pl.Extension("of.somebody", pl.List(pl.Int8)),
        pl.Struct({"a": pl.Extension("of.somebody", pl.Int8())}),
    ],
    ids=str,
)
def test_a_dtype_without_storage_is_refused(dtype):
    frame = pl.DataFrame({"prices": pl.Series([], dtype=dtype)})
    with pytest.raises(UnstorableError) as refused:
        codec.plan(frame, "orders")
    for part in ("'prices'", "'orders'", str(dtype), "drop it", "Nothing was written"):
        assert part in str(refused.value)


# --- values of somebody else ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "value"),
    [
        (column([1], pl.UInt8), "300"),
        (column([1], pl.UInt64), "-1"),
        (column([Decimal(1)], pl.Decimal(5, 2)), "'NaN'"),
        (column(["a"], pl.Enum(["a"])), "'b'"),
        (column([1], pl.Time()), "'yesterday'"),
        (column([1], pl.Datetime("ns")), "'infinity'"),
        (column([0], pl.Datetime("us")), "'infinity'"),
        (column([0], pl.Datetime("ms", "UTC")), "'-infinity'"),
        (column([0], pl.Date()), "'infinity'"),
        (column([[1]], pl.List(pl.Int8)), """'["x"]'"""),
        (column(["\0"], pl.String), r"'\xff'"),
    ],
)
def test_a_value_of_somebody_else_is_drift(write, read, connection, outside, frame, value):
    layout = write(connection, frame, "drifted")
    outside(f"UPDATE drifted SET x = {value} RETURNING 1")
    with pytest.raises(SchemaDriftError, match=r"'x' of table 'drifted'.*Undo the change"):
        codec.decode(read(connection, "drifted"), layout.columns, "drifted")


def test_a_column_of_another_type_is_drift(write, read, connection, outside):
    layout = write(connection, column([1], pl.Int8), "drifted")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE drifted ALTER x TYPE bigint")
    with pytest.raises(SchemaDriftError, match=r"'x' of table 't'.*Int64 where smallint was"):
        codec.decode(read(connection, "drifted"), layout.columns, "t")


def test_columns_that_postgresql_cannot_call_by_their_names_have_numbers():
    frame = pl.DataFrame({"a": [1], "ctid": [2], "x" * 64: [3]})
    assert [one.physical for one in codec.plan(frame, "t")] == ["a", "column_1", "column_2"]
