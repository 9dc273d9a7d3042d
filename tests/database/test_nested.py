"""Nested columns as JSON text: exact or refused."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.exceptions import PolarsError
from polars.testing import assert_series_equal
from polars.testing.parametric import dtypes, series

from algomancy_data.database import nested
from algomancy_data.errors import UnstorableError
from algomancy_data.frames.identical import identical
from algomancy_data.testing.samples import makeable

ENOUGH = settings(
    max_examples=5 * settings.default.max_examples,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
FAR_DAY = 2_000_000_000


def texts(column: pl.Series, word: str | None = None) -> pl.Series:
    frame = column.alias("x").to_frame()
    word = nested.check(column, "t")[0] if word is None else word
    return frame.select(nested.encode(pl.col("x"), column.dtype, word)).to_series()


def decoded(written: pl.Series, dtype: Any, word: str) -> pl.Series:
    return written.to_frame().select(nested.decode(pl.col("x"), dtype, word)).to_series()


def assert_exact(column: pl.Series) -> None:
    """Compare with Python's own idea of the values: its repr knows NaN, -0.0 and nanoseconds."""
    word, longest = nested.check(column, "t")
    assert word in nested.WORDS
    written = texts(column, word)
    assert written.dtype == pl.String
    assert (written.is_null() == column.is_null()).all()
    assert longest == max((len(text.encode()) for text in written if text is not None), default=0)
    read = decoded(written, column.dtype, word)
    assert read.dtype == column.dtype
    assert repr(read.to_physical().to_list()) == repr(column.to_physical().to_list())
    for text in written.drop_nulls():
        assert text != "null"
        json.loads(text, parse_constant=pytest.fail)


@ENOUGH
@given(data=st.data())
def test_a_nested_column_comes_back_exact(nested_columns, data):
    column = data.draw(nested_columns)
    assert_exact(column)


@ENOUGH
@given(
    column=dtypes(excluded_dtypes=[pl.Extension, pl.Object, pl.Map])
    .filter(lambda dtype: dtype.is_nested())
    .flatmap(lambda dtype: makeable(series(name="x", dtype=dtype, max_size=6)))
)
def test_a_nested_column_of_polars_own_strategy_comes_back_exact(column):
    word, _ = nested.check(column, "t")
    assert_series_equal(decoded(texts(column, word), column.dtype, word), column, check_exact=True)


@pytest.mark.parametrize(
    ("values", "dtype", "written"),
    [
        ([[1, None], [], None], pl.List(pl.Int8), ["[1,null]", "[]", None]),
        ([[1, 2], None], pl.Array(pl.Int8, 2), ["[1,2]", None]),
        ([[], None], pl.Array(pl.Int8, 0), ["[]", None]),
        ([[[1], [None]]], pl.Array(pl.Int8, (2, 1)), ["[[1],[null]]"]),
        ([{"a": None}, None], pl.Struct({"a": pl.Int8}), ['{"a":null}', None]),
        ([{}, None], pl.Struct({}), ["{}", None]),
        ([[{}, None]], pl.List(pl.Struct({})), ["[{},null]"]),
        ([[None]], pl.List(pl.Null), ["[null]"]),
        ([[2**64 - 1]], pl.List(pl.UInt64), ["[18446744073709551615]"]),
        ([[0.1, -0.0, 1e300]], pl.List(pl.Float64), ["[0.1,-0.0,1e+300]"]),
        ([[math.nan, -math.inf]], pl.List(pl.Float32), ['["NaN","-inf"]']),
        ([["a\0b", '"', "é😀"]], pl.List(pl.String), [r'["a\u0000b","\"","é😀"]']),
        ([["b"]], pl.List(pl.Enum(["a", "b"])), ['["b"]']),
        ([["b"]], pl.List(pl.Categorical()), ['["b"]']),
        ([[b"\0\xff"]], pl.List(pl.Binary), ['["AP8="]']),
        ([[Decimal("1.50")]], pl.List(pl.Decimal(5, 2)), ['["1.50"]']),
        ([[dt.date(2024, 2, 29)]], pl.List(pl.Date), ['["2024-02-29"]']),
        ([[dt.time(1, 2, 3)]], pl.List(pl.Time), ['["01:02:03"]']),
        ([[dt.timedelta(seconds=-1)]], pl.List(pl.Duration("ms")), ["[-1000]"]),
        (
            [[dt.datetime(2024, 1, 2, 3, 4, 5, 6)]],
            pl.List(pl.Datetime("us")),
            ['["2024-01-02T03:04:05.000006"]'],
        ),
        (
            [[dt.datetime(2024, 7, 1, tzinfo=dt.UTC)]],
            pl.List(pl.Datetime("ms", "Europe/Amsterdam")),
            ['["2024-07-01T00:00:00.000+00:00"]'],
        ),
    ],
)
def test_the_text_is_part_of_the_storage_format(values, dtype, written):
    column = pl.Series("x", values, dtype=dtype)
    assert texts(column).to_list() == written
    assert_exact(column)


@pytest.mark.parametrize(
    ("column", "word"),
    [
        (pl.Series([[1]]), "json"),
        (pl.Series([[math.nan]]), "json+float_text"),
        (pl.Series([[FAR_DAY]]).cast(pl.List(pl.Int32)).cast(pl.List(pl.Date)), "json+date_number"),
        (pl.Series([[2**63 - 1]]).cast(pl.List(pl.Datetime("ms"))), "json+date_number"),
        (
            pl.Series([{"f": math.inf, "t": -(2**63)}]).cast(
                pl.Struct({"f": pl.Float64, "t": pl.Datetime("us", "UTC")})
            ),
            "json+float_text+date_number",
        ),
    ],
)
def test_what_json_or_iso_8601_cannot_hold_is_kept_in_a_variant(column, word):
    assert nested.check(column, "t")[0] == word
    assert_exact(column.alias("x"))


@pytest.mark.parametrize("name", ["*", "^.*$", "", '"', "\\", "\0", "é", "a b", "0", "x"])
def test_a_field_may_have_any_name(name):
    assert_exact(pl.Series("x", [[{name: 1, "other": {name: None}}], None]))


def test_a_struct_of_nulls_is_no_null():
    column = pl.Series("x", [{"a": {"b": None}}, {"a": None}, None])
    assert texts(column).to_list() == ['{"a":{"b":null}}', '{"a":null}', None]
    assert_exact(column)


def hidden() -> list[pl.Series]:
    """Return columns with a date under a null that Polars cannot write."""
    days = pa.array([0, FAR_DAY], pa.int32()).cast(pa.date32())
    mask = pa.array([False, True])
    ends = pa.array([0, 1, 2], pa.int32())
    struct = pa.StructArray.from_arrays([days], ["a"], mask=mask)
    arrays = [
        pa.ListArray.from_arrays(ends, days, mask=mask),
        pa.FixedSizeListArray.from_arrays(days, 1, mask=mask),
        struct,
        pa.ListArray.from_arrays(ends, struct, mask=mask),
        pa.StructArray.from_arrays([pa.ListArray.from_arrays(ends, days)], ["a"], mask=mask),
    ]
    return [pl.Series("x", pl.from_arrow(array)) for array in arrays]


@pytest.mark.parametrize("column", hidden(), ids=lambda column: str(column.dtype))
def test_what_hides_under_a_null_changes_nothing(column):
    assert nested.check(column, "t")[0] == "json"
    assert_exact(column)


def test_depth_is_no_limit():
    column = pl.Series("x", [[1], None, []], dtype=pl.List(pl.Int8))
    for _ in range(30):
        column = (
            pl.Series("x", [{"s": None}, None])
            .to_frame()
            .select(pl.concat_list(pl.struct(pl.lit(column.implode()).alias("s"))))
            .to_series()
            .alias("x")
        )
    assert_exact(column)


@pytest.mark.parametrize(
    ("dtype", "named"),
    [
        (pl.List(pl.Categorical(pl.Categories("own"))), "Categorical"),
        (pl.Struct({"a": pl.List(pl.Map(pl.String, pl.Int8))}), "Map"),
        (pl.Array(pl.Struct({"a": pl.Categorical(pl.Categories("own"))}), 2), "Categorical"),
    ],
)
def test_a_dtype_without_text_is_refused(dtype, named):
    column = pl.Series("prices", [], dtype=dtype)
    with pytest.raises(UnstorableError, match=rf"'prices'.*'orders'.*the dtype {named}.*written"):
        nested.check(column, "orders")


def test_a_text_that_would_change_a_value_is_refused(monkeypatch):
    monkeypatch.setattr(nested, "decode", lambda value, dtype, word: pl.lit(None, dtype))
    with pytest.raises(UnstorableError, match=r"'x' of table 't'.*values that JSON text changes"):
        nested.check(pl.Series("x", [[1]]), "t")


@pytest.mark.parametrize("text", ["[1", '["x"]', '{"a":1}', "[1] 2"])
def test_a_text_of_somebody_else_is_an_error(text):
    with pytest.raises(PolarsError):
        decoded(pl.Series("x", [text]), pl.List(pl.Int8()), "json")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([[0.0]], [[-0.0]]),
        ([[1.0]], [[math.nan]]),
        ([[None]], [None]),
        ([[]], [None]),
        ([[], [1.0]], [[1.0], []]),
        ([[None, 1.0]], [[1.0, None]]),
    ],
)
def test_columns_that_differ_are_not_identical(left, right):
    dtype = pl.List(pl.Float64)
    one, other = pl.Series(left, dtype=dtype), pl.Series(right, dtype=dtype)
    assert identical(one, one.clone())
    assert not identical(one, other)
    assert not identical(one.implode(), other.implode())


def test_columns_of_other_dtypes_or_lengths_are_not_identical():
    assert not identical(pl.Series([[1]]), pl.Series([[1]], dtype=pl.List(pl.Int8)))
    assert not identical(pl.Series([[1]]), pl.Series([[1], [1]]))
    null, struct = pl.Series([None], dtype=pl.Struct({"a": pl.Int8})), pl.Series([{"a": None}])
    assert not identical(null, struct.cast(null.dtype))
