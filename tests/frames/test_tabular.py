import datetime as dt

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from algomancy_data.errors import FrameError, UnstorableError
from algomancy_data.frames.arrow import check_storable
from algomancy_data.frames.tabular import to_frame

FRAME = pl.DataFrame({"i": [1, None], "s": ["x", None], "t": [dt.datetime(2024, 1, 2), None]})


class OnlyAStream:
    def __arrow_c_stream__(self, requested_schema=None):
        return FRAME.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize(
    "table",
    [FRAME, FRAME.lazy(), FRAME.to_arrow(), OnlyAStream(), FRAME.to_dict(), FRAME.to_dicts()],
    ids=["polars", "lazy", "pyarrow", "stream", "dict", "records"],
)
def test_anything_tabular_becomes_the_same_frame(table):
    assert_frame_equal(to_frame(table), FRAME)


def test_a_polars_frame_is_returned_as_it_is():
    assert to_frame(FRAME) is FRAME


def test_a_pandas_frame_loses_its_index_and_its_missing_values_become_null():
    pandas = pd.DataFrame(
        {"f": [1.0, None], "i": pd.array([1, None], dtype="Int64"), "s": ["x", None], 3: [1, 2]},
        index=["u", "v"],
    )
    expected = pl.DataFrame({"f": [1.0, None], "i": [1, None], "s": ["x", None], "3": [1, 2]})
    assert_frame_equal(to_frame(pandas), expected)


@pytest.mark.parametrize(
    "table",
    [
        3,
        "x",
        pytest.param(b"x", id="bytes"),
        None,
        object(),
        pl.Series([1]),
        pd.DataFrame({"a": [1, "x"]}),
        {"a": [1], "b": [1, 2]},
    ],
)
def test_what_is_no_table_is_refused_by_name(table):
    with pytest.raises(FrameError, match=r"Table 'orders' is a .* cannot be turned into"):
        to_frame(table, "orders")


def test_the_error_is_a_type_error():
    with pytest.raises(TypeError):
        to_frame(pa.array([1]))


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (pd.DataFrame({"a": [1, "x"]}), r"column 'a' with .* object .* such as df\[.a.\]"),
        (
            pd.DataFrame([[1, 2]], columns=["a", "a"]),
            "more than one column 'a'. Give each a name of its own",
        ),
    ],
    ids=["mixed", "twice"],
)
def test_a_pandas_frame_that_is_refused_is_told_what_to_do_about_its_columns(table, reason):
    with pytest.raises(FrameError, match=reason):
        to_frame(table)


def test_a_column_without_a_name_stays_without_one():
    table = pa.table({"a": [1], "": [2]})
    assert to_frame(table).columns == ["a", ""]
    assert to_frame(table.to_pandas()).columns == ["a", ""]
    assert to_frame(pa.table({"": [2], "column_0": [1]})).to_dict(as_series=False) == {
        "": [2],
        "column_0": [1],
    }


def test_a_decimal_of_more_digits_than_its_type_has_is_refused():
    buffers = [None, pa.py_buffer((10**9).to_bytes(16, "little"))]
    array = pa.Array.from_buffers(pa.decimal128(5), 1, buffers)
    with pytest.raises(
        FrameError, match=r"column 'a' has values that .* a decimal of too many digits"
    ):
        to_frame(pa.table({"a": array}))
    with pytest.raises(UnstorableError, match=r"Table 't' cannot be kept exactly. Column 'a' has"):
        check_storable(pl.DataFrame({"a": pl.Series(array)}), "t")


IN_ARROW = pa.table({"a\0b": [1], "a\0c": ["x"], "a": [2.5]})


@pytest.mark.parametrize(
    "table",
    [
        IN_ARROW,
        IN_ARROW.to_batches()[0],
        pa.RecordBatchReader.from_batches(IN_ARROW.schema, IN_ARROW.to_batches()),
        IN_ARROW.to_pandas(),
    ],
    ids=["table", "batch", "reader", "pandas"],
)
def test_a_name_is_not_cut_at_a_nul(table):
    expected = pl.DataFrame({"a\0b": [1], "a\0c": ["x"], "a": [2.5]})
    assert_frame_equal(to_frame(table), expected)


@pytest.mark.parametrize("kind", [pa.table, pd.DataFrame])
def test_a_field_whose_name_would_be_cut_at_a_nul_is_refused(kind):
    table = kind({"s": [[{"x\0y": 1}]]})
    with pytest.raises(FrameError, match=r"Table 't': column 's' uses fields with a NUL"):
        to_frame(table, "t")


LARGE = 2**62  # in seconds; a thousand times as much has no room
NESTED = {
    "alone": (lambda dtype: dtype, LARGE),
    "in a list": (pa.list_, [LARGE]),
    "in a struct": (lambda dtype: pa.struct({"x": dtype}), {"x": LARGE}),
}


@pytest.mark.parametrize("dtype", [pa.timestamp("s"), pa.timestamp("s", "UTC"), pa.duration("s")])
@pytest.mark.parametrize(("around", "value"), NESTED.values(), ids=NESTED)
def test_seconds_that_milliseconds_do_not_hold_are_refused(dtype, around, value):
    table = pa.table({"a": pa.array([None, value], around(dtype))})
    with pytest.raises(
        FrameError, match=r"Table 't': column 'a' uses .* values that are too large"
    ):
        to_frame(table, "t")


def test_seconds_of_pandas_that_milliseconds_do_not_hold_are_refused():
    frame = pd.DataFrame({"a": pd.array([LARGE], "int64").view("datetime64[s]")})
    with pytest.raises(FrameError, match=r"column 'a' uses .* with values that are too large"):
        to_frame(frame)


def test_seconds_that_fit_are_milliseconds():
    moments = [dt.datetime(9999, 12, 31, 23, 59, 59), None, dt.datetime(1, 1, 1)]
    table = pa.table({"a": pa.array(moments, pa.timestamp("s")), "l": [[moments[0]], [], None]})
    frame = to_frame(table)
    assert frame["a"].to_list() == moments
    assert frame["l"].to_list() == [[moments[0]], [], None]


@pytest.mark.parametrize(
    "times",
    [
        pa.array([86_400], pa.int32()).view(pa.time32("s")),
        pa.array([-1], pa.int64()).view(pa.time64("us")),
    ],
)
def test_a_time_of_day_that_there_is_not_is_refused(times):
    with pytest.raises(FrameError, match=r"column 'a' has values .* outside 00:00 to 24:00"):
        to_frame(pa.table({"a": times}))
