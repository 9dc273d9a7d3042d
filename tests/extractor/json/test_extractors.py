"""JSON documents with one table: what comes out of which document."""

from __future__ import annotations

import base64
import gzip
import json

import polars as pl
import pytest

from algomancy_data import (
    DataType,
    JSONFile,
    JSONSingleExtractor,
    NDJSONFile,
    SchemaType,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.datasource import DataSource
from algomancy_data.registry import get_extractor_class

STRING, INTEGER, FLOAT = DataType.STRING, DataType.INTEGER, DataType.FLOAT
DATETIME, BOOLEAN = DataType.DATETIME, DataType.BOOLEAN


# --- where the records are ----------------------------------------------------------------------

RECORDS = [{"id": 1, "b": "x"}, {"id": 2, "b": None}]
LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2).replace("\n", "\r\n"),
        f"\ufeff  {json.dumps(RECORDS)}\n\n",
        json.dumps({"items": RECORDS}),
        json.dumps({"count": 2, "items": RECORDS, "next": {"page": None}}),
        json.dumps({"items": RECORDS, "note": "a ] in a text, and [ one more"}),
        LINES,
        LINES.replace("\n", "\r\n\r\n"),
        LINES.rstrip("\n"),
        "\n".join(json.dumps(record, indent=2) for record in RECORDS),
        "".join(json.dumps(record) for record in RECORDS),
        json.dumps(RECORDS).encode("utf-16"),
        json.dumps(RECORDS).encode("utf-16-be"),
        LINES.encode("utf-32-le"),
        gzip.compress(LINES.encode(), mtime=0),
    ],
)
def test_records_are_found_in_every_form_of_document(extract, content) -> None:
    frame = extract(content, {"id": INTEGER, "b": STRING})
    assert frame.to_dicts() == RECORDS
    assert frame.dtypes == [pl.Int64(), pl.String()]


@pytest.mark.parametrize(
    ("content", "columns", "expected"),
    [
        ('{"id": 1, "a": {"b": 2}}', {"id": INTEGER}, [{"id": 1, "a.b": 2}]),
        ('{"id": 1, "x": ["u"]}', {"id": INTEGER}, [{"id": 1, "x": ["u"]}]),
        ('{"id": 1, "x": [], "y": []}', {"id": INTEGER}, [{"id": 1, "x": [], "y": []}]),
        ('{"id": 1, "x": [{"y": 2}]}', {"id": INTEGER}, [{"id": 1, "x": [{"y": 2}]}]),
        ('{"id": 1, "x": [{"id": 2}]}', {"id": INTEGER}, [{"id": 2}]),
        ('{"x": [{"id": 2, "k": 3}], "k": 4}', {"id": INTEGER, "k": INTEGER}, [{"id": 2, "k": 3}]),
        ('{"id": 1, "x": []}', {"id": INTEGER}, [{"id": 1, "x": []}]),
        ('{"x": []}', {"id": INTEGER}, []),
    ],
)
def test_an_object_is_a_row_or_holds_the_rows(extract, content, columns, expected) -> None:
    assert extract(content, columns).to_dicts() == expected


def test_what_is_around_the_records_is_named_in_the_log(extractor, caplog) -> None:
    extractor('{"count": 1, "data": [{"id": 1}], "next": null}').extract()
    assert "the members 'count', 'next' around the list of records" in caplog.text


@pytest.mark.parametrize("content", ["[]", " [ ] ", "[1, 2]", '["a", 1]', "[null]"])
def test_a_list_without_records_is_a_frame_without_columns(extract, content) -> None:
    assert extract(content).shape == (0, 0)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_file_of_lines_may_have_no_line(extract, content) -> None:
    assert extract(content, file_type=NDJSONFile).shape == (0, 0)


def test_a_line_is_a_record_whatever_it_holds(extract) -> None:
    frame = extract('{"x": [{"id": 1}]}\n', {"id": INTEGER}, NDJSONFile)
    assert frame.to_dicts() == [{"x": [{"id": 1}]}]


# --- columns ------------------------------------------------------------------------------------


def test_objects_become_dotted_columns_and_names_stay_exact(extract) -> None:
    frame = extract('[{"a": {"b": {"c": 1}, "": 2}, "x\\ny": 3, " z ": 4, "p.q": 5, "": 6}]')
    assert frame.rows(named=True) == [{"a.b.c": 1, "a.": 2, "x\ny": 3, " z ": 4, "p.q": 5, "": 6}]


def test_fields_that_come_late_or_go_are_null_elsewhere(extract) -> None:
    frame = extract('[{"id": 1}, {}, {"b": {"c": "x"}}, {"b": null, "id": 2}, {"b": {}}]')
    assert frame.columns == ["id", "b.c"]
    assert frame.rows() == [(1, None), (None, None), (None, "x"), (2, None), (None, None)]


def test_columns_of_nothing_but_null_are_kept_and_none_is_invented(extract) -> None:
    frame = extract('[{"id": null, "n": null, "e": {}}]', {"id": INTEGER, "more": STRING})
    assert dict(frame.schema) == {"id": pl.Int64(), "n": pl.Null()}


def test_lists_stay_lists(extract) -> None:
    frame = extract('[{"l": [1, null]}, {"l": []}, {"l": null}, {}, {"l": [2.5]}]')
    assert frame["l"].to_list() == [[1.0, None], [], None, None, [2.5]]


@pytest.mark.parametrize(
    "values",
    [
        [["a", 'b"\\\n\u00e9'], [], None],
        [[1, 2.5], [-1e-300]],
        [[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]],
        [[{"a": 1}, {"b": None}]],
        [[1, "1", True, None, {"a": [1]}, [2]]],
        [[[1, 2], [3]], [4]],
        [[9223372036854775808, 0.5]],
        [[1], "text", 2, {}],
        [[{}], [{"a": {}}]],
        ["#", "#1", "1#"],
    ],
)
def test_lists_in_a_text_column_are_json_of_the_same_value(extract, values) -> None:
    texts = extract(json.dumps([{"id": v} for v in values]), {"id": STRING})["id"].to_list()
    for text, value in zip(texts, values, strict=True):
        if isinstance(value, list):
            assert json.loads(text) == value
        else:
            assert text == (None if value in (None, {}) else str(value))


# --- values -------------------------------------------------------------------------------------


def test_every_type_is_converted(extract) -> None:
    record = {
        "i": "5", "f": 1, "b": "yes", "d": "2024-01-05T06:07:08", "s": 12, "c": "x", "t": True
    }  # fmt: skip
    types = {"i": INTEGER, "f": FLOAT, "b": BOOLEAN, "d": DATETIME, "s": STRING, "t": STRING}
    frame = extract(json.dumps([record, {}]), types | {"c": DataType.CATEGORICAL})
    assert frame.dtypes == [
        pl.Int64(), pl.Float64(), pl.Boolean(), pl.Datetime("us"), pl.String(), pl.Categorical(),
        pl.String(),
    ]  # fmt: skip
    assert frame.row(0, named=True)["s"] == "12"
    assert frame.row(0, named=True)["t"] == "true"
    assert frame.row(1) == (None,) * 7


@pytest.mark.parametrize("text", ["2024-01-01", "2024-01-01T10:00:00Z", "12:30", "", "1", "null"])
def test_texts_stay_as_they_are_written(extract, text) -> None:
    content = json.dumps([{"a": text}, {"a": text, "l": [text], "o": {"b": text}}])
    frame = extract(content, {"a": STRING})
    assert frame["a"].to_list() == [text, text]
    assert frame["o.b"].to_list() == [None, text]
    assert frame["l"].to_list() == [None, [text]]


def test_records_that_disagree_are_converted_where_the_declared_type_can(extract) -> None:
    frame = extract('[{"id": 1}, {"id": "2"}, {"id": 3.0}]', {"id": INTEGER})
    assert frame["id"].to_list() == [1, 2, 3]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('[{"a": {"b": 1}}, {"a": 2}]', [{"a.b": 1, "a": None}, {"a.b": None, "a": 2}]),
        ('[{"a": 2}, {"a": {"b": 1}}, {"a": null}]',
         [{"a": 2, "a.b": None}, {"a": None, "a.b": 1}, {"a": None, "a.b": None}]),
        ('[{"a": {"b": 1}}, {"a": [2]}]', [{"a.b": 1, "a": None}, {"a.b": None, "a": [2]}]),
        ('[{"a": [1]}, {"a": "x"}, {"a": 2.50}]', [{"a": "[1]"}, {"a": "x"}, {"a": "2.50"}]),
        ('[{"a": [1, [2]], "b": [1]}]', [{"a": "[1,[2]]", "b": [1]}]),
        ('[{"a": [[1, {"b": [1.50]}]]}]', [{"a": '[[1,{"b":[1.50]}]]'}]),
        ('[{"a": [{"b": 1}, {"b": {"c": 2}}]}]', [{"a": '[{"b":1},{"b":{"c":2}}]'}]),
    ],
)  # fmt: skip
def test_records_of_different_structure_lose_nothing(extract, content, expected) -> None:
    assert extract(content).to_dicts() == expected


def test_escapes_are_decoded(extract) -> None:
    frame = extract(r'[{"\u0061": "\ud83d\ude00\u00e9\"\\\/\b\f\n\r\t\u0000"}]')
    assert frame.to_dicts() == [{"a": '😀é"\\/\b\f\n\r\t\0'}]


@pytest.mark.parametrize("opening", ['{"a":', "["])
def test_nesting_as_deep_as_allowed_is_read(extract, opening) -> None:
    closing = {"[": "]"}.get(opening, "}")
    depth = 125
    frame = extract(f'[{{"id": 1, "x": {opening * depth}2{closing * depth}}}]')
    assert frame.height == 1
    assert str(frame.row(0)[1]).strip("[]") == "2"


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("extension", ["json", "ndjson", "jsonl"])
@pytest.mark.parametrize("suffix", ["json", "ndjson", "jsonl"])
def test_a_manager_reads_lines_under_every_extension(
    schema_of, tmp_path, extension, suffix
) -> None:
    (tmp_path / f"t.{suffix}").write_text(LINES)
    schema = schema_of({"id": INTEGER, "b": STRING}, extension)
    manager = StatelessDataManager(SimpleETLFactory, [schema], "json", DataSource)
    path = str(tmp_path / f"t.{suffix}")
    files = manager.prepare_files(file_items_with_path=[("t", path)])
    result = manager.etl_data(files, "d")
    assert result.is_success
    assert result.datasource.get_table("t").to_dicts() == RECORDS


@pytest.mark.parametrize("extension", ["json", "ndjson", "jsonl"])
def test_the_extractor_is_registered(extension) -> None:
    assert get_extractor_class(extension, SchemaType.SINGLE) is JSONSingleExtractor


def test_uploads_are_read(schema_of) -> None:
    content = "data:application/json;base64," + base64.b64encode(b'[{"id":7}]').decode()
    extractor = JSONSingleExtractor(JSONFile("t", content=content), schema_of({"id": INTEGER}))
    assert extractor.extract()["t"].rows() == [(7,)]


def test_nothing_reads_the_file_after_the_extraction(extractor, tmp_path) -> None:
    frame = extractor(json.dumps(RECORDS)).extract()["t"]
    (tmp_path / "t.json").write_bytes(b"x" * 100)
    (tmp_path / "t.json").unlink()
    assert frame.to_dicts() == RECORDS
