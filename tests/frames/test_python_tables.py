"""Tables of Python values: the frame has them all as they were given."""

import datetime as dt

import numpy as np
import pytest
from polars.testing import assert_series_equal

from algomancy_data.frames.tabular import to_frame

AWARE = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def test_a_column_that_begins_late_is_there_and_keeps_its_fractions():
    frame = to_frame([*[{"a": 1}] * 300, {"a": 1.5, "b": "x"}])
    assert frame["a"].to_list() == [*[1.0] * 300, 1.5]
    assert frame["b"].to_list() == [*[None] * 300, "x"]


SAME = {
    "numbers": ([2**100, None, 1], None),
    "floats": ([float("inf"), 2.5, None], None),
    "durations of whole milliseconds": ([dt.timedelta.min, dt.timedelta(days=2 * 10**8)], None),
    "zones": ([AWARE, dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2)))], None),
    "tuples": ([(1, 2), None], [[1, 2], None]),
    "arrays": ([np.array([1, 2]), np.array([3, 4])], [[1, 2], [3, 4]]),
    "structs": ([{"x": 1}, {"x": None}], None),
    "numbers of numpy": ([np.int8(3), np.int8(4)], [3, 4]),
    "objects": ([1j, None], None),
}


@pytest.mark.parametrize(("given", "expected"), SAME.values(), ids=SAME)
def test_values_of_python_come_back(given, expected):
    for table in ({"a": given}, [{"a": value} for value in given], ({"a": v} for v in given)):
        assert to_frame(table)["a"].to_list() == (given if expected is None else expected)


def test_nan_stays_nan_in_a_list_and_dates_of_numpy_are_those_of_the_array():
    frame = to_frame({"n": [float("nan"), 1], "d": np.array(["2024-01-01", "NaT"], "M8[D]")})
    assert frame["n"].is_nan().to_list() == [True, False]
    assert frame["d"].to_list() == [dt.date(2024, 1, 1), None]


@pytest.mark.parametrize(
    "values",
    [
        [1, None, 2**62],
        [2**63, 1],
        [0.5, float("nan")],
        ["x", None],
        [dt.datetime.min, dt.datetime.max, None],
        [dt.date.min, dt.date.max],
        [[1, None], None, []],
        [[{"x": 1}], [{}], None],
        [[[1]], [[]], [None]],
        [{"x": {"y": "z"}}, {"x": None}, None],
        [{}, None],
    ],
)
def test_rows_give_the_values_of_columns_and_lists_and_dicts_those_inside(values):
    columns = to_frame({"a": values})
    assert_series_equal(columns["a"], to_frame([{"a": value} for value in values])["a"])
    read = columns["a"].to_list()
    assert read == values or repr(read) in {"[0.5, nan]", "[[{'x': 1}], [{'x': None}], None]"}
