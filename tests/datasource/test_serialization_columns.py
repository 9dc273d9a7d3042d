"""Columns of several kinds, which the pandas package's own defects produce, are read as text."""

from __future__ import annotations

import json

import polars as pl
import pytest

from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager, StatelessDataManager
from algomancy_data.datamanager import migrate
from algomancy_data.errors import SerializationError

NAN = float("nan")
KINDS = {
    "half converted": ([True, "on", False], pl.String(), ["true", "on", "false"]),
    "numbers and texts": ([1, "2,5", NAN], pl.String(), ["1", "2,5", None]),
    "a number and a truth": ([1, True, None], pl.String(), ["1", "true", None]),
    "no float has it": ([0.5, 2**53 + 1], pl.String(), ["0.5", "9007199254740993"]),
    "lists": ([["a"], [1], None], pl.String(), ['["a"]', "[1]", None]),
    "objects": ([{"a": 1}, {"b": "é"}], pl.String(), ['{"a": 1}', '{"b": "é"}']),
    "a list and a text": ([[1], "x"], pl.String(), ["[1]", "x"]),
}
PLAIN = {
    "numbers": ([1, 2.5, NAN], pl.Float64(), [1.0, 2.5, None]),
    "texts": (["a", NAN, None], pl.String(), ["a", None, None]),
    "truths": ([True, None, NAN], pl.Boolean(), [True, None, None]),
    "nothing": ([NAN, None], pl.String(), [None, None]),
    "missing keys": ([{"a": 1}, {}], pl.Struct({"a": pl.Int64()}), [{"a": 1}, {"a": None}]),
}


def document(values, dtype="object", indent=2):
    table = {
        "data": [{"x": value} for value in values],
        "columns": ["x"],
        "dtypes": {"x": dtype},
        "index": list(range(len(values))),
    }
    metadata = {"id": "1", "name": "old", "type": "master_data", "tables": ["t"]}
    metadata["creation_datetime"] = "2024-01-31 10:30:00"
    return json.dumps({"metadata": metadata, "tables": {"t": table}}, indent=indent)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_several_kinds_is_text_with_a_warning(kind, indent):
    values, dtype, expected = KINDS[kind]
    source = DataSource.from_json(document(values, indent=indent))
    column = source.get_table("t")["x"]
    assert (column.dtype, column.to_list()) == (dtype, expected)
    (message,) = source.validation_messages
    assert (message.severity, message.table, message.column) == ("WARNING", "t", "x")
    assert message.code == "MIXED_AS_TEXT"


@pytest.mark.parametrize("kind", PLAIN)
def test_a_column_of_one_kind_keeps_it(kind):
    values, dtype, expected = PLAIN[kind]
    source = DataSource.from_json(document(values))
    column = source.get_table("t")["x"]
    assert (column.dtype, column.to_list()) == (dtype, expected)
    assert source.validation_messages == []


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([1, "x"], "int64"), (["x"], "datetime64[ns]"), (["x", True], "bool"), ([2**70], "int64")],
)
def test_what_is_not_of_the_dtype_that_was_noted_is_refused_in_our_words(values, dtype):
    with pytest.raises(SerializationError, match=rf"'t'.*'x'.*{dtype.partition('[')[0]}") as caught:
        DataSource.from_json(document(values, dtype))
    assert "polars" not in str(caught.value).lower()
    assert "Series" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_folder_with_such_a_document_starts_and_is_migrated(tmp_path):
    (tmp_path / "old.json").write_text(document([True, "on", False]), encoding="utf-8")
    folder = StatefulDataManager(SimpleETLFactory, [], str(tmp_path), "json", DataSource)
    folder.startup()
    target = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
    assert migrate(folder, target).copied == ("old",)
    read = target.get_data("old")
    assert read.get_table("t")["x"].to_list() == ["true", "on", "false"]
    assert [message.code for message in read.validation_messages] == ["MIXED_AS_TEXT"]
