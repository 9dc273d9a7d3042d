"""A value that is written by a documented rule is read back as that value."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.extractor import DataTypeConverter
from algomancy_data.schema import DataType

INT64 = st.integers(-(2**63), 2**63 - 1)


TYPED = {
    DataType.INTEGER: INT64,
    DataType.FLOAT: st.floats(allow_nan=False),
    DataType.BOOLEAN: st.booleans(),
    DataType.DATETIME: st.datetimes(),
    DataType.INTERVAL: st.timedeltas(dt.timedelta(-(10**8)), dt.timedelta(10**8)),
}


@pytest.mark.parametrize("target", TYPED)
@given(data=st.data())
def test_what_was_made_text_is_read_back(read, target, data) -> None:
    values = pl.Series("c", data.draw(st.lists(TYPED[target], min_size=1)), target.polars_dtype)
    texts = DataTypeConverter.convert_dtypes(values.to_frame(), {"c": DataType.STRING})["c"]
    assert read(texts, target).to_list() == values.to_list()
