"""A table that is read slice by slice is the one that is read at once."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing.parametric import dataframes

from algomancy_data import (
    Column,
    CSVDialect,
    CSVFile,
    DataType,
    FileExtension,
    ParquetFile,
    ReadLimits,
    Schema,
)
from algomancy_data.errors import (
    AlgomancyDataError,
    FileContentError,
    ReadLimitError,
    ScratchError,
)
from algomancy_data.extractor import CSVSingleExtractor, ParquetSingleExtractor
from algomancy_data.testing import assert_identical

TYPES = list(DataType)


def declare(types: list[DataType], dialect: CSVDialect, extension: str = "csv") -> type[Schema]:
    columns = {f"C{n}": Column(f"c{n}", kind) for n, kind in enumerate(types)}
    words = {"_FILENAME": "t", "_EXTENSION": extension, "_SCHEMA_TYPE": "single", "_CSV": dialect}
    return type("T", (Schema,), words | columns)


def extract(content: bytes, schema: type[Schema], limits: ReadLimits) -> Any:
    """Return the frame and the issues of a file, or what is wrong with it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(content)
        return extract_from(path, schema, limits)


def extract_from(path: Path | str, schema: type[Schema], limits: ReadLimits) -> Any:
    is_csv = schema.extension() == FileExtension.CSV
    kind, reader = (
        (CSVFile, CSVSingleExtractor) if is_csv else (ParquetFile, ParquetSingleExtractor)
    )
    extractor = reader(kind("t", path=path, read_limits=limits), schema)
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
IN_SLICES = ReadLimits(in_memory_bytes=64)


def same(content: bytes, schema: type[Schema], at_once: int) -> None:
    found = extract(content, schema, ReadLimits(in_memory_bytes=at_once))
    agree(found, extract(content, schema, AT_ONCE))


def agree(found: Any, expected: Any) -> None:
    if isinstance(expected[0], pl.DataFrame):
        assert isinstance(found[0], pl.DataFrame), found
        assert_identical(found[0], expected[0])
        assert found[1] == expected[1]
    else:  # of several errors the one that is met first is told
        assert found[0] is expected[0], found


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
    schema = declare([DataType.INTEGER, DataType.STRING], CSVDialect())
    same(content, schema, 64)
    found, expected = (extract(content, schema, limits) for limits in (IN_SLICES, AT_ONCE))
    assert isinstance(found[0], pl.DataFrame) or found == expected


@given(st.lists(files(), min_size=2, max_size=3), st.integers(1, 300))
def test_parts_give_the_same_frame_issues_and_errors(
    given: list[tuple[bytes, type[Schema]]], at_once: int
):
    schema = given[0][1]
    with TemporaryDirectory() as folder:
        for number, (content, _) in enumerate(given):
            (Path(folder) / f"part-{number}.csv").write_bytes(content)
        expected = extract_from(folder, schema, AT_ONCE)
        found = extract_from(folder, schema, ReadLimits(in_memory_bytes=at_once))
    agree(found, expected)


def test_a_column_of_folder_names_that_does_not_convert_stays_text(tmp_path: Path):
    for name in ("c1=1", "c1=x"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part.csv").write_bytes(rows(["7"] * 40))
    schema = declare([DataType.INTEGER, DataType.INTEGER], CSVDialect())
    found, expected = (extract_from(tmp_path, schema, limits) for limits in (IN_SLICES, AT_ONCE))
    agree(found, expected)
    assert found[0]["c1"].to_list() == ["1"] * 40 + ["x"] * 40


@st.composite
def parquet_files(draw: st.DrawFn) -> tuple[pl.DataFrame, int]:
    frame = draw(
        dataframes(
            min_cols=1,
            max_cols=4,
            max_size=30,
            excluded_dtypes=[pl.Struct, pl.Array, pl.Int128, pl.UInt128],
        )
    )
    return frame.rename({n: f"c{i}" for i, n in enumerate(frame.columns)}), draw(st.integers(1, 9))


@given(
    parquet_files(),
    st.lists(st.sampled_from(TYPES), min_size=4, max_size=4),
    st.integers(1, 2000),
)
def test_any_parquet_file_gives_the_same_frame_and_issues(
    file: tuple[pl.DataFrame, int], types: list[DataType], at_once: int
):
    frame, group = file
    schema = declare(types[: max(frame.width - 1, 1)], CSVDialect(), "parquet")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.parquet"
        frame.write_parquet(path, row_group_size=group)
        expected = extract_from(path, schema, AT_ONCE)
        agree(extract_from(path, schema, ReadLimits(in_memory_bytes=at_once)), expected)


def zipped(content: bytes, method: int) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        archive.writestr("t.csv", content)
    return whole.getvalue()


PACKED = {
    "gzip": gzip.compress,
    "zstd": lambda content: bytes(pa.compress(content, "zstd", asbytes=True)),
    "zip": lambda content: zipped(content, zipfile.ZIP_DEFLATED),
    "bzip2": lambda content: zipped(content, zipfile.ZIP_BZIP2),
    "lzma": lambda content: zipped(content, zipfile.ZIP_LZMA),
}


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("quotes", ["clear", "unclear"])
def test_what_is_compressed_is_unpacked_into_a_scratch_file(packed: str, quotes: str):
    odd = {"clear": b'"b;\n"', "unclear": b'5" pipe'}[quotes]
    content = b"c0;c1\n" + b"1;x\n" * 50 + b"2;" + odd + b"\n" + b"3;y\n" * 50
    schema = declare([DataType.INTEGER, DataType.STRING], CSVDialect())
    frame, issues = extract(PACKED[packed](content), schema, ReadLimits(in_memory_bytes=200))
    expected = pl.DataFrame(
        {
            "c0": [1] * 50 + [2] + [3] * 50,
            "c1": ["x"] * 50 + [{"clear": "b;\n", "unclear": '5" pipe'}[quotes]] + ["y"] * 50,
        }
    )
    assert_identical(frame, expected)
    assert (frame.n_chunks() > 10, issues) == (quotes == "clear", [])


def test_a_text_of_another_encoding_is_made_utf_8_in_a_scratch_file():
    content = ("c0;c1\n" + "1;ö€\n" * 100).encode("utf-16")
    schema = declare([DataType.INTEGER, DataType.STRING], CSVDialect(encoding="utf-16"))
    frame, _ = extract(content, schema, ReadLimits(in_memory_bytes=200))
    assert_identical(frame, pl.DataFrame({"c0": [1] * 100, "c1": ["ö€"] * 100}))
    assert frame.n_chunks() > 10


@pytest.mark.parametrize("packed", ["plain", "gzip"])
def test_no_place_for_scratch_files_is_no_fault_of_the_file(
    packed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ALGOMANCY_SCRATCH", str(tmp_path / "missing"))
    content = b"c0\n" + b"1\n" * 200
    content = content if packed == "plain" else gzip.compress(content)
    error, said = extract(content, declare([DataType.INTEGER], CSVDialect()), IN_SLICES)
    assert error is ScratchError
    assert "missing" in said
    assert "ALGOMANCY_SCRATCH=<directory>" in said


def test_a_damaged_file_is_told_of_as_ever():
    content = gzip.compress(b"c0\n" + b"1\n" * 200)[:-9]
    schema = declare([DataType.INTEGER], CSVDialect())
    found = [extract(content, schema, limits) for limits in (IN_SLICES, AT_ONCE)]
    assert found[0] == found[1]
    assert found[0][0] is FileContentError


def test_columns_may_have_any_name():
    content = b";a\0b;a\0b;'\n" + b"1;x;y;z\n" * 40
    schema = declare([DataType.INTEGER], CSVDialect())
    same(content, schema, 64)


def test_slices_of_nothing_but_nulls_take_the_dtype_of_the_others(tmp_path: Path):
    moment = datetime(2000, 1, 1, tzinfo=UTC)
    frame = pl.DataFrame({"c0": [None] * 20 + [moment, None]}).cast(pl.Datetime("us", "UTC"))
    frame.write_parquet(tmp_path / "t.parquet", row_group_size=1)
    schema = declare([DataType.DATETIME], CSVDialect(), "parquet")
    agree(*(extract_from(tmp_path / "t.parquet", schema, lim) for lim in (IN_SLICES, AT_ONCE)))


@pytest.mark.parametrize(
    "limits",
    [{"text_bytes": 3}, {"cells": 100}, {"columns": 1}],
    ids=lambda limits: next(iter(limits)),
)
def test_limits_hold_for_slices(limits: dict[str, int]):
    content = b"c0;c1\n" + b"1;2\n" * 90 + b"1;1234\n"
    schema = declare([DataType.INTEGER, DataType.STRING], CSVDialect())
    at_once = extract(content, schema, ReadLimits(in_memory_bytes=None, **limits))
    in_slices = extract(content, schema, ReadLimits(in_memory_bytes=64, **limits))
    assert at_once[0] is in_slices[0] is ReadLimitError
    assert at_once[1].partition(";")[2] == in_slices[1].partition(";")[2]


def test_the_table_is_made_of_slices_and_not_in_memory():
    content = b"c0\n" + b"1\n" * 1000
    schema = declare([DataType.INTEGER], CSVDialect())
    frame, _ = extract(content, schema, ReadLimits(in_memory_bytes=800))
    assert frame.n_chunks() == 20  # of 100 bytes
