"""Any document gives what a slow and simple model in Python says."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data import (
    Column,
    ColumnGroup,
    DataType,
    JSONFile,
    JSONMultiExtractor,
    JSONSingleExtractor,
    NDJSONFile,
    Schema,
)
from algomancy_data.errors import FileContentError
from algomancy_data.extractor.json import layout as json_layout

# --- the model ----------------------------------------------------------------------------------


class Literal(str):
    """A number or truth value as written."""

    __slots__ = ()


class UnevenError(Exception):
    """A list has items of several kinds."""


def parsed(text: str) -> Any:
    def unliteral(value: Any) -> Any:
        if isinstance(value, bool):
            return Literal(json.dumps(value))
        if isinstance(value, dict):
            return {key: unliteral(member) for key, member in value.items()}
        return [unliteral(item) for item in value] if isinstance(value, list) else value

    return unliteral(
        json.loads(text, parse_int=Literal, parse_float=Literal, parse_constant=Literal)
    )


def compact(value: Any) -> str:
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, dict):
        members = (f"{json.dumps(k, ensure_ascii=False)}:{compact(v)}" for k, v in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(compact(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def typed(values: list[Any]) -> list[Any]:
    """Return scalars with one type: exactly, or as text."""
    there = [value for value in values if value is not None]
    if not all(isinstance(value, Literal) for value in there):
        return [value if value is None else str(value) for value in values]
    if all(value in ("true", "false") for value in there):
        return [None if value is None else value == "true" for value in values]
    try:
        if all(value.lstrip("-").isdigit() for value in there):
            numbers = [None if value is None else int(value) for value in values]
            if all(number is None or -(2**63) <= number < 2**63 for number in numbers):
                return numbers
        else:
            floats = [None if value is None else float(value) for value in values]
            whole = [value for value in there if value.lstrip("-").isdigit()]
            if all(-(2**63) <= int(v) < 2**63 and int(float(v)) == int(v) for v in whole):
                return floats
    except ValueError:
        pass
    return [value if value is None else str(value) for value in values]


def unified(values: list[Any]) -> list[Any]:
    """Return the items of lists with one type."""
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, list) for value in there):
        items = iter(unified([item for value in there for item in value]))
        return [None if v is None else [next(items) for _ in v] for v in values]
    if there and all(isinstance(value, dict) for value in there):
        keys = list(dict.fromkeys(key for value in there for key in value))
        members = {key: unified([value.get(key) for value in there]) for key in keys}
        rows = iter({key: members[key][row] for key in keys} for row in range(len(there)))
        return [None if v is None else next(rows) for v in values]
    if any(isinstance(value, list | dict) for value in there):
        raise UnevenError
    return typed(values)


def column(values: list[Any], *, text: bool) -> list[Any]:
    lists = [value for value in values if isinstance(value, list)]
    scalars = [v for v in values if v is not None and not isinstance(v, list)]
    if not lists:
        return [None if v is None else str(v) for v in values] if text else typed(values)
    try:
        if not scalars and not text:
            return unified(values)
    except UnevenError:
        pass
    return [compact(v) if isinstance(v, list) else None if v is None else str(v) for v in values]


def flat(record: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    row: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            row |= flat(value, f"{prefix}{key}.")
            row[f"{prefix}{key}"] = {}  # an object was here
        else:
            row[f"{prefix}{key}"] = value
    return row


def model(records: list[dict[str, Any]], texts: set[str]) -> dict[str, list[Any]]:
    cells: dict[str, list[Any]] = defaultdict(lambda: [None] * len(records))
    objects: set[str] = set()
    for number, record in enumerate(records):
        for name, value in flat(record).items():
            if value == {} and isinstance(value, dict):
                objects.add(name)
                cells[name][number] = None
            else:
                cells[name][number] = value
    return {
        name: column(values, text=name in texts)
        for name, values in cells.items()
        if name not in objects or any(value is not None for value in values)
    }


# --- documents ----------------------------------------------------------------------------------

KEYS = st.sampled_from(["a", "b", "c", "id", "#", "a#", "é"])
NUMBERS = st.one_of(
    st.integers(-5, 5),
    st.integers(),
    st.sampled_from([2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 10**30]),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: value != 0),
)
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.sampled_from(["2024-01-01", "#", "#1", "1#", "},{", "[", '"', "\\", "null", "true"]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
EVEN_LISTS = st.one_of(st.lists(kind, max_size=3) for kind in (NUMBERS, TEXTS, st.booleans()))
OBJECTS_IN_LISTS = st.dictionaries(KEYS, SCALARS, min_size=1, max_size=2)
VALUES = st.recursive(
    SCALARS | EVEN_LISTS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(KEYS, inner, max_size=3),
        st.lists(OBJECTS_IN_LISTS, max_size=2),
    ),
    max_leaves=6,
)
RECORDS = st.lists(st.dictionaries(KEYS, VALUES, max_size=4), min_size=1, max_size=6)
EVEN_RECORDS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={"id": NUMBERS, "a": TEXTS, "b": EVEN_LISTS, "c": st.lists(OBJECTS_IN_LISTS)},
    ),
    min_size=1,
    max_size=8,
)
FORMS = st.sampled_from(["list", "pretty", "lines"])


def written(records: list[Any], form: str) -> str:
    if form == "lines":
        return "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    if form == "pretty":
        return json.dumps(records, indent=1)
    return json.dumps(records, separators=(",", ":"))


def has_empty_object_in_list(value: Any, *, inside: bool = False) -> bool:
    if isinstance(value, dict):
        return (inside and not value) or any(
            has_empty_object_in_list(member, inside=inside) for member in value.values()
        )
    return isinstance(value, list) and any(
        has_empty_object_in_list(item, inside=True) for item in value
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("json") / "t.json"


class Plain(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "json", "single"
    NONE = Column("not there", DataType.STRING)


class Texts(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "json", "single"
    A = Column("a", DataType.STRING)
    AB = Column("b.c", DataType.STRING)
    C = Column("c", DataType.STRING)


def check(path, records, schema, texts, chunk, form) -> None:
    text = written(records, form)
    path.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_layout, "CHUNK", chunk)
        # A document of one object may be a record, or have records inside.
        file = NDJSONFile("t", path) if form == "lines" else JSONFile("t", path)
        frame = JSONSingleExtractor(file, schema).extract()["t"]
    document = "[" + text.replace("\n", ",") + "]" if form == "lines" else text
    expected = model(parsed(document), texts)
    assert frame.height == len(records)
    assert set(frame.columns) == set(expected)
    for name, values in expected.items():
        found = frame[name].to_list()
        if name in texts:
            assert meant(found) == meant(values), name
        else:
            assert repr(ordered(found)) == repr(ordered(values)), name


def ordered(value: Any) -> Any:
    """Return the value with the members of objects sorted."""
    if isinstance(value, dict):
        return {key: ordered(value[key]) for key in sorted(value)}
    return [ordered(item) for item in value] if isinstance(value, list) else value


def meant(texts: list[str | None]) -> list[Any]:
    """Return what the JSON texts of lists mean, and other texts as they are."""
    return [text if text is None or text[:1] != "[" else json.loads(text) for text in texts]


@given(RECORDS, st.sampled_from([16, 1 << 20]), FORMS)
def test_any_document_is_what_the_model_says(path, records, chunk, form) -> None:
    if not has_empty_object_in_list(records):
        check(path, records, Plain, set(), chunk, form)


@given(EVEN_RECORDS, st.sampled_from([16, 256, 1 << 20]), FORMS)
def test_documents_whose_records_agree_are_what_the_model_says(path, records, chunk, form) -> None:
    check(path, records, Plain, set(), chunk, form)


@given(RECORDS, st.sampled_from([16, 1 << 20]), FORMS)
def test_any_text_column_is_what_the_model_says(path, records, chunk, form) -> None:
    texts = [value for record in records for value in flat(record).values()]
    if any(isinstance(value, str) and value.startswith("[") for value in texts):
        return  # it looks like the JSON text of a list
    if not has_empty_object_in_list(records):
        check(path, records, Texts, {"a", "b.c", "c"}, chunk, form)


# --- several tables -----------------------------------------------------------------------------


class Tables(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "json", "multi"
    ROOT = ColumnGroup("root", [Column("k", DataType.STRING)])
    CHILD = ColumnGroup(
        "child",
        [Column("root", DataType.STRING, foreign_key=("root", "k")), Column("n", DataType.STRING)],
        ("deep", "children"),
    )
    GRANDCHILD = ColumnGroup(
        "grandchild",
        [
            Column("root", DataType.STRING, foreign_key=("child", "root")),
            Column("child", DataType.STRING, foreign_key=("child", "n")),
            Column("v", DataType.STRING),
        ],
        ("deep", "children", "more"),
    )


WORDS = st.sampled_from(["x", "y", "z"])
OPTIONAL_LISTS = lambda records: st.none() | st.lists(records, max_size=3)  # noqa: E731  a shorthand
GRANDCHILDREN = st.fixed_dictionaries({"v": WORDS}, optional={"child": WORDS})
CHILDREN = st.fixed_dictionaries(
    {"n": WORDS}, optional={"root": st.none() | WORDS, "more": OPTIONAL_LISTS(GRANDCHILDREN)}
)
ROOTS = st.fixed_dictionaries(
    {"k": st.none() | WORDS},
    optional={
        "deep": st.none()
        | st.fixed_dictionaries({}, optional={"children": OPTIONAL_LISTS(CHILDREN)})
    },
)


@given(st.lists(ROOTS, max_size=6), st.sampled_from([16, 1 << 20]), FORMS)
def test_tables_and_keys_are_what_loops_find(path, records, chunk, form) -> None:
    children, grandchildren = [], []
    for record in records:
        for child in (record.get("deep") or {}).get("children") or []:
            root = child.get("root") or record["k"]
            children.append((root, child["n"]))
            grandchildren.extend(
                (root, grandchild.get("child") or child["n"], grandchild["v"])
                for grandchild in child.get("more") or []
            )
    path.write_text(written(records, form))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_layout, "CHUNK", chunk)
        file = NDJSONFile("t", path) if form == "lines" else JSONFile("t", path)
        extractor = JSONMultiExtractor(file, Tables)
        frames = extractor.extract()
    assert extractor.conversion_issues == []
    assert frames["t.root"]["k"].to_list() == [record["k"] for record in records]
    assert frames["t.child"].select("root", "n").rows() == children
    assert frames["t.grandchild"].select("root", "child", "v").rows() == grandchildren
    for frame in frames.values():
        assert set(frame.dtypes) <= {pl.String()}


# --- anything -----------------------------------------------------------------------------------

TOKENS = st.sampled_from(
    [
        *("{", "}", "[", "]", ",", ":", '"a"', '"a":', "{}", "[]", '{"a":1}', '{"a":null}'),
        *("1", "-1.5e3", "1e400", "null", "true", "NaN", "Inf", "#", "\n", " "),
        *('"x"', '"\\u0000"', '"\\ud800"'),
    ]
)


@given(st.lists(TOKENS, max_size=12).map("".join), st.sampled_from(["{}", "[{}]", '[{{"a":{}}}]']))
def test_any_text_gives_a_frame_or_a_clear_error(path, content, around) -> None:
    path.write_text(around.format(content))
    message = "File 't'"
    try:
        JSONSingleExtractor(JSONFile("t", path), Texts).extract()
    except FileContentError as error:
        message = str(error)
    assert message.startswith("File 't'")
    assert "cannot be read as JSON" not in message


@given(st.binary(max_size=40))
def test_any_bytes_give_a_frame_or_a_clear_error(path, content) -> None:
    path.write_bytes(content)
    message = "File 't'"
    try:
        JSONSingleExtractor(JSONFile("t", path), Texts).extract()
    except FileContentError as error:
        message = str(error)
    assert message.startswith("File 't'")
