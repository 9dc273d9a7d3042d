"""A table whose parts workers read is the one that is read without them."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing.parametric import dataframes

from algomancy_data import (
    ArrowFile,
    Column,
    CSVDialect,
    CSVFile,
    DataType,
    JSONFile,
    NDJSONFile,
    ParquetFile,
    ReadLimits,
    Schema,
    XLSXFile,
)
from algomancy_data.errors import AlgomancyDataError
from algomancy_data.executors.sharing import workers_of
from algomancy_data.extractor import (
    ArrowSingleExtractor,
    CSVSingleExtractor,
    JSONSingleExtractor,
    ParquetSingleExtractor,
    XLSXSingleExtractor,
)
from algomancy_data.metrics import Phase
from algomancy_data.testing import assert_identical

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from algomancy_data.metrics.phases import RowSink

KINDS = {
    "csv": (CSVFile, CSVSingleExtractor),
    "parquet": (ParquetFile, ParquetSingleExtractor),
    "arrow": (ArrowFile, ArrowSingleExtractor),
    "ndjson": (NDJSONFile, JSONSingleExtractor),
    "xlsx": (XLSXFile, XLSXSingleExtractor),
}
MOST_KINDS = list(DataType)
TEXTS = st.sampled_from(
    [
        *("", " ", "NA", "x", "ü", "true", "yes", "1:30:00", "P1D"),
        *("1", "0", "-3", "007", "1,5", "2.5", "1,234", "1.234,5", "9007199254740993", "1e400"),
        *("2024-05-01", "01/05/2024", "13/05/2024"),
        *("2024-05-01T10:00:00.123456789", "2024-05-01 10:00:00+02:00"),
    ]
)
NULL_WORDS = st.sampled_from([None, ("x", "NA")])


def schema_of(types: list[DataType], extension: str, **words: Any) -> type[Schema]:
    columns = {f"C{n}": Column(f"c{n}", kind) for n, kind in enumerate(types)}
    words |= {"_FILENAME": "t", "_EXTENSION": extension, "_SCHEMA_TYPE": "single"}
    return type("T", (Schema,), words | columns)


def extract(
    folder: str | Path,
    schema: type[Schema],
    most: int | None = None,
    *,
    executor: Executor | None = None,
    sink: RowSink | None = None,
) -> Any:
    """Return the frame and the issues of a table, or what is wrong with it."""
    file, extractor = KINDS[str(schema.extension())]
    reader = extractor(file("t", folder, read_limits=ReadLimits(in_memory_bytes=most)), schema)
    phase = Phase()
    phase.sink = sink
    try:
        with workers_of(executor) as phase.workers:
            frame = reader.extraction(phase).frames["t"]
    except AlgomancyDataError as error:
        return type(error), str(error)
    issues = [
        (issue, None if issue.failing is None else issue.failing.to_list(), issue.problem)
        for issue in reader.conversion_issues
    ]
    return frame, issues


def same(folder: str | Path, schema: type[Schema], elsewhere: Executor, most: int) -> None:
    expected = extract(folder, schema)
    for limit in (None, most):
        found = extract(folder, schema, limit, executor=elsewhere)
        if isinstance(expected[0], pl.DataFrame):
            assert_identical(found[0], expected[0])
            assert found[1] == expected[1]
        else:
            assert found[0] is expected[0], found
            assert limit is not None or found[1] == expected[1]


@given(
    width=st.integers(1, 3),
    types=st.lists(st.sampled_from(MOST_KINDS), min_size=3, max_size=3),
    kinds=st.lists(st.lists(TEXTS, min_size=1, max_size=3), min_size=3, max_size=3),
    heights=st.lists(st.integers(0, 6), min_size=2, max_size=4),
    most=st.integers(1, 100),
    data=st.data(),
)
def test_any_parts_of_csv_give_the_same(
    elsewhere, width, types, kinds, heights, most, data
) -> None:
    schema = schema_of(types[:width], "csv", _CSV=CSVDialect(null_words=data.draw(NULL_WORDS)))
    with TemporaryDirectory() as folder:
        for number, height in enumerate(heights):
            lines = [";".join(f"c{n}" for n in range(width))]
            for _ in range(height):
                fields = [data.draw(st.sampled_from(kind)) for kind in kinds[:width]]
                # Some rows have a field too few, and hardly any one too many.
                lines.append(";".join(fields[: data.draw(st.sampled_from([width] * 6 + [1]))]))
            Path(folder, f"{number}.csv").write_text("\n".join(lines))
        same(folder, schema, elsewhere, most)


@given(
    frames=st.lists(
        dataframes(
            min_cols=1,
            max_cols=2,
            max_size=5,
            excluded_dtypes=[pl.Struct, pl.Array, pl.Int128, pl.UInt128],
        ),
        min_size=2,
        max_size=3,
    ),
    types=st.lists(st.sampled_from(MOST_KINDS), min_size=1, max_size=2),
    most=st.integers(1, 500),
    extension=st.sampled_from(["parquet", "arrow"]),
)
@example(  # both dtypes decide, though neither has a value
    frames=[
        pl.DataFrame(schema={"col0": pl.Int8}),
        pl.DataFrame(schema={"col0": pl.Datetime("ns")}),
    ],
    types=[DataType.DATETIME],
    most=1,
    extension="parquet",
)
def test_any_parts_of_columns_give_the_same(elsewhere, frames, types, most, extension) -> None:
    schema = schema_of(types, extension)
    with TemporaryDirectory() as folder:
        for number, frame in enumerate(frames):
            named = frame.rename({name: f"c{n}" for n, name in enumerate(frame.columns)})
            write = named.write_parquet if extension == "parquet" else named.write_ipc
            write(Path(folder, f"{number}.{extension}"))
        same(folder, schema, elsewhere, most)


VALUES = TEXTS | st.sampled_from([None, True, 0, 7, -1, 2**53 + 1, 2.5, 1e300])
NESTED = VALUES | st.sampled_from([[], [1], ["a", None], {}, {"x": 1}, {"x": None}, {"x": "a"}])


@given(
    types=st.lists(st.sampled_from(MOST_KINDS), min_size=1, max_size=2),
    pools=st.lists(st.lists(NESTED, min_size=1, max_size=2), min_size=3, max_size=3),
    heights=st.lists(st.integers(0, 4), min_size=2, max_size=3),
    most=st.integers(1, 60),
    drops=st.booleans(),
    data=st.data(),
)
def test_any_parts_of_records_give_the_same(
    elsewhere, types, pools, heights, most, drops, data
) -> None:
    words = {"_EXTRA_COLUMNS": "drop", "_MISSING_COLUMNS": "null"} if drops else {}
    schema = schema_of(types, "ndjson", **words)
    with TemporaryDirectory() as folder:
        for number, height in enumerate(heights):
            pool = {f"c{n}": st.sampled_from(values) for n, values in enumerate(pools)}
            rows = st.lists(
                st.fixed_dictionaries({}, optional=pool), min_size=height, max_size=height
            )
            lines = "\n".join(json.dumps(row) for row in data.draw(rows))
            Path(folder, f"{number}.ndjson").write_text(lines)
        same(folder, schema, elsewhere, most)


@settings(max_examples=15)
@given(
    types=st.lists(st.sampled_from(MOST_KINDS), min_size=1, max_size=2),
    pools=st.lists(st.lists(VALUES, min_size=1, max_size=2), min_size=2, max_size=2),
    heights=st.lists(st.integers(0, 4), min_size=2, max_size=2),
    most=st.integers(1, 60),
    data=st.data(),
)
def test_any_parts_of_workbooks_give_the_same(elsewhere, types, pools, heights, most, data) -> None:
    schema = schema_of(types, "xlsx")
    with TemporaryDirectory() as folder:
        for number, height in enumerate(heights):
            with xlsxwriter.Workbook(Path(folder, f"{number}.xlsx")) as book:
                sheet = book.add_worksheet()
                sheet.write_row(0, 0, ["c0", "c1"])
                for row in range(1, height + 1):
                    sheet.write_row(row, 0, [data.draw(st.sampled_from(pool)) for pool in pools])
        same(folder, schema, elsewhere, most)


def write(folder: Path, *contents: str) -> Path:
    for number, content in enumerate(contents):
        (folder / f"{number}.csv").write_text(content)
    return folder


def test_a_column_is_converted_again_if_a_later_part_decides_otherwise(elsewhere, tmp_path) -> None:
    parts = "c0\n01/02/2024\n", "c0\n03/04/2024\n", "c0\n13/02/2024\n"
    schema = schema_of([DataType.DATETIME], "csv")
    same(write(tmp_path, *parts), schema, elsewhere, 8)
    frame = extract(tmp_path, schema)[0]
    assert frame["c0"].dt.month().to_list() == [2, 4, 2]


def test_a_part_of_nothing_but_nulls_takes_the_dtype_of_the_others(elsewhere, tmp_path) -> None:
    parts = "c0\n\n", "c0;c1\n;1\n", "c0;c1\n2024-05-01T10:00:00.123456789;2\n"
    schema = schema_of([DataType.DATETIME], "csv")
    same(write(tmp_path, parts[1], parts[2], parts[1]), schema, elsewhere, 8)
    frame, issues = extract(tmp_path, schema, executor=elsewhere)
    assert (frame["c0"].dtype, issues) == (pl.Datetime("ns"), [])


@pytest.mark.parametrize("extension", ["ndjson", "xlsx", "arrow"])
def test_workers_convert_the_parts_of_every_format(elsewhere, tmp_path, extension) -> None:
    frame = pl.DataFrame({"c0": ["1", "2"], "c1": [1, 2]})
    for number in range(3):
        path = tmp_path / f"{number}.{extension}"
        match extension:
            case "ndjson":
                frame.write_ndjson(path)
            case "xlsx":
                frame.write_excel(path)
            case _:
                frame.write_ipc(path)
    schema, calls = schema_of([DataType.INTEGER], extension), elsewhere.calls
    same(tmp_path, schema, elsewhere, 30)
    # Once for each of two limits: what goes together is read once.
    assert elsewhere.calls == calls + 6


def test_records_whose_parts_have_other_members_are_one_table(elsewhere, tmp_path) -> None:
    parts = (
        '{"c0": "1", "a": null}',
        '{"a": {"x": 1}}',
        '{"c0": "2", "a": {"y": "z"}, "b": [1]}',
        "",
    )
    for number, text in enumerate(parts):
        (tmp_path / f"{number}.ndjson").write_text(text)
    schema, calls = schema_of([DataType.INTEGER], "ndjson"), elsewhere.calls
    same(tmp_path, schema, elsewhere, 8)
    assert elsewhere.calls == calls + 8
    frame, _ = extract(tmp_path, schema, executor=elsewhere)
    assert frame.columns == ["c0", "a.x", "a.y", "b"]
    assert frame.rows() == [(1, None, None, None), (None, 1, None, None), (2, None, "z", [1])]


def test_a_part_of_records_of_several_types_is_read_again_from_its_beginning(
    elsewhere, tmp_path
) -> None:
    lines = [f'{{"c0": "{number}", "c1": {number}}}' for number in range(9)]
    (tmp_path / "0.ndjson").write_text("\n".join([*lines, '{"c0": "9", "c1": 0.5, "c2": "new"}']))
    (tmp_path / "1.ndjson").write_text("\n".join([*lines, '{"c0": "x", "c2": "new"}']))
    same(tmp_path, schema_of([DataType.INTEGER], "ndjson"), elsewhere, 40)


def test_a_single_file_and_a_single_part_are_read_here(elsewhere, tmp_path) -> None:
    schema = schema_of([DataType.INTEGER], "csv")
    write(tmp_path, "c0\n1\n")
    before = elsewhere.calls
    for path in (tmp_path, tmp_path / "0.csv"):
        assert extract(path, schema, executor=elsewhere)[0].rows() == [(1,)]
    assert elsewhere.calls == before


class Kept:
    """A logger that keeps warnings."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, message: str) -> None:
        raise AssertionError(message)

    success = error = log_traceback = log

    def warning(self, message: str) -> None:
        self.lines.append(message)


def test_what_workers_say_of_parts_is_told_to_the_logger_once(elsewhere, tmp_path) -> None:
    for number, list_of in enumerate(("a", "a", "x")):
        text = f'{{"other": 1, "rows": [{{"c0": "{list_of}"}}]}}'
        (tmp_path / f"{number}.json").write_text(text)
    schema, lines = schema_of([DataType.INTEGER], "json"), []
    for executor in (None, elsewhere):
        logger, phase = Kept(), Phase()
        with workers_of(executor) as phase.workers:
            JSONSingleExtractor(JSONFile("t", path=tmp_path), schema, logger).extraction(phase)
        lines.append(logger.lines)
    assert lines[0] == lines[1]
    assert sum("'other'" in line for line in lines[1]) == 3


def test_files_on_their_way_are_gone_at_the_end(elsewhere, tmp_path, monkeypatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("ALGOMANCY_SCRATCH", str(scratch))
    parts = tmp_path / "parts"
    parts.mkdir()
    write(parts, "c0\n1\n", "c0\n2\n", "c0\nx\n")
    frame, issues = extract(parts, schema_of([DataType.INTEGER], "csv"), executor=elsewhere)
    assert (frame["c0"].to_list(), len(issues)) == (["1", "2", "x"], 1)
    assert list(scratch.iterdir()) == []


class Taken:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.rows: list[pl.DataFrame] = []
        self.ended: pl.DataFrame | None = None

    def take(self, table: str, rows: pl.DataFrame) -> None:
        self.rows.append(rows)

    def end(self, table: str, frame: pl.DataFrame) -> None:
        self.ended = frame

    def drop(self, table: str) -> None:
        self.rows.clear()


@pytest.mark.parametrize(("last", "is_taken"), [("3", True), ("x", False), ("", True)])
def test_whoever_takes_rows_early_gets_those_of_each_part_in_order(
    elsewhere, tmp_path, last, is_taken
) -> None:
    schema, sink = schema_of([DataType.INTEGER], "csv"), Taken()
    write(tmp_path, "c0;c1\n1;a\n", "c0;c1\n2;b\n", f"c0;c1\n{last};c\n")
    frame, _ = extract(tmp_path, schema, 4, executor=elsewhere, sink=sink)
    assert (sink.ended is frame) == is_taken
    if is_taken:
        assert_identical(pl.concat(sink.rows), frame)
    else:
        assert sink.rows == []
