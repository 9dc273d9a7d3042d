"""Files that are no JSON, or not what the extractor can hold: which words say so, and where."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc

import pytest

from algomancy_data import Column, DataType, JSONFile, JSONSingleExtractor, Schema
from algomancy_data.errors import FileContentError
from algomancy_data.extractor.json import layout as json_layout


class Table(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "json", "single"
    ID = Column("id", DataType.INTEGER)


@pytest.fixture
def refusal(tmp_path):
    def run(content) -> str:
        path = tmp_path / "t.json"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with pytest.raises(FileContentError) as caught:
            JSONSingleExtractor(JSONFile("t", path), Table).extract()
        assert isinstance(caught.value, ValueError)
        return str(caught.value)

    return run


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty. A document without records is an empty list: []"),
        (" \n ", "is empty"),
        ('[{"id": 1},]', "line 1, column 12: there is a comma before the closing ']'"),
        ('[\n {"id": 1,\n }\n]', "line 3, column 2: there is a comma before the closing '}'"),
        ('[{"id": 1}', "line 1, column 11: the document ends in the middle. Is the file cut off?"),
        ('[{"id": 1}, {"i', "a text begins here and never ends"),
        ('{"id": 1}\n{"id": ', "line 2, column 8: the document ends in the middle"),
        ("[{'id': 1}]", "column 3: a text is in single quotes"),
        ('[{"id": 01}]', "column 10: this is not JSON: '1}]'"),
        ('[{"id": 1}] x', "column 13: there is more behind the end of the document: 'x'"),
        ('[{"id": 1}]\n[{"id": 2}]', "line 2, column 1: there is more behind the end"),
        ('[{"id": 1} {"id": 2}]', "column 12: this is not JSON"),
        ('[{"id": "a\tb"}]', r"column 11: a text contains the control character '\t'"),
        (r'[{"id": "\x41"}]', "a text contains an escape that JSON does not have"),
        (r'[{"id": "\ud83d"}]', r"column 10: \ud83d is half a character"),
        (r'[{"id": "\ude00\ud83d"}]', r"column 10: \ude00 is half a character"),
        ('[{"id": 1}, {"id": 1, "id": 2}]', "record 1 has the key 'id' twice"),
        ('[{"a": [{"b": {"c": 1, "c": 1}}]}]', "record 0 has the key 'c' twice"),
        ('{"n": 1, "n": 2, "x": [{"id": 1}]}', "record 0 has the key 'n' twice"),
        ('[{"id": 1}, 2]', "column 13: record 1 is no object: '2]'. Each record must be an object"),
        ('[{"id": 1}, null]', "record 1 is no object"),
        ('[{"id": 1}, [2], {"id": "x"}]', "record 1 is no object"),
        ('{"id": 1}\nnull\n{"id": 2}', "line 2, column 1: record 1 is no object"),
        ('null\n{"id": 1}', "line 1, column 1: record 0 is no object"),
        ("12", "record 0 is no object: '12'"),
        ('"text"', "record 0 is no object"),
        ("null", "record 0 is no object"),
        ("id;name\n1;x\n", "line 1, column 1: this is not JSON: 'id;name"),
        ('[{"a.b": 1, "a": {"b": 2}}]', "two values of a record have the column name 'a.b'"),
        ('[{"a": 1, 2: 3}]', "this is not JSON: '2: 3}]'"),
        ('[{"a": 9223372036854775808, 2: 3}]', "this is not JSON: '2: 3}]'"),
        ('[{"a": 1, "b": "x"}, {"a": "x", "b": {}}, {"c": [1 2]}]', "this is not JSON: '2]}]'"),
        ('[{"a": "x"}, {"a": 1}, {"c": "\\ud800", "a": []}]', "is half a character"),
        ('[{"a": 1}]}, {"r": [{"a": 2}]', "there is more behind the end"),
    ],
)
def test_the_message_says_what_where_and_what_to_do(refusal, content, message) -> None:
    text = refusal(content)
    assert text.startswith("File 't'")
    assert message in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"id": 1,\n"b": "\xe9"}]', "line 2: byte 17 (0xe9) is not UTF-8"),
        (b"PAR1\x80\x81", "is not UTF-8"),
        (b"\x89PNG\r\n", "is not UTF-8"),
        ('[{"a": "x"}]'.encode("utf-16")[:-3], "begins like UTF-16 text, but is none"),
        (b'[{"id": "a\x00b"}]', r"the control character '\x00'"),
    ],
)
def test_bytes_that_are_no_text_are_refused(refusal, content, message) -> None:
    assert message in refusal(content)


@pytest.mark.parametrize("position", [0, 150, 299])
@pytest.mark.parametrize("form", ["list", "lines", "object"])
def test_a_mistake_is_found_in_any_piece(refusal, monkeypatch, position, form) -> None:
    monkeypatch.setattr(json_layout, "CHUNK", 256)
    records = [json.dumps({"id": number, "b": [{"id": 1}]}) for number in range(300)]
    records[position] = records[position].replace("1}]", "1,}]")
    content = {
        "list": "[" + ",\n".join(records) + "]",
        "lines": "\n".join(records),
        "object": '{"n": 1, "records": [\n' + ",\n".join(records) + "]}",
    }[form]
    line = position + (2 if form == "object" else 1)
    assert f"line {line}, column" in refusal(content)
    assert "comma before the closing '}'" in refusal(content)


NESTED = """
import sys
from algomancy_data import *
class T(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = 't', 'json', 'single'
    A = Column('a', DataType.STRING)
for path in sys.argv[1:]:
    try:
        JSONSingleExtractor(JSONFile('t', path), T).extract()
    except ValueError as error:
        print(error, flush=True)
"""


@pytest.mark.parametrize(
    "inside",
    [
        "{}",
        '[{{"a": {}}}]',
        '{{"a": 1}}\n{{"a": {}}}\n',
        # In a piece that is expected to be like the first one.
        '{{"a": 1}}\n' * 80_000 + '{{"a": {}}}\n',
        "[" + '{{"a": {{"b": [null]}}}},\n' * 40_000 + '{{"a": {{"b": [{}], "c": {}}}}}]',
    ],
    ids=["alone", "list", "lines", "late line", "late item"],
)
def test_bottomless_nesting_is_refused_and_kills_nothing(tmp_path, inside) -> None:
    depths = (200, 100_000)
    for depth in depths:
        nested = "[" * depth + "]" * depth
        (tmp_path / f"{depth}.json").write_text(inside.format(nested, nested))
    done = subprocess.run(
        [sys.executable, "-c", NESTED, *(f"{depth}.json" for depth in depths)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    refusals = done.stdout.splitlines()
    assert ["nested more than 126 levels deep" in line for line in refusals] == [True] * 2


def test_brackets_in_texts_are_no_nesting(tmp_path) -> None:
    record = {"id": 1, "text": "[" * 1000 + '"' + "{" * 1000}
    (tmp_path / "t.json").write_text(json.dumps([record] * 3))
    extractor = JSONSingleExtractor(JSONFile("t", tmp_path / "t.json"), Table)
    assert extractor.extract()["t"].to_dicts() == [record] * 3


def test_python_holds_no_copy_of_a_large_document(tmp_path) -> None:
    record = json.dumps({"id": 1, "text": "x" * 100})
    content = "[" + ",".join([record] * 400_000) + "]"
    path = tmp_path / "t.json"
    path.write_text(content)
    tracemalloc.start()
    JSONSingleExtractor(JSONFile("t", path), Table).extract()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(content)
