"""Tables that are in memory already."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from algomancy_data import DataFrameExtractor
from algomancy_data.errors import FrameError
from algomancy_data.extractor import ExtractionSequence
from algomancy_data.schema import Column, ColumnGroup, DataType, Schema


class One(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
    NUMBER = Column("number", DataType.FLOAT)


class Many(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "multi"
    GROUP = ColumnGroup("g", [Column("number", DataType.FLOAT)])


@pytest.mark.parametrize(
    "make",
    [pl.DataFrame, pl.LazyFrame, pa.table, pd.DataFrame],
    ids=["polars", "polars lazy", "pyarrow", "pandas"],
)
def test_any_table_is_converted_like_a_file(make) -> None:
    given = make({"number": ["1,5", "2"], "more": ["x", "y"]})
    frame = DataFrameExtractor("name", given, One).extract()["name"]
    assert frame.rows() == [(1.5, "x"), (2.0, "y")]


def test_the_frame_that_was_given_is_not_changed() -> None:
    given = pl.DataFrame({"number": ["1,5"]})
    DataFrameExtractor("name", given, One).extract()
    assert given.rows() == [("1,5",)]


def test_issues_name_the_table() -> None:
    extractor = DataFrameExtractor("name", pl.DataFrame({"number": ["x"]}), One)
    sequence = ExtractionSequence([extractor])
    sequence.run_extraction()
    assert [issue.table for issue in sequence.conversion_issues] == ["name"]


def test_a_multi_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="SINGLE schemas"):
        DataFrameExtractor("name", pl.DataFrame(), Many)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(FrameError, match="'name'"):
        DataFrameExtractor("name", "text", One)
