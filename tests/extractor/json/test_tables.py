"""JSON documents with tables inside tables: rows, keys, and declarations that are refused."""

from __future__ import annotations

import json

import polars as pl
import pytest

from algomancy_data import (
    Column,
    ColumnGroup,
    DataType,
    JSONFile,
    JSONMultiExtractor,
    NDJSONFile,
    Schema,
    SchemaType,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.datasource import DataSource
from algomancy_data.errors import FileContentError, InvalidSchemaError, SchemaKindError
from algomancy_data.extractor.json import layout as json_layout
from algomancy_data.registry import get_extractor_class

STRING, INTEGER, FLOAT = DataType.STRING, DataType.INTEGER, DataType.FLOAT


def schema_of(*groups: ColumnGroup) -> type[Schema]:
    members = {f"GROUP_{position}": group for position, group in enumerate(groups)}
    settings = {"_FILENAME": "t", "_EXTENSION": "json", "_SCHEMA_TYPE": "multi"}
    return type("Tables", (Schema,), settings | members)


ORDER = ColumnGroup("order", [Column("id", INTEGER), Column("to.city", STRING)])
LINE = ColumnGroup(
    "line",
    [
        Column("order_id", INTEGER, foreign_key=("order", "id")),
        Column("no", INTEGER),
        Column("sku", STRING, foreign_key=("products", "sku")),
    ],
    ("lines",),
)
LOT = ColumnGroup(
    "lot",
    [
        Column("order_id", INTEGER, foreign_key=("line", "order_id")),
        Column("line_no", INTEGER, foreign_key=("t.line", "no")),
        Column("city", STRING, foreign_key=("order", "to.city")),
        Column("lot", STRING),
    ],
    ("lines", "detail", "lots"),
)
NOTE = ColumnGroup("note", [Column("text", STRING)], ("about", "notes"))
SCHEMA = schema_of(ORDER, LINE, LOT, NOTE)
DOCUMENT = [
    {
        "id": 1,
        "to": {"city": "A"},
        "lines": [
            {"no": 1, "sku": "x", "detail": {"kind": "k", "lots": [{"lot": "l1"}, {"lot": "l2"}]}},
            {"no": 2, "detail": None},
            {"no": 3, "sku": None, "detail": {"lots": []}},
        ],
        "about": {"notes": [{"text": "hello"}], "by": "me"},
    },
    {"id": 2, "lines": []},
    {"id": 3, "to": None, "lines": None, "about": {"notes": None}},
    {"id": 4, "lines": [{"no": 9, "detail": {"lots": [{"lot": "z"}]}}]},
]
TABLES = {
    "t.order": [
        {"id": 1, "to.city": "A", "about.by": "me"},
        {"id": 2, "to.city": None, "about.by": None},
        {"id": 3, "to.city": None, "about.by": None},
        {"id": 4, "to.city": None, "about.by": None},
    ],
    "t.line": [
        {"order_id": 1, "no": 1, "sku": "x", "detail.kind": "k"},
        {"order_id": 1, "no": 2, "sku": None, "detail.kind": None},
        {"order_id": 1, "no": 3, "sku": None, "detail.kind": None},
        {"order_id": 4, "no": 9, "sku": None, "detail.kind": None},
    ],
    "t.lot": [
        {"order_id": 1, "line_no": 1, "city": "A", "lot": "l1"},
        {"order_id": 1, "line_no": 1, "city": "A", "lot": "l2"},
        {"order_id": 4, "line_no": 9, "city": None, "lot": "z"},
    ],
    "t.note": [{"text": "hello"}],
}


@pytest.fixture
def extractor(tmp_path):
    def make(document, schema=SCHEMA, file_type=JSONFile) -> JSONMultiExtractor:
        path = tmp_path / "t.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return JSONMultiExtractor(file_type("t", path), schema)

    return make


@pytest.fixture
def extract(extractor):
    """Extract, and insist that there is no issue."""

    def run(document, schema=SCHEMA, file_type=JSONFile) -> dict[str, pl.DataFrame]:
        instance = extractor(document, schema, file_type)
        frames = instance.extract()
        assert instance.conversion_issues == []
        return frames

    return run


# --- rows and keys ------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [64, 1 << 20])
@pytest.mark.parametrize(
    "document",
    [
        json.dumps(DOCUMENT),
        json.dumps({"version": 3, "orders": DOCUMENT, "next": None}, indent=2),
        "\n".join(json.dumps(record) for record in DOCUMENT),
    ],
)
def test_lists_at_any_depth_are_tables_with_the_keys_around_them(
    extract, monkeypatch, chunk, document
) -> None:
    monkeypatch.setattr(json_layout, "CHUNK", chunk)
    frames = extract(document)
    assert list(frames) == list(TABLES)
    assert {name: frame.to_dicts() for name, frame in frames.items()} == TABLES


def test_a_table_without_rows_has_all_declared_columns(extract) -> None:
    for document in ([], [{"id": 1}], [{"id": 1, "lines": [], "about": {"notes": []}}]):
        frames = extract(document)
        assert frames["t.lot"].schema == {
            "order_id": pl.Int64, "line_no": pl.Int64, "city": pl.String, "lot": pl.String,
        }  # fmt: skip
        assert frames["t.line"].shape == (0, 3)
        assert frames["t.order"]["id"].to_list() == [1] * len(document)


def test_columns_that_no_record_has_are_not_invented(extract) -> None:
    frames = extract([{"id": 1, "lines": [{"no": 1}]}])
    assert frames["t.order"].columns == ["id"]
    assert frames["t.line"].columns == ["order_id", "no"]


def test_a_key_that_a_record_has_itself_stays(extract) -> None:
    lines = [{"no": 1, "order_id": 99}, {"no": 2, "order_id": None}, {"no": 3}]
    frames = extract([{"id": 1, "lines": lines}])
    assert frames["t.line"]["order_id"].to_list() == [99, 1, 1]


def test_a_key_of_its_own_and_one_of_another_type_meet_as_text(extract) -> None:
    lines = [{"no": 1, "order_id": "99"}, {"no": 2}]
    frames = extract([{"id": 1, "lines": lines}])
    assert frames["t.line"]["order_id"].to_list() == [99, 1]


def test_composite_keys_are_carried_together(extract) -> None:
    day = ColumnGroup("day", [Column("site", STRING), Column("date.day", INTEGER)])
    shift = ColumnGroup(
        "shift",
        [
            Column("site", STRING, foreign_key=("day", "site")),
            Column("day", INTEGER, foreign_key=("day", "date.day")),
            Column("n", INTEGER),
        ],
        ("shifts",),
    )
    document = [
        {"site": "a", "date": {"day": 1}, "shifts": [{"n": 1}, {"n": 2}]},
        {"site": "b", "date": {"day": 2}, "shifts": [{"n": 1}]},
    ]
    frames = extract(document, schema_of(day, shift))
    assert frames["t.shift"].rows() == [("a", 1, 1), ("a", 1, 2), ("b", 2, 1)]


def test_a_key_named_after_the_file_comes_from_the_nearest_table_that_has_it(extract) -> None:
    outer = ColumnGroup("outer", [Column("id", INTEGER), Column("k", INTEGER)])
    inner = ColumnGroup("inner", [Column("id", INTEGER)], ("a",))
    innermost = ColumnGroup(
        "innermost",
        [
            Column("near", INTEGER, foreign_key=("t", "id")),
            Column("far", INTEGER, foreign_key=("t", "k")),
        ],
        ("a", "b"),
    )
    document = [{"id": 1, "k": 2, "a": [{"id": 3, "b": [{"v": 4}]}]}]
    frames = extract(document, schema_of(outer, inner, innermost))
    assert frames["t.innermost"].to_dicts() == [{"near": 3, "far": 2, "v": 4}]


def test_a_table_behind_lists_without_a_table_of_their_own(extract) -> None:
    root = ColumnGroup("root", [Column("id", INTEGER)])
    deep = ColumnGroup("deep", [Column("id", INTEGER, foreign_key=("root", "id"))], ("a", "b"))
    document = [
        {"id": 1, "a": [{"b": [{"v": 1}]}, {"b": [{"v": 2}, {"v": 3}]}]},
        {"id": 2, "a": [{"c": 1}]},
        {"id": 3, "a": [{"b": [{"v": 4}]}]},
    ]
    frames = extract(document, schema_of(root, deep))
    assert frames["t.deep"].rows() == [(1, 1), (1, 2), (1, 3), (3, 4)]
    assert frames["t.root"].columns == ["id"]


def test_one_object_or_a_list_of_them_on_the_way_to_a_table(extract) -> None:
    root = ColumnGroup("root", [Column("id", INTEGER)])
    deep = ColumnGroup("deep", [Column("id", INTEGER, foreign_key=("root", "id"))], ("a", "b"))
    document = [
        {"id": 1, "a": {"b": [{"v": 1}]}},
        {"id": 2, "a": [{"b": [{"v": 2}]}, {"b": [{"v": 3}]}]},
    ]
    frames = extract(document, schema_of(root, deep))
    assert frames["t.deep"].rows() == [(1, 1), (2, 2), (2, 3)]


def test_lists_that_are_no_table_stay_lists(extract) -> None:
    frames = extract([{"id": 1, "tags": ["a"], "lines": [{"no": 1, "sizes": [{"w": 2}]}]}])
    assert frames["t.order"]["tags"].to_list() == [["a"]]
    assert frames["t.line"]["sizes"].to_list() == [[{"w": 2}]]


def test_a_line_of_a_file_of_lines_is_a_record(extract) -> None:
    frames = extract('{"id": 1, "lines": [{"no": 2}]}', file_type=NDJSONFile)
    assert frames["t.line"].rows() == [(1, 2)]


def test_records_that_disagree_are_widened_in_each_table(extract) -> None:
    lines = [{"no": 1, "sku": 12}, {"no": "2", "sku": "12a"}, {"sku": [1, "x"], "no": 3.0}]
    frames = extract([{"id": 1, "lines": lines}])
    assert frames["t.line"].rows() == [(1, 1, "12"), (1, 2, "12a"), (1, 3, '[1,"x"]')]


@pytest.mark.parametrize("chunk", [32, 1 << 20])
@pytest.mark.parametrize(
    ("lists", "count", "rows"),
    [
        ([[{"no": 1}], {"no": 2}, [{"no": 3}]], 1, [1, 3]),
        ([[{"no": 1}], "x", [{"no": 3}, 4, None, [5]]], 4, [1, 3]),
        ([[{"no": 1}, None], [None], None], 2, [1]),
        ([{"no": 2}, None, {}], 2, []),
        ([1, 2, None], 2, []),
        ([["a"], [], [None]], 2, []),
    ],
)
def test_what_is_no_record_gives_no_row_and_is_reported(
    extractor, monkeypatch, chunk, lists, count, rows
) -> None:
    monkeypatch.setattr(json_layout, "CHUNK", chunk)
    document = [{"id": number, "lines": value} for number, value in enumerate(lists)]
    instance = extractor(document)
    frames = instance.extract()
    assert frames["t.order"]["id"].to_list() == [0, 1, 2]
    assert "lines" not in frames["t.order"].columns
    assert frames["t.line"]["no"].to_list() == rows
    (issue,) = instance.conversion_issues
    assert (issue.table, issue.column, issue.count) == ("t.line", "lines", count)
    assert issue.severity == "ERROR"
    assert "neither a list nor an object inside one" in issue.reason


def test_a_manager_builds_the_tables(tmp_path) -> None:
    (tmp_path / "t.json").write_text(json.dumps(DOCUMENT))
    manager = StatelessDataManager(SimpleETLFactory, [SCHEMA], "json", DataSource)
    files = manager.prepare_files(file_items_with_path=[("t", str(tmp_path / "t.json"))])
    result = manager.etl_data(files, "d")
    assert result.datasource.list_tables() == list(TABLES)


@pytest.mark.parametrize("extension", ["json", "ndjson", "jsonl"])
def test_the_extractor_is_registered(extension) -> None:
    assert get_extractor_class(extension, SchemaType.MULTI) is JSONMultiExtractor


# --- documents and declarations that are refused ------------------------------------------------


@pytest.mark.parametrize("document", ['{"a": 1}', '{"a": [], "b": []}', "[1, 2]", '{"a": ["x"]}'])
def test_a_document_without_records_is_refused(extractor, document) -> None:
    with pytest.raises(FileContentError, match="must be a list of objects, or an object with"):
        extractor(document).extract()


@pytest.mark.parametrize(
    ("groups", "problem"),
    [
        ([LINE], "exactly one ColumnGroup .* there are 0"),
        ([ORDER, ColumnGroup("more", [Column("id", INTEGER)])], "exactly one .* 'order', 'more'"),
        (
            [ORDER, ColumnGroup("x", [Column("y", INTEGER, foreign_key=("order", "no"))], ("x",))],
            r"column 'y' of group 'x' has the foreign_key .* 'order' declares no column 'no'",
        ),
        (
            [ORDER, ColumnGroup("x", [Column("y", INTEGER, foreign_key=("t", "no"))], ("x",))],
            "has the foreign_key .* 't' declares no column 'no'",
        ),
        ([ORDER, ColumnGroup("x", [Column("y", INTEGER)], "lines")], r"such as \('lines',\)"),
    ],
)
def test_a_wrong_declaration_is_refused_at_once(extractor, groups, problem) -> None:
    with pytest.raises(InvalidSchemaError, match=problem) as caught:
        extractor(DOCUMENT, schema_of(*groups))
    assert isinstance(caught.value, AssertionError)


def test_a_single_schema_is_refused_at_once(extractor) -> None:
    class Single(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "json", "single"
        ID = Column("id", INTEGER)

    with pytest.raises(SchemaKindError, match="JSONSingleExtractor"):
        extractor(DOCUMENT, Single)


def test_a_key_to_a_table_beside_or_elsewhere_is_a_plain_column(extract) -> None:
    tag = ColumnGroup("tag", [Column("id", INTEGER, foreign_key=("line", "nowhere"))], ("tags",))
    frames = extract(
        [{"id": 1, "lines": [{"no": 5}], "tags": [{"id": 7}]}], schema_of(ORDER, LINE, tag)
    )
    assert frames["t.tag"].rows() == [(7,)]
