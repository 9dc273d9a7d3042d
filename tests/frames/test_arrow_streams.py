"""Tables of Arrow from other libraries: held, turned into what a frame has, or refused by name."""

from decimal import Decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

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
