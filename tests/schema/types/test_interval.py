"""A value that is written by a documented rule is read back as that value."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.schema import DataType


@given(st.lists(st.timedeltas(dt.timedelta(-(10**8)), dt.timedelta(10**8)), min_size=1))
def test_lengths_of_time_as_python_writes_them(read, values) -> None:
    assert read([str(value) for value in values], DataType.INTERVAL).to_list() == values


@pytest.mark.parametrize("unit", ["us", "ns"])
@given(counts=st.lists(st.integers(-(2**63) + 1, 2**63 - 1), min_size=1))
def test_lengths_of_time_as_iso_8601(read, unit, counts) -> None:
    values = pl.Series([*counts, 1]).cast(pl.Duration(unit))
    converted = read(values.dt.to_string("iso"), DataType.INTERVAL)
    assert converted.dtype == pl.Duration(unit)
    assert converted.to_physical().to_list() == values.to_physical().to_list()
