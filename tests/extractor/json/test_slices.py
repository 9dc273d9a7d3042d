"""Records on lines that are read slice by slice are those that are read at once."""

from __future__ import annotations

import gzip
import json
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from algomancy_data import (
    Column,
    DataSource,
    DataType,
    JSONFile,
    JSONSingleExtractor,
    NDJSONFile,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.errors import AlgomancyDataError, FileContentError, ReadLimitError
from algomancy_data.metrics import PhaseRecorder
from algomancy_data.schema import ReadLimits
from algomancy_data.testing import assert_identical

AT_ONCE = ReadLimits(in_memory_bytes=None)
# So that each record is a slice.
IN_SLICES = ReadLimits(in_memory_bytes=64)


class Things(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "ndjson", "single"
    ID = Column("id", DataType.INTEGER)
    NAME = Column("name", DataType.STRING)
    SIZE = Column("size", DataType.FLOAT)
    DAY = Column("day", pl.Date)
    TAGS = Column("tags", pl.List(pl.String))
    INNER = Column("inner.x", DataType.BOOLEAN)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("slices") / "t.ndjson"


def extract(path, limits: ReadLimits, schema: type[Schema] = Things, kind=NDJSONFile) -> Any:
    """Return the frame and the issues of a file, or what is wrong with it."""
    extractor = JSONSingleExtractor(kind("t", path, read_limits=limits), schema)
    try:
        frame = extractor.extract()["t"]
    except AlgomancyDataError as error:
        return type(error), str(error)
    issues = [
        (issue, None if issue.failing is None else issue.failing.to_list(), issue.problem)
        for issue in extractor.conversion_issues
    ]
    return frame, issues


def agree(path, **kind: Any) -> Any:
    found, expected = extract(path, IN_SLICES, **kind), extract(path, AT_ONCE, **kind)
    if isinstance(expected[0], pl.DataFrame):
        assert isinstance(found[0], pl.DataFrame), found
        assert_identical(found[0], expected[0])
        assert found[1] == expected[1]
    else:
        assert found == expected
    return found


def agree_listed(path, records: list[Any]) -> None:
    """Look at the records as a list, and as one with something around it."""
    listed = path.with_suffix(".json")
    listed.write_text(json.dumps(records))
    agree(listed, kind=JSONFile)
    listed.write_text(json.dumps({"meta": {"id": 7}, "rows": records, "end": None}))
    agree(listed, kind=JSONFile)


def lines(records: list[Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


PLAIN = st.fixed_dictionaries(
    {"id": st.integers(0, 9)},
    optional={
        "name": st.none() | st.text(max_size=3),
        "size": st.none() | st.floats(-1e6, 1e6),
        "day": st.sampled_from(["2024-01-02", None]),
        "tags": st.lists(st.text(max_size=2), max_size=2),
        "inner": st.fixed_dictionaries({}, optional={"x": st.booleans(), "y": st.none()}),
    },
)
ODD = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(0, 9) | st.just("x") | st.just(2**53 + 1) | st.just(1.5) | st.none(),
        "name": st.text(max_size=2) | st.just(1.10) | st.just(7) | st.lists(st.just({"a": 1})),
        "size": st.integers(-9, 9) | st.floats() | st.sampled_from(["1,5", "1.234", "x", 2**60]),
        "day": st.sampled_from(["01/02/2024", "13/02/2024", "02/13/2024", "nothing", 5]),
        "more": st.integers(0, 5) | st.floats(0, 1) | st.just([]) | st.just({"z": 1}),
        "tags": st.none() | st.lists(st.none() | st.integers(0, 3), max_size=2),
    },
)


@given(st.lists(PLAIN, max_size=12))
@example([{"id": 1}, {"id": 2, "size": 1.5}, {"id": 3, "size": 2, "name": "x", "later": []}])
def test_records_that_agree_are_the_same_in_slices(path, records) -> None:
    path.write_text(lines(records))
    agree(path)
    agree_listed(path, records)


@given(st.lists(PLAIN, max_size=6), st.lists(ODD, max_size=6), st.lists(PLAIN, max_size=3))
@example([{"size": 1}], [{"size": 2**60}, {"size": 0.5}], [])
@example([{"name": "x"}], [{"name": 1.10}], [])
@example([{"id": 1}], [{"more": 1}, {"more": 0.5}, {"more": {"z": 1}}], [])
@example([], [{}, {}], [])
def test_records_that_disagree_are_the_same_in_slices(path, first, odd, last) -> None:
    path.write_text(lines([*first, *odd, *last]))
    agree(path)
    agree_listed(path, [*first, *odd, *last])


@given(st.lists(st.lists(PLAIN | ODD, max_size=3), min_size=2, max_size=4))
@example([[{"id": 1}], [{"id": 2, "size": 1.5}], [{"size": 2.5, "inner": {"x": True}}]])
@example([[{"id": 1, "more": 1}], [{"id": 2, "more": 1.5}], []])
@example([[{"id": 1.5}], [{"id": 0}, {"id": 0}]])
@example([[{"size": 1.5, "inner": {"x": True}}], [{"size": 2}], [{"id": 1}]])
def test_parts_are_the_same_in_slices(path, parts) -> None:
    folder = path.with_name("parts")
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for number, records in enumerate(parts):
        (folder / f"{number}.ndjson").write_text(lines(records))
    agree(folder)


def test_parts_are_read_in_slices_of_one_type(tmp_path) -> None:
    for number in range(4):
        part = tmp_path / f"day={number}" / "part.ndjson"
        part.parent.mkdir(parents=True)
        record = {"id": number} | {"size": 1.5 if number > 1 else None}
        part.write_text(lines([record] * 20))
    frame, issues = agree(tmp_path)
    assert [(issue.column, issue.count) for issue, *_ in issues] == [("day", 80)]
    assert frame.group_by("id", "size", "day", maintain_order=True).len().rows() == [
        (0, None, "0", 20),
        (1, None, "1", 20),
        (2, 1.5, "2", 20),
        (3, 1.5, "3", 20),
    ]
    assert len(frame["id"].get_chunks()) > 10


@pytest.mark.parametrize(
    "written",
    [
        b'{"id": 1}\n\n  {"id": 2}\r\n{"id": 3}',
        b'\xef\xbb\xbf{"id": 1}\n{"id": 2}\n',
        b'{"id": 1,\n "name": "a"}\n{"id": 2,\n "inner": {"x":\ntrue}}\n',
        b'{"id": 1}{"id": 2} {"id": 3}\n{"id": 4}\n',
        '{"id": 1}\n{"id": 2, "name": "\u00fc"}\n'.encode("utf-16"),
        b'[{"id": 1},\n{"id": 2}]\n',
        b'[{"id": 1, "more": [{"z": 1},{"z": 2}]},{"id": 2, "more": []}]',
        b'[{"id": 1, "name": "},{"},{"id": 2, "name": "\\"},{"},{"id": 3}]',
        b'[{"id": 1},{"id": 2},3,{"id": 4}]',
        b'[{"id": 1},{"id": 2},,{"id": 4}]',
        b'[{"id": 1},{"id": 2},{"id": 3]',
        b'[{"id": 1},{"id": 2},{"id": 3}],{"id": 4}]',
        b'{"rows": [{"id": 1},{"id": 2},{"id": 3}], "also": [{"id": 4}]}',
        b'{"id": 1, "tags": [{"id": 1},{"id": 2},{"id": 3}]}',
        b'[1, 2, 3, "and so on until it is more than 64 bytes are there, all in all"]',
        b'{"id": 1}\n{"id": 2\n',
        b'{"id": 1}\n{"id": 2}\n[3]\n',
        b'{"id": 1}\n{"id": 2}\nnull\n',
        b'{"id": 1}\n{"id": 2}\n{"id": 3, "id": 4}\n{"id": 5}\n',
        b'{"id": 1}\n\n{"id": 2}\n{"name": "\xff"}\n',
        b'{"id": 1}\n{"id": 2}\n{"name": "\\ud800"}\n',
        b"\n\n",
        b"",
    ],
)
def test_a_file_in_any_form_is_the_same_in_slices(path, written) -> None:
    path.write_bytes(written)
    agree(path)
    agree(path, kind=JSONFile)
    packed = path.with_suffix(".gz")
    packed.write_bytes(gzip.compress(written))
    agree(packed)


def test_a_fault_is_named_by_its_line_and_record(path) -> None:
    path.write_text(lines([{"id": number} for number in range(1000)]) + "[1]\n")
    error, message = extract(path, IN_SLICES)
    assert error is FileContentError
    assert message.startswith("File 't', line 1001, column 1: record 1000 is no object")


def test_records_are_read_in_slices_of_one_type(path) -> None:
    records = [{"id": number} for number in range(50)] + [{"id": 50, "size": 1, "tags": []}]
    path.write_text(lines(records))
    extractor = JSONSingleExtractor(NDJSONFile("t", path, read_limits=IN_SLICES), Things)
    recorder = PhaseRecorder()
    with recorder.phase("extract") as phase:
        frame = extractor.extraction(phase).frames["t"]
        assert phase.done_rows == 51  # although they were read again
    assert frame["id"].to_list() == list(range(51))
    assert frame.columns == ["id", "size", "tags"]
    assert len(frame["id"].get_chunks()) > 10


def test_a_list_is_read_in_slices_and_what_is_around_it_told_once(path, caplog) -> None:
    rows = [{"id": number, "name": "},{", "tags": [], "more": [{"z": 1}]} for number in range(50)]
    path.write_text(json.dumps({"meta": 1, "rows": [*rows, {"id": 50, "size": 1}]}))
    extractor = JSONSingleExtractor(JSONFile("t", path, read_limits=IN_SLICES), Things)
    frame = extractor.extract()["t"]
    assert frame["id"].to_list() == list(range(51))
    assert len(frame["id"].get_chunks()) > 10
    assert [line for line in caplog.messages if "meta" in line] == [
        "File 't': the members 'meta' around the list of records are not part of the table."
    ]


def test_the_limits_hold_over_all_slices(path) -> None:
    path.write_text(lines([{"id": number, "name": "x"} for number in range(100)]))
    limits = ReadLimits(in_memory_bytes=64, cells=150, ratio=None)
    assert extract(path, limits)[0] is ReadLimitError
    path.write_text(lines([{f"k{number}": number} for number in range(100)]))
    assert extract(path, ReadLimits(in_memory_bytes=64, columns=50))[0] is ReadLimitError


@pytest.mark.parametrize("quarantine", [False, True])
def test_a_run_finds_the_same_in_slices(path, quarantine) -> None:
    records = [{"id": n, "size": n / 2, "day": "2024-01-02"} for n in range(40)]
    records[20]["id"], records[30]["day"] = "twenty", "some day"
    path.write_text(lines(records))
    results = [
        StatelessDataManager(SimpleETLFactory, [Things], "json", DataSource).etl_data(
            {"t": NDJSONFile("t", path)}, "d", quarantine=quarantine, read_limits=limits
        )
        for limits in (AT_ONCE, IN_SLICES)
    ]
    at_once, in_slices = results
    assert in_slices.messages == at_once.messages
    assert_identical(in_slices.datasource.get_table("t"), at_once.datasource.get_table("t"))
    assert in_slices.quarantine.keys() == at_once.quarantine.keys()
    for name, frame in at_once.quarantine.items():
        assert_identical(in_slices.quarantine[name], frame)
