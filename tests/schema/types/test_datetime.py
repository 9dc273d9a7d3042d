"""A value that is written by a documented rule is read back as that value."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.schema import DataType


@given(st.lists(st.datetimes(), min_size=1), st.sampled_from("/-."))
def test_day_first_dates_where_that_is_declared(read, values, mark) -> None:
    texts = [f"{v:%d{mark}%m{mark}}{v.year:04} {v:%H:%M:%S.%f}" for v in values]
    assert read(texts, DataType.DATETIME, day_first=True).to_list() == values


OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda m: dt.timezone(dt.timedelta(minutes=m)))


AWARE = st.datetimes(dt.datetime(2, 1, 1), dt.datetime(9998, 12, 31), timezones=OFFSETS)


@given(st.lists(AWARE, min_size=1))
def test_mixed_offsets_are_the_same_instants(read, values) -> None:
    converted = read([value.isoformat() for value in values], DataType.DATETIME)
    assert converted.dtype == pl.Datetime("us", "UTC")
    assert converted.to_list() == values


@pytest.mark.parametrize("shape", ["%Y-%m-%d %H:%M:%S%.f", "%d.%m.%Y %H:%M:%S%.f"])
@given(nanoseconds=st.lists(st.integers(-9 * 10**18, 9 * 10**18), min_size=1))
def test_nanoseconds(read, shape, nanoseconds) -> None:
    # The first value has nine digits, so that all are nanoseconds.
    values = pl.Series([1, *nanoseconds]).cast(pl.Datetime("ns"))
    converted = read(values.dt.to_string(shape), DataType.DATETIME)
    assert converted.dtype == pl.Datetime("ns")
    assert converted.to_physical().to_list() == values.to_physical().to_list()
