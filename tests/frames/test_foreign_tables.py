"""Tables of other libraries: identical as a frame, or refused in words of ours."""

import datetime as dt
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_series_equal

from algomancy_data.errors import FrameError
from algomancy_data.frames.tabular import to_frame

BAD_TEXT = pa.Array.from_buffers(
    pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
)
REFUSED = {
    "a union": (pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]), "a union of"),
    "an interval": (pa.array([(1, 2, 3)], pa.month_day_nano_interval()), "calendar intervals"),
    "an unknown zone": (pa.array([0], pa.timestamp("us", "Mars/X")), "unknown time zone 'Mars/X'"),
    "nested list views": (
        pa.array([[[1]]], pa.list_(pa.list_view(pa.int8()))),
        "list views inside",
    ),
    "a large decimal": (pa.array([Decimal(10) ** 45], pa.decimal256(50, 2)), "decimal256 with"),
}


@pytest.mark.parametrize(("values", "what"), REFUSED.values(), ids=REFUSED)
def test_what_no_frame_holds_is_named_with_what_to_take_instead(values, what):
    with pytest.raises(FrameError) as caught:
        to_frame(pa.table({"a": values}), "t")
    said = str(caught.value)
    assert said.startswith("Table 't': column 'a' uses ")
    assert what in said
    assert ", which cannot be held. Build the table with " in said


INVALID = {
    "text": BAD_TEXT,
    "text in a dictionary": pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), BAD_TEXT),
    "text in lists": pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), BAD_TEXT),
    "text in views": pa.array([b"\xff\xfe" * 10], pa.binary_view()).view(pa.string_view()),
    "a time in lists": pa.array([[90_000_000]], pa.list_(pa.int32())).view(
        pa.list_(pa.time32("ms"))
    ),
}


@pytest.mark.parametrize("values", INVALID.values(), ids=INVALID)
def test_values_that_their_type_does_not_allow_are_refused(values):
    table = pa.table({"b": [1], "a": values})
    for given in (table, table.to_batches()[0], {"b": [1], "a": values}):
        with pytest.raises(FrameError, match=r"column 'a' has values that its type does not allow"):
            to_frame(given)


HELD = {
    "runs": (
        pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array([1, None])),
        pl.Series([1, 1, None]),
    ),
    "list views": (
        pa.array([[1], None, [2, 3]], pa.list_view(pa.int64())),
        pl.Series([[1], None, [2, 3]]),
    ),
    "decimal256": (
        pa.array([Decimal("1.5")], pa.decimal256(50, 1)),
        pl.Series([Decimal("1.5")], dtype=pl.Decimal(38, 1)),
    ),
    "lists of no items": (
        pa.array([[], None], pa.list_(pa.int8(), 0)),
        pl.Series([[], None], dtype=pl.List(pl.Int8)),
    ),
    "an offset": (
        pa.array([0], pa.timestamp("us", "+02:00")),
        pl.Series([0], dtype=pl.Datetime("us", "UTC")),
    ),
}


@pytest.mark.parametrize(("values", "expected"), HELD.values(), ids=HELD)
def test_what_polars_lacks_becomes_what_it_has(values, expected):
    column = to_frame(pa.table({"a": values}))["a"]
    assert column.dtype == expected.dtype
    assert column.to_list() == expected.to_list()


@pytest.mark.parametrize("around", [lambda dtype: dtype, pa.list_], ids=["alone", "in lists"])
def test_a_map_becomes_its_keys_and_values_even_if_a_key_is_there_twice(around):
    dtype = pa.map_(pa.string(), pa.int8())
    entries = [("a", 1), ("a", 2)]
    nested = around(dtype) != dtype
    values = pa.array([[entries] if nested else entries, None], around(dtype))
    expected = [{"key": "a", "value": 1}, {"key": "a", "value": 2}]
    for table in (
        pa.table({"m": values}),
        {"m": values},
        pd.DataFrame({"m": pd.Series(values, dtype=pd.ArrowDtype(values.type))}),
    ):
        assert to_frame(table)["m"].to_list() == [[expected] if nested else expected, None]


ZONED = dt.time(1, 2, tzinfo=dt.UTC)
NANO = pd.Timestamp("2024-01-01T00:00:00.123456789")
AWARE, NAIVE = dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 1, 1)
CHANGED = {
    "a day far away": {"a": np.array([2**40, 1], "datetime64[D]")},
    "days of numpy in a list": {"a": [np.datetime64("2024-01-01"), None]},
    "days of numpy in arrays": {"a": [np.array([1, 2], "datetime64[D]")]},
    "a time with a zone": {"a": [ZONED]},
    "a time with a zone in rows": [{"a": ZONED}],
    "a time with a zone in lists": {"a": [[ZONED], None]},
    "a time with a zone in structs": {"a": [{"x": ZONED}]},
    "a time with a zone in pandas": pd.DataFrame({"a": [ZONED]}),
    "the longest duration": {"a": [dt.timedelta.max]},
    "the longest duration in lists": {"a": [[dt.timedelta.max]]},
    "nanoseconds": {"a": [NANO]},
    "nanoseconds in rows": [{"a": NANO}],
    "nanoseconds of a duration": {"a": [pd.Timedelta(1, "ns")]},
    "a zone and none": {"a": [AWARE, NAIVE]},
    "none and a zone": {"a": [NAIVE, AWARE]},
    "a large number among floats": {"a": [0.5, 2**53 + 1]},
    "a large number in rows": [{"a": 2**53 + 1}, {"a": 0.5}],
    "truth among numbers": {"a": [2, True]},
    "text and a number in rows": [{"a": 1}, {"a": "x"}],
    "text and a number in lists of rows": [{"a": [1]}, {"a": ["x"]}],
    "text and a number in tuples": [(1, 0), ("x", 0), (2, 0)],
}


@pytest.mark.parametrize("table", CHANGED.values(), ids=CHANGED)
def test_a_value_that_a_frame_would_change_is_refused(table):
    with pytest.raises(FrameError, match=r"^Table 't'.* of one type") as caught:
        to_frame(table, "t")
    assert "supertype" not in str(caught.value)


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


FROM_TYPE = {
    "a table": "pa.Table.from_batches([], pa.schema({'a': dtype}))",
    "a reader": "pa.RecordBatchReader.from_batches(pa.schema({'a': dtype}), [])",
    "a dictionary": "pa.Table.from_batches([], pa.schema({'a': pa.dictionary(pa.int8(), dtype)}))",
    "pandas": "pd.DataFrame({'a': pd.Series([], dtype=pd.ArrowDtype(dtype))})",
}


# At 1,000 levels pandas gives up by itself.
@pytest.mark.parametrize(
    ("kind", "levels"),
    [(kind, 100) for kind in FROM_TYPE]
    + [(kind, levels) for kind in [*FROM_TYPE][:-1] for levels in (1_000, 100_000)],
)
def test_types_that_are_nested_without_measure_are_refused(kind, levels):
    code = f"""
import os, sys
import pandas as pd, pyarrow as pa
from algomancy_data.errors import FrameError
from algomancy_data.frames.tabular import to_frame
dtype = pa.int8()
for level in range({levels}):
    dtype = pa.list_(dtype) if level % 2 else pa.struct({{"x": dtype}})
table = {FROM_TYPE[kind]}
try:
    to_frame(table, "t")
except FrameError as error:
    print(error, flush=True)
os._exit(0)  # Arrow recurses when it forgets such a type
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    said = "Taking table 't' failed: it is nested too deeply. Take out some of the levels."
    assert (done.returncode, done.stdout.strip()) == (0, said), done.stderr[-500:]


def test_frames_of_polars_are_taken_to_as_many_levels_as_json_files_have():
    dtype = pl.Int8()
    for _ in range(128):
        dtype = pl.List(dtype)
    frame = pl.DataFrame(schema={"a": dtype})
    assert to_frame(frame) is frame
    deeper = pl.DataFrame(schema={"a": pl.Struct({"x": dtype})})
    for table in (deeper, deeper.lazy()):
        with pytest.raises(FrameError, match="it is nested too deeply"):
            to_frame(table)


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


@pytest.mark.parametrize(
    "values",
    [
        [[True], [1]],
        [[[True]], [[1]]],
        [[0.1], [2**53 + 1]],
        [{"x": 1}, {"y": 2}],
        [{"x": [0.1]}, {"x": [2**53 + 1]}],
        [{}, {"x": 1}],
    ],
)
def test_a_changed_value_inside_others_is_refused(values):
    with pytest.raises(FrameError, match=r"'a' would have|cannot be turned"):
        to_frame({"a": values})
