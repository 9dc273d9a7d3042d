"""A document that the pandas package itself wrote."""

from __future__ import annotations

import json
import math
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from algomancy_data import DataClassification, DataSource
from algomancy_data.datasource import serialization_pandas
from algomancy_data.errors import SerializationError
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


# --- the same values by the fast way and by the other ----------------------------------------


def document(values, dtype, indent=2):
    """What the pandas package writes for a table; with another indent, nothing takes short cuts."""
    records = [{"before": 1, "x": value, "after": "NaN,"} for value in values]
    table = {
        "data": records,
        "columns": ["before", "x", "after"],
        "dtypes": {"before": "int64", "x": dtype, "after": "object"},
        "index": list(range(len(records))),
    }
    metadata = {
        "id": "1",
        "name": "n",
        "type": "master_data",
        "creation_datetime": "2024-01-01 00:00:00",
        "tables": ["t"],
    }
    return json.dumps({"metadata": metadata, "tables": {"t": table}}, indent=indent)


def read(text):
    try:
        return DataSource.from_json(text).get_table("t")
    except SerializationError as error:
        return str(error)


ODD_TEXTS = [
    "\n        },\n        {",
    ": NaN,\n",
    '"data": [\n        {\n',
    "\0",
    "\ud800",
    "[{" * 99,
]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text() | st.sampled_from(ODD_TEXTS),
    st.lists(st.integers(), max_size=2),
)
INTEGERS = ["int64", "UInt8", "Int64"]
FLOATS = ["float64", "float32", "Float32"]
TEXTS = ["object", "str", "string", "category", "datetime64[ns]"]
DTYPES = st.sampled_from([*INTEGERS, *FLOATS, *TEXTS, "bool", "boolean", "timedelta64[ns]", "x"])


@given(
    st.tuples(
        st.one_of(st.lists(VALUES), *(st.lists(of) for of in (st.floats(), st.text()))), DTYPES
    )
)
@example(([1, None, math.inf], "float64"))
@example((ODD_TEXTS[:4], "object"))
@example(([2**64], "float64"))
def test_records_are_the_same_whichever_parser_reads_them(table):
    fast, other = read(document(*table)), read(document(*table, indent=1))
    if isinstance(other, str):
        assert fast == other
    else:
        assert_identical(fast, other)


def test_arrow_reads_what_pandas_writes(monkeypatch):
    pieces = []
    parse = serialization_pandas._parse
    monkeypatch.setattr(serialization_pandas, "_PIECE", 100)

    def spy(piece, **given):
        pieces.append(piece)
        return parse(piece, **given)

    monkeypatch.setattr(serialization_pandas, "_parse", spy)
    values = [0.5, math.nan, -0.0] * 10
    frame = read(document(values, "float64"))
    assert frame["x"].to_list() == [0.5, None, -0.0] * 10
    assert len(pieces) > 10


DEEP = "[" * 100_000 + "]" * 100_000
NULL_RECORD = '1\n        },\n        null,\n        {"x": 3'


@pytest.mark.parametrize("value", [DEEP, '1, "x": 2', '1,\n"y": {}', NULL_RECORD, "nan", "1 2"])
def test_records_that_nobody_wrote_are_read_alike(value):
    text = document([0], "int64").replace('"x": 0', f'"x": {value}')
    fast, other = read(text), read(text.replace("[\n        {", "[ {"))
    if isinstance(other, str):
        assert isinstance(fast, str)
    else:
        assert_identical(fast, other)
