"""A value that is written by a documented rule is read back as that value."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.extractor import ConversionIssue, DataTypeConverter
from algomancy_data.schema import DataType


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_floats_with_thousands(read, values) -> None:
    texts = [f"{Decimal(repr(value)):,f}" for value in values]
    assert read(texts, DataType.FLOAT, decimal_mark=".").to_list() == values


LARGE = st.integers(2**53, 2**63 - 1)


@given(st.lists(LARGE | LARGE.map(int.__neg__), min_size=1))
def test_a_whole_number_becomes_the_equal_float_or_none(values) -> None:
    frame = pl.DataFrame({"c": [str(value) for value in values]})
    issues: list[ConversionIssue] = []
    read_back = DataTypeConverter.convert_dtypes(frame, {"c": DataType.FLOAT}, issues)["c"]
    shortest = [Decimal(repr(float(value))) == value for value in values]
    exact = [int(float(value)) == value for value in values]
    fine = [any(pair) for pair in zip(shortest, exact, strict=True)]
    if all(fine):
        assert read_back.to_list() == [float(value) for value in values]
    else:
        assert issues[0].count == fine.count(False)
