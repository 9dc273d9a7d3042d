"""A document that the pandas package itself wrote."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from algomancy_data import DataClassification, DataSource
from algomancy_data.testing import assert_identical

WRITTEN = Path(__file__).parents[1] / "data" / "pandas-package" / "written.json"
TABLES = {
    "numbers": pl.DataFrame(
        {
            "i": [1, -2, 2**53 + 1],
            "f": [1.5, None, -0.0],  # pandas has no other null of floats than NaN
            "b": [True, False, True],
            "big": [1e300, 5e-324, 0.1],
        }
    ),
    "nullable": pl.DataFrame(
        {"i": [1, None, 3], "b": [True, None, False], "s": ["x", None, "ü\U0001f986"]}
    ),
    "texts": pl.DataFrame({"s": ["a\nb", None, ""], "attributes.skills": ["['a']", "x", "y"]}),
    "times": pl.DataFrame(
        {"t": [datetime(2024, 2, 29, 12, 0, 0, 123_456), None, datetime(1999, 12, 31)]},
        schema={"t": pl.Datetime("ns")},
    ),
    "indexed": pl.DataFrame({"x": [1, 2, 3]}),
    "no rows": pl.DataFrame(schema={"x": pl.Int64, "s": pl.String}),
}


@pytest.fixture
def source():
    return DataSource.from_json(WRITTEN.read_text("utf-8"))


def test_its_tables_are_read_with_their_types(source):
    assert source.list_tables() == list(TABLES)
    for name, frame in TABLES.items():
        assert_identical(source.get_table(name), frame)


def test_it_is_the_dataset_that_was_written(source):
    assert (source.name, source.ds_type) == ("written by pandas", DataClassification.MASTER_DATA)
    assert source.id == "00000000-0000-0000-0000-0000000000aa"
    assert source.creation_datetime == datetime(2024, 2, 29, 23, 59, 59, 999_999)


def test_what_is_written_again_is_read_again(source):
    again = DataSource.from_json(source.to_json())
    for name, frame in TABLES.items():
        assert_identical(again.get_table(name), frame)
