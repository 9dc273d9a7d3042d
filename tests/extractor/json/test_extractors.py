"""JSON documents with one table: what comes out of which document."""

from __future__ import annotations

import base64
import gzip
import json

import polars as pl
import pytest

from algomancy_data import (
    Column,
    DataType,
    JSONFile,
    JSONSingleExtractor,
    NDJSONFile,
    Schema,
    SchemaType,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.datasource import DataSource
from algomancy_data.extractor.json import layout as json_layout
from algomancy_data.registry import get_extractor_class

STRING, INTEGER, FLOAT = DataType.STRING, DataType.INTEGER, DataType.FLOAT
DATETIME, BOOLEAN = DataType.DATETIME, DataType.BOOLEAN


def schema_of(columns: dict[str, DataType], extension: str = "json") -> type[Schema]:
    members = {f"COLUMN_{i}": Column(*item) for i, item in enumerate(columns.items())}
    settings = {"_FILENAME": "t", "_EXTENSION": extension, "_SCHEMA_TYPE": "single"}
    return type("Table", (Schema,), settings | members)


@pytest.fixture
def extractor(tmp_path):
    def make(content, columns=None, file_type=JSONFile) -> JSONSingleExtractor:
        path = tmp_path / "t.json"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return JSONSingleExtractor(file_type("t", path), schema_of(columns or {"id": INTEGER}))

    return make


@pytest.fixture
def extract(extractor):
    """Extract, and insist that there is no issue."""

    def run(content, columns=None, file_type=JSONFile) -> pl.DataFrame:
        instance = extractor(content, columns, file_type)
        frame = instance.extract()["t"]
        assert instance.conversion_issues == []
        return frame

    return run


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


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("[9007199254740993, -9223372036854775808]", [9007199254740993, -9223372036854775808]),
        ("[1, 2.5, null]", [1.0, 2.5, None]),
        ("[9007199254740993, 1.5]", ["9007199254740993", "1.5"]),
        ("[9007199254740992, 1.5]", [9007199254740992.0, 1.5]),
        ("[9223372036854775808, 1]", ["9223372036854775808", "1"]),
        (f"[{10**41 + 1}]", [str(10**41 + 1)]),
        ("[9007199254740993.0, 1.5]", ["9007199254740993.0", "1.5"]),
        ("[9007199254740992.0, 1.5]", [9007199254740992.0, 1.5]),
        ("[1e400, 1]", ["1e400", "1"]),
        ("[1e300, 1]", [1e300, 1.0]),
        ("[NaN, Infinity, -Infinity, 1]", [float("nan"), float("inf"), -float("inf"), 1.0]),
        ('[1, "x", 1.50, true, null]', ["1", "x", "1.50", "true", None]),
        ('["x", 1]', ["x", "1"]),
        ("[true, 1]", ["true", "1"]),
        ("[true, null]", [True, None]),
    ],
)  # fmt: skip
def test_numbers_are_exact_or_kept_as_written(extract, values, expected) -> None:
    lines = "\n".join(f'{{"v": {value}}}' for value in values.strip("[]").split(", "))
    assert repr(extract(lines)["v"].to_list()) == repr(expected)
    for content in (f'[{{"v": {values}}}]', f'{{"v": {values}}}\n{{"v": []}}'):
        assert repr(extract(content)["v"].to_list()[0]) == repr(expected)


@pytest.mark.parametrize("number", ["1.10", "1e5", "-0.0", "12345678901234567890", "7"])
def test_numbers_in_a_text_column_are_as_written(extract, number) -> None:
    assert extract(f'[{{"id": {number}}}]', {"id": STRING})["id"].to_list() == [number]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ("9007199254740993.0, 1", [9007199254740993, 1]),
        ("9.007199254740993e15, 1.0", [9007199254740993, 1]),
        ("1.2345678901234567e18, 1e2", [1234567890123456700, 100]),
        ("-9223372036854775808.0, null", [-(2**63), None]),
    ],
)
def test_whole_numbers_are_exact_however_they_are_written(extract, numbers, expected) -> None:
    lines = "".join(f'{{"id": {number}}}\n' for number in numbers.split(", "))
    assert extract(lines, {"id": INTEGER})["id"].to_list() == expected


def test_numbers_beyond_their_declared_type_are_reported(extractor) -> None:
    instance = extractor('[{"id": 9223372036854775808}, {"id": 1}]')
    assert instance.extract()["t"]["id"].to_list() == ["9223372036854775808", "1"]
    assert [(issue.column, issue.rows) for issue in instance.conversion_issues] == [("id", (0,))]


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
def test_a_manager_reads_lines_under_every_extension(tmp_path, extension, suffix) -> None:
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


def test_uploads_are_read() -> None:
    content = "data:application/json;base64," + base64.b64encode(b'[{"id":7}]').decode()
    extractor = JSONSingleExtractor(JSONFile("t", content=content), schema_of({"id": INTEGER}))
    assert extractor.extract()["t"].rows() == [(7,)]


def test_nothing_reads_the_file_after_the_extraction(extractor, tmp_path) -> None:
    frame = extractor(json.dumps(RECORDS)).extract()["t"]
    (tmp_path / "t.json").write_bytes(b"x" * 100)
    (tmp_path / "t.json").unlink()
    assert frame.to_dicts() == RECORDS


# --- pieces -------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        ("9007199254740993, 1.5, 9007199254740992, null, 9007199254740995", (0, 4)),
        ("1.5, 9223372036854775808, 9223372036854775809", (2,)),
        (f"0.5, {10**50 + 1}", (1,)),
        ("1.5, 9007199254740994", ()),
        ('1.5, "x"', None),
    ],
)
def test_integers_that_no_float_equals_are_reported(extractor, values, rows) -> None:
    lines = "\n".join(f'{{"id": {value}}}' for value in values.split(", "))
    instance = extractor(lines, {"id": FLOAT})
    instance.extract()
    refused = [issue for issue in instance.conversion_issues if "whole number" in issue.reason]
    assert [issue.rows for issue in refused] == ([rows] if rows else [])
    assert all(issue.severity == "ERROR" for issue in refused)


def test_a_text_may_look_like_a_null_behind_a_record(extract) -> None:
    records = [{"id": 1, "b": "} null"}, {"id": 2, "b": "}null"}]
    content = "\n".join(json.dumps(record) for record in records)
    assert extract(content).to_dicts() == records
