"""A table that is read slice by slice is the one that is read at once."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data import Column, CSVDialect, CSVFile, DataType, ReadLimits, Schema
from algomancy_data.errors import AlgomancyDataError
from algomancy_data.extractor import CSVSingleExtractor
from algomancy_data.testing import assert_identical

TYPES = list(DataType)


def declare(types: list[DataType], dialect: CSVDialect) -> type[Schema]:
    columns = {f"C{n}": Column(f"c{n}", kind) for n, kind in enumerate(types)}
    words = {"_FILENAME": "t", "_EXTENSION": "csv", "_SCHEMA_TYPE": "single", "_CSV": dialect}
    return type("T", (Schema,), words | columns)


def extract(content: bytes, schema: type[Schema], limits: ReadLimits) -> Any:
    """Return the frame and the issues of a file, or what is wrong with it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(content)
        extractor = CSVSingleExtractor(CSVFile("t", path=path, read_limits=limits), schema)
        try:
            frame = extractor.extract()["t"]
        except AlgomancyDataError as error:
            return type(error), str(error)
        issues = [
            (issue, None if issue.failing is None else issue.failing.to_list(), issue.problem)
            for issue in extractor.conversion_issues
        ]
        return frame, issues


AT_ONCE = ReadLimits(in_memory_bytes=None)


def same(content: bytes, schema: type[Schema], at_once: int) -> None:
    expected = extract(content, schema, AT_ONCE)
    found = extract(content, schema, ReadLimits(in_memory_bytes=at_once))
    if isinstance(expected[0], pl.DataFrame):
        assert isinstance(found[0], pl.DataFrame), found
        assert_identical(found[0], expected[0])
        assert found[1] == expected[1]
    else:
        assert found == expected


VALUES = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats().map(str),
    st.sampled_from(
        ["", " ", "NA", "1,5", "1.234", "1,234", "1 000", "true", "yes", "0", "1", "x", "ü", "inf"]
    ),
    st.sampled_from(
        ["2024-05-01", "01/05/2024", "13/05/2024", "05/13/2024", "2024-05-01T10:00:00.123456789"]
    ),
    st.sampled_from(["2024-05-01 10:00:00+02:00", "1:30:00", "P1D", "00:00:01.123456789", "1;2"]),
    st.text("ab\"'\n;, ", max_size=6),
)


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, type[Schema]]:
    width = draw(st.integers(1, 4))
    types = draw(st.lists(st.sampled_from(TYPES), min_size=width, max_size=width))
    quotes = draw(st.sampled_from(["all", "needed", "wild"]))
    kinds = [draw(st.lists(VALUES, min_size=1, max_size=4)) for _ in types]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines = [";".join(f"c{n}" for n in range(width))]
    for _ in range(draw(st.integers(0, 25))):
        fields = [draw(st.sampled_from(kind)) for kind in kinds]
        if quotes != "wild":
            fields = [
                '"' + field.replace('"', '""') + '"'
                if quotes == "all" or set(field) & set('";\n\r')
                else field
                for field in fields
            ]
        fields = fields[: draw(st.sampled_from([width] * 9 + [max(width - 1, 1)]))]
        lines.append(";".join(fields))
    last = draw(st.sampled_from(["", end]))
    dialect = CSVDialect(null_words=draw(st.sampled_from([None, ("x", "NA")])))
    return (end.join(lines) + last).encode(), declare(types, dialect)


@given(files(), st.integers(1, 200))
def test_any_file_gives_the_same_frame_issues_and_errors(
    file: tuple[bytes, type[Schema]], at_once: int
):
    content, schema = file
    same(content, schema, at_once)


def rows(values: list[str]) -> bytes:
    return ("c0\n" + "\n".join(values) + "\n").encode()


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (DataType.FLOAT, ["1.234"] * 50 + ["1,5"] + ["2"] * 50),
        (DataType.FLOAT, ["1,234"] * 100),
        (DataType.INTEGER, ["1"] * 100 + ["1,000"] + ["2,000,000"]),
        (DataType.INTEGER, ["1"] * 100 + ["x"] + ["7"] * 20),
        (DataType.DATETIME, ["01/02/2024"] * 100 + ["13/02/2024"]),
        (DataType.DATETIME, ["2024-01-02"] * 100 + ["2024-01-02T00:00:00.123456789"]),
        (DataType.INTERVAL, ["00:00:01"] * 100 + ["00:00:01.000000001"]),
        (DataType.BOOLEAN, ["true"] * 100 + ["yes"] + ["maybe"]),
        (DataType.CATEGORICAL, ["a", "b"] * 60 + ["c"]),
        (DataType.FLOAT, ["1.5"] * 90 + ["9007199254740993"] + ["1e400"]),
        (DataType.STRING, [""] * 100 + ["x"]),
        (DataType.DATETIME, [""] * 100 + ["2024-01-02T00:00:00.123456789"]),
    ],
)
def test_all_values_decide_how_a_column_is_read(kind: DataType, values: list[str]):
    same(rows(values), declare([kind], CSVDialect()), 64)


@pytest.mark.parametrize(
    "content",
    [
        b"c0;c1\n" + b"1;2\n" * 40 + b"1;2;3\n" + b"1;2\n" * 40,
        b"c0;c1\n" + b"1;2\n" * 40 + b"1;\xff\n" + b"1;2\n" * 40,
        b"c0;c1\n" + b"1;2\n" * 40 + b'1;"2\n' + b"1;2\n" * 40,
        b'c0;c1\n1;"a\nb"\n' + b"1;2\n" * 40 + b"\n\n1\n" + b"1;2\n",
        b"\xef\xbb\xbfc0;c1\n" + b"1;\xef\xbb\xbf2\n" * 40 + b"1;",
    ],
    ids=["too many fields", "not UTF-8", "open quote", "blank and short lines", "marks"],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(content: bytes):
    same(content, declare([DataType.INTEGER, DataType.STRING], CSVDialect()), 64)


def test_the_table_is_made_of_slices_and_not_in_memory():
    content = b"c0\n" + b"1\n" * 1000
    schema = declare([DataType.INTEGER], CSVDialect())
    frame, _ = extract(content, schema, ReadLimits(in_memory_bytes=800))
    assert frame.n_chunks() == 20  # of 100 bytes
