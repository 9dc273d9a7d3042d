"""A document that is read in pieces is what it is as a whole."""

from __future__ import annotations

import json

import pytest

from algomancy_data import (
    DataType,
)
from algomancy_data.extractor.json import layout as json_layout

STRING, INTEGER, FLOAT = DataType.STRING, DataType.INTEGER, DataType.FLOAT


@pytest.mark.parametrize("chunk", [48, 400, 5_000])
@pytest.mark.parametrize("form", ["list", "pretty", "object", "lines"])
def test_a_document_in_pieces_is_the_same_document(extract, monkeypatch, chunk, form) -> None:
    records = [
        {
            "id": number,
            "late" if number > 150 else "early": number if number % 2 else number / 2,
            "when": "2024-01-01" if number > 100 else "then",
            "inner": [{"id": 1, "text": "},{"}, {"id": number, "text": None}],
        }
        for number in range(300)
    ]
    content = {
        "list": json.dumps(records, separators=(",", ":")),
        "pretty": json.dumps(records, indent=1),
        "object": json.dumps({"n": 1, "records": records, "m": {"k": "]"}}),
        "lines": "\n".join(json.dumps(record) for record in records),
    }[form]
    whole = extract(content)
    monkeypatch.setattr(json_layout, "CHUNK", chunk)
    assert extract(content).equals(whole)
    assert whole["inner"].to_list() == [record["inner"] for record in records]
    assert whole["early"].to_list() == [record.get("early") for record in records]


def test_pieces_that_disagree_are_widened(extract, monkeypatch) -> None:
    monkeypatch.setattr(json_layout, "CHUNK", 64)
    values = [*range(200), "x", *range(200)]
    frame = extract("\n".join(json.dumps({"id": value}) for value in values), {"id": STRING})
    assert frame["id"].to_list() == [str(value) for value in values]


def test_a_record_that_looks_like_several_is_one(extract, monkeypatch) -> None:
    monkeypatch.setattr(json_layout, "CHUNK", 64)
    record = {"id": 1, "x": [{"id": n, "y": [{"id": n}] * 40} for n in range(40)]}
    assert extract(json.dumps([record, record])).to_dicts() == [record, record]


@pytest.mark.parametrize("value", [[None, None], [[None], [None, None]], [{"b": [None] * 3}, {}]])
def test_lists_of_nulls_are_as_long_as_they_are(extract, value) -> None:
    records = [{"a": value}, {"a": value[:1]}, {"a": []}, {"a": None}]
    columns = extract(json.dumps(records))["a"].to_list()
    assert [None if v is None else len(v) for v in columns] == [len(value), 1, 0, None]
    texts = extract(json.dumps(records), {"a": STRING})["a"].to_list()
    assert [None if t is None else json.loads(t) for t in texts] == [r["a"] for r in records]


@pytest.mark.parametrize(
    "values",
    [
        [[None, 1]],
        [[None], [None, None, 2, None]],
        [[None, None], [None, {"b": 1}, None]],
        [[None, [None, "x"]], None, [[None], None]],
        [[{"b": None}, {"b": [None, None, True]}], [{"b": []}]],
    ],
)
def test_nulls_at_the_beginning_of_lists_are_kept(extract, values) -> None:
    for chunk in (values, values[::-1]):
        assert extract(json.dumps([{"a": value} for value in chunk]))["a"].to_list() == chunk


def test_a_text_may_look_like_a_null_behind_a_record(extract) -> None:
    records = [{"id": 1, "b": "} null"}, {"id": 2, "b": "}null"}]
    content = "\n".join(json.dumps(record) for record in records)
    assert extract(content).to_dicts() == records
