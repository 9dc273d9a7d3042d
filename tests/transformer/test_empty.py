from __future__ import annotations

import datetime as dt

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from algomancy_data.errors import ValidationError
from algomancy_data.transformer import drop_empty, fill_empty


def test_a_null_takes_the_nearest_value_to_its_left():
    frame = pl.DataFrame({"a": [1, None, 3], "b": [None, None, 4], "c": [None, 5, None]})
    assert fill_empty(frame).rows() == [(1, 1, 1), (None, None, 5), (3, 4, 4)]


def test_columns_keep_their_dtypes():
    frame = pl.DataFrame({"a": [1, 2], "b": [None, 2.5], "c": [None, "x"]})
    out = fill_empty(frame)
    assert out.schema == frame.schema
    assert out.rows() == [(1, 1.0, "1.0"), (2, 2.5, "x")]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (["x"], pl.Series([None], dtype=pl.Int64)),
        (["05"], pl.Series([None], dtype=pl.Int64)),
        ([1.5], pl.Series([None], dtype=pl.Int64)),
        ([300], pl.Series([None], dtype=pl.Int8)),
        ([float("nan")], pl.Series([None], dtype=pl.Int64)),
        ([2**53 + 1], pl.Series([None], dtype=pl.Float64)),
        ([dt.date(2024, 1, 1)], pl.Series([None], dtype=pl.Boolean)),
        ([[1]], pl.Series([None], dtype=pl.Int64)),
        ([1], pl.Series([None])),
    ],
)
def test_a_value_that_would_change_on_its_way_is_refused_with_both_columns(left, right):
    with pytest.raises(ValidationError, match=r"'b'.*'a'"):
        fill_empty(pl.DataFrame({"a": left, "b": right}))


def test_a_value_that_fits_is_not_refused_because_of_others_that_are_not_needed():
    frame = pl.DataFrame({"a": ["x", "5"], "b": [1, None]})
    assert fill_empty(frame)["b"].to_list() == [1, 5]


@pytest.mark.parametrize(
    "column",
    [
        pl.Series([None, [1]]),
        pl.Series([None, {"k": 1}]),
        pl.Series([None, "x"], dtype=pl.Categorical),
        pl.Series([None, None]),
    ],
)
def test_columns_of_any_dtype_are_filled(column):
    frame = pl.DataFrame({"a": column.reverse(), "b": column})
    assert fill_empty(frame)["b"].null_count() == (2 if column.dtype == pl.Null else 0)


def test_python_objects_without_a_value_to_the_left_stay():
    frame = pl.DataFrame({"a": [None, None], "b": pl.Series([object(), None], dtype=pl.Object)})
    assert fill_empty(frame)["b"].null_count() == 1


def test_rows_with_a_null_are_dropped_and_nan_stays():
    frame = pl.DataFrame({"a": [1.0, float("nan"), None], "b": [None, "x", "y"]})
    assert_frame_equal(drop_empty(frame), frame.slice(1, 1))


@pytest.mark.parametrize("function", [fill_empty, drop_empty])
def test_frames_without_rows_or_columns_come_back(function):
    assert function(pl.DataFrame()).shape == (0, 0)
    empty = pl.DataFrame(schema={"a": pl.Int64, "b": pl.String})
    assert_frame_equal(function(empty), empty)


@pytest.mark.parametrize("function", [fill_empty, drop_empty])
def test_other_frames_are_taken_too(function):
    assert function(pd.DataFrame({"a": [1, 2]})).to_series().to_list() == [1, 2]


values = st.one_of(st.none(), st.integers(-3, 3))


@given(st.lists(st.tuples(values, values, values, values), max_size=8))
def test_filling_is_a_forward_fill_along_each_row(rows):
    def forward(row):
        for position, value in enumerate(row):
            yield next((v for v in reversed(row[: position + 1]) if v is not None), value)

    frame = pl.DataFrame(rows, schema=dict.fromkeys("abcd", pl.Int64), orient="row")
    assert fill_empty(frame).rows() == [tuple(forward(row)) for row in rows]
    assert drop_empty(frame).rows() == [row for row in rows if None not in row]
