"""Tables in several files: which files, in which order, and what messages say of them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data import (
    CSVFile,
    CSVSingleExtractor,
    DataSource,
    JSONFile,
    JSONSingleExtractor,
    NDJSONFile,
    ParquetFile,
    ParquetSingleExtractor,
    SimpleETLFactory,
    StatelessDataManager,
    XLSXFile,
    XLSXMultiExtractor,
    XLSXSingleExtractor,
)
from algomancy_data.errors import ETLConstructionError, FileContentError
from algomancy_data.executors.sharing import workers_of
from algomancy_data.metrics import Phase, PhaseRecorder
from algomancy_data.schema import Column, ColumnGroup, DataType, Schema

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import Executor
    from pathlib import Path

    from algomancy_data.extractor import Extractor, SingleExtractor
    from algomancy_data.metrics import PhaseMetrics


# Of an extraction that nobody helps with, or whose parts are read as by other processes.
PHASE = Phase()

pytestmark = pytest.mark.usefixtures("helpers")


@pytest.fixture(scope="module", params=["alone", "helped"])
def executor(request: pytest.FixtureRequest) -> Executor | None:
    return request.getfixturevalue("elsewhere") if request.param == "helped" else None


@pytest.fixture(scope="module")
def helpers(executor: Executor | None) -> Generator[None]:
    with workers_of(executor) as PHASE.workers:
        yield


def extracted(extractor: Extractor) -> dict[str, pl.DataFrame]:
    return extractor.extraction(PHASE).frames


def schema_of(columns: dict[str, DataType], extension="csv") -> type[Schema]:
    members = {f"COLUMN_{i}": Column(*item) for i, item in enumerate(columns.items())}
    settings = {"_FILENAME": "t", "_EXTENSION": extension, "_SCHEMA_TYPE": "single"}
    return type("Table", (Schema,), settings | members)


def write(folder: Path, **files: str) -> None:
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.with_name(f"{path.name}.csv").write_text(content)


def csv_parts(path, columns, **settings) -> CSVSingleExtractor:
    return CSVSingleExtractor(CSVFile("t", path), schema_of(columns), **settings)


def parquet_parts(folder: Path, columns, *values: pl.Series) -> ParquetSingleExtractor:
    for number, series in enumerate(values):
        pl.DataFrame({"c": series}).write_parquet(folder / f"{number}.parquet")
    return ParquetSingleExtractor(ParquetFile("t", folder), schema_of(columns))


def clean(extractor: SingleExtractor) -> pl.DataFrame:
    frame = extracted(extractor)["t"]
    assert extractor.conversion_issues == []
    return frame


# --- which files, in which order ----------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["", "*", "*.csv", "[0-9]*.csv", "**/*.csv"])
def test_a_directory_or_pattern_is_one_table_in_the_order_of_names(tmp_path, pattern) -> None:
    for number in (10, 9, 2, 1):
        write(tmp_path, **{str(number): f"c\n{number}\n"})
    frame = clean(csv_parts(tmp_path / pattern, {"c": DataType.INTEGER}))
    assert frame["c"].to_list() == [1, 2, 9, 10]
    assert frame["c"].dtype == pl.Int64


def test_the_order_of_names_is_natural_and_stable(tmp_path) -> None:
    names = ["1", "10", "a2-3", "a2-10", "a10-1", "b-01", "b-1", "b-1a", "b-2", "c"]
    for name in reversed(names):
        write(tmp_path, **{name: f"c\n{name}\n"})
    assert clean(csv_parts(tmp_path, {"c": DataType.STRING}))["c"].to_list() == names


def test_a_directory_may_have_hidden_files_and_marks(tmp_path) -> None:
    write(tmp_path, a="c\n1\n", _SUCCESS="", **{".a": "x;y;z"})
    assert clean(csv_parts(tmp_path, {"c": DataType.INTEGER})).rows() == [(1,)]


def test_parts_may_be_compressed(tmp_path) -> None:
    pl.DataFrame({"c": [1]}).write_csv(tmp_path / "1.csv.gz", compression="gzip")
    write(tmp_path, **{"2": "c\n2\n"})
    assert clean(csv_parts(tmp_path, {"c": DataType.INTEGER})).rows() == [(1,), (2,)]


@pytest.mark.parametrize("other", ["notes.txt", "old", "b.csv.bak"])
def test_a_directory_with_something_else_is_refused(tmp_path, other) -> None:
    write(tmp_path, a="c\n1\n")
    _ = (tmp_path / other).mkdir() if other == "old" else (tmp_path / other).write_text("")
    with pytest.raises(FileContentError, match=rf"'{other}', which is no part .*\*\.csv'"):
        extracted(csv_parts(tmp_path, {"c": DataType.INTEGER}))
    assert clean(csv_parts(tmp_path / "*.csv", {"c": DataType.INTEGER})).rows() == [(1,)]


def test_without_any_part_there_is_nothing(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="no part of a table"):
        extracted(csv_parts(tmp_path, {"c": DataType.INTEGER}))
    with pytest.raises(FileNotFoundError, match="there is nothing"):
        csv_parts(tmp_path / "*.csv", {"c": DataType.INTEGER})


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path) -> None:
    write(tmp_path, **{"a[1]": "c\n1\n", "a1": "c\n2\n"})
    assert clean(csv_parts(tmp_path / "a[1].csv", {"c": DataType.INTEGER})).rows() == [(1,)]


def test_folders_named_after_a_column_give_its_values(tmp_path) -> None:
    write(
        tmp_path,
        **{
            "year=2024__month=2__a": "c\n1\n2\n",
            "year=2024__month=10__a": "c\n3\n",
        },
    )
    unknown = tmp_path / "year=__HIVE_DEFAULT_PARTITION__" / "month=a%20b"
    unknown.mkdir(parents=True)
    (unknown / "a.csv").write_text("c\n4\n")
    columns = {"c": DataType.INTEGER, "year": DataType.INTEGER}
    for path in (tmp_path, tmp_path / "**/*.csv"):
        frame = clean(csv_parts(path, columns))
        assert frame.columns == ["c", "year", "month"]
        assert frame.rows() == [
            (1, 2024, "2"),
            (2, 2024, "2"),
            (3, 2024, "10"),
            (4, None, "a b"),
        ]


def test_a_column_cannot_come_from_the_file_and_the_folder(tmp_path) -> None:
    write(tmp_path, **{"c=1__a": "c\n1\n"})
    with pytest.raises(FileContentError, match=r"part 'c=1/a\.csv': the column 'c' is in the file"):
        extracted(csv_parts(tmp_path, {"c": DataType.INTEGER}))


# --- columns ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        ("a;b\n", "lacks 'c'"),
        ("a;b;c;d\n", "has 'd' besides"),
        ("a;x;c\n", "lacks 'b' and has 'x' besides"),
    ],
)
def test_a_part_with_other_columns_is_refused_and_named(tmp_path, second, problem) -> None:
    write(tmp_path, first="a;b;c\n1;2;3\n", second=second)
    with pytest.raises(FileContentError, match=rf"part 'second\.csv' {problem}.* 'first\.csv'"):
        extracted(csv_parts(tmp_path, {"a": DataType.INTEGER}))


RECORDS = [
    {"id": 1, "name": "a", "at": {"x": 1.5}, "tags": ["u"]},
    {"id": 2},
    {"id": 3, "at": {"x": 2}, "more": "only here"},
    {"name": None, "at": None},
]


@pytest.mark.parametrize("extension", ["json", "ndjson"])
@pytest.mark.parametrize("cut", range(len(RECORDS) + 1))
def test_records_in_parts_may_lack_what_others_have(tmp_path, extension, cut) -> None:
    types = {"id": DataType.INTEGER, "name": DataType.STRING, "at.x": DataType.FLOAT}
    schema = schema_of(types | {"tags": DataType.STRING}, extension)

    def write_records(path: Path, records: list[dict[str, object]]) -> str:
        lines = [json.dumps(record) for record in records]
        text = f"[{','.join(lines)}]" if extension == "json" else "\n".join(lines)
        path.write_text(text, encoding="utf-8")
        return str(path)

    (tmp_path / "parts").mkdir()
    write_records(tmp_path / f"parts/1.{extension}", RECORDS[:cut])
    write_records(tmp_path / f"parts/2.{extension}", RECORDS[cut:])
    whole = write_records(tmp_path / f"whole.{extension}", RECORDS)
    file_type = JSONFile if extension == "json" else NDJSONFile
    frame, expected = (
        clean(JSONSingleExtractor(file_type("t", path), schema))
        for path in (tmp_path / "parts", whole)
    )
    assert frame.select(sorted(frame.columns)).equals(expected.select(sorted(expected.columns)))


def test_columns_may_have_another_order_in_another_part(tmp_path) -> None:
    write(tmp_path, first="a;b\n1;2\n", second="b;a\n4;3\n")
    frame = clean(csv_parts(tmp_path, {"a": DataType.INTEGER, "b": DataType.INTEGER}))
    assert frame.rows() == [(1, 2), (3, 4)]


def test_values_are_read_by_what_the_whole_column_says(tmp_path) -> None:
    write(
        tmp_path, **{"1": "f;d\n1,234;01/02/2024\n", "2": "f;d\n1.5;13/02/2024\n", "3": "f;d\n7;\n"}
    )
    frame = clean(csv_parts(tmp_path, {"f": DataType.FLOAT, "d": DataType.DATETIME}))
    assert frame["f"].to_list() == [1234.0, 1.5, 7.0]
    assert frame["d"].to_list() == [datetime(2024, 2, 1), datetime(2024, 2, 13), None]


def test_leading_zeros_survive_in_every_part(tmp_path) -> None:
    write(tmp_path, **{"1": "s\n007\n", "2": "s\nx\n"})
    assert clean(csv_parts(tmp_path, {"s": DataType.STRING}))["s"].to_list() == ["007", "x"]


@pytest.mark.parametrize(
    ("parts", "target", "becomes"),
    [
        ([pl.Series([1], dtype=pl.Int32), pl.Series([2**40])], DataType.INTEGER, [1, 2**40]),
        ([pl.Series([None]), pl.Series([1])], DataType.INTEGER, [None, 1]),
        ([pl.Series([1]), pl.Series([1.0])], DataType.INTEGER, [1, 1]),
        ([pl.Series(["1,5"]), pl.Series([2.5])], DataType.FLOAT, [1.5, 2.5]),
        (
            [
                pl.Series([datetime(2024, 1, 5)], dtype=pl.Datetime("ns")),
                pl.Series([datetime(1, 1, 1)], dtype=pl.Datetime("us")),
            ],
            DataType.DATETIME,
            [datetime(2024, 1, 5), datetime(1, 1, 1)],
        ),
        (
            [
                pl.Series([timedelta(1)], dtype=pl.Duration("ms")),
                pl.Series([timedelta(2)], dtype=pl.Duration("ns")),
            ],
            DataType.INTERVAL,
            [timedelta(1), timedelta(2)],
        ),
        (
            [
                pl.Series(["a"], dtype=pl.Categorical),
                pl.Series(["b"], dtype=pl.Enum(["b", "c"])),
            ],
            DataType.CATEGORICAL,
            ["a", "b"],
        ),
        ([pl.Series([2**53 + 1]), pl.Series(["x"])], DataType.STRING, ["9007199254740993", "x"]),
    ],
    ids=repr,
)
def test_parts_may_have_different_dtypes(tmp_path, parts, target, becomes) -> None:
    values = clean(parquet_parts(tmp_path, {"c": target}, *parts))["c"]
    assert target.accepts(values.dtype)
    assert values.to_list() == becomes


def test_parts_keep_nanoseconds_if_all_of_them_can(tmp_path) -> None:
    fine = pl.Series([1], dtype=pl.Int64).cast(pl.Datetime("ns"))
    coarse = pl.Series([datetime(2024, 1, 5)], dtype=pl.Datetime("us"))
    values = clean(parquet_parts(tmp_path, {"c": DataType.DATETIME}, fine, coarse))["c"]
    assert values.dtype == pl.Datetime("ns")
    assert values.cast(pl.Int64).to_list() == [1, 1_704_412_800_000_000_000]


def test_parts_whose_moments_no_dtype_holds_are_reported(tmp_path) -> None:
    fine = pl.Series([1], dtype=pl.Int64).cast(pl.Datetime("ns"))
    early = pl.Series([datetime(1, 1, 1)], dtype=pl.Datetime("us"))
    extractor = parquet_parts(tmp_path, {"c": DataType.DATETIME}, fine, early)
    values = extracted(extractor)["t"]["c"]
    assert values.dtype == pl.String
    assert [issue.rows for issue in extractor.conversion_issues] == [(1,)]


def test_a_column_that_is_not_declared_must_be_alike_in_all_parts(tmp_path) -> None:
    parts = pl.Series([1, 2]), pl.Series(["x"])
    extractor = parquet_parts(tmp_path, {"other": DataType.STRING}, *parts)
    with pytest.raises(
        FileContentError, match=r"'c' is Int64 in '0\.parquet' and String in '1\.parquet'"
    ):
        extracted(extractor)
    wider = pl.Series([1], dtype=pl.Int8), pl.Series([300], dtype=pl.Int16), pl.Series([None])
    extractor = parquet_parts(tmp_path, {"other": DataType.STRING}, *wider)
    assert clean(extractor)["c"].to_list() == [1, 300, None]


# --- messages ---------------------------------------------------------------------------------


def test_rows_are_counted_over_the_whole_table_and_the_part_is_named(tmp_path) -> None:
    write(tmp_path, **{"1": "c\n1\n2\n", "2": "c\n3\nx\n", "3": "c\ny\n"})
    extractor = csv_parts(tmp_path, {"c": DataType.INTEGER})
    assert extracted(extractor)["t"]["c"].to_list() == ["1", "2", "3", "x", "y"]
    (issue,) = extractor.conversion_issues
    assert issue.rows == (3, 4)
    assert "'x' (row 3), 'y' (row 4)" in issue.reason
    assert issue.reason.endswith("Parts: '2.csv' (from row 2), '3.csv' (from row 4).")


def test_short_rows_are_counted_over_the_whole_table(tmp_path) -> None:
    write(tmp_path, **{"1": "a;b\n1;2\n", "2": "a;b\n1;2\n3\n"})
    extractor = csv_parts(tmp_path, {"a": DataType.INTEGER, "b": DataType.INTEGER})
    assert extracted(extractor)["t"].height == 3
    (issue,) = extractor.conversion_issues
    assert (issue.table, issue.rows) == ("t", (2,))
    assert issue.reason.endswith("First: row 2. Part: '2.csv' (from row 1).")


def test_bad_values_of_parts_with_different_dtypes_are_reported(tmp_path) -> None:
    parts = pl.Series([1, 2]), pl.Series(["3", "x"])
    extractor = parquet_parts(tmp_path, {"c": DataType.INTEGER}, *parts)
    assert extracted(extractor)["t"]["c"].to_list() == ["1", "2", "3", "x"]
    (issue,) = extractor.conversion_issues
    assert issue.rows == (3,)
    assert "'1.parquet' (from row 2)" in issue.reason


def test_a_part_that_cannot_be_read_is_named(tmp_path) -> None:
    write(tmp_path, a="c;d\n1;2\n", b="c;d\n1;2;3\n")
    with pytest.raises(FileContentError, match=r"File 't/b\.csv'"):
        extracted(csv_parts(tmp_path, {"c": DataType.INTEGER}))


def test_extracting_again_gives_the_same(tmp_path) -> None:
    write(tmp_path, **{"1": "c\n1\n", "2": "c\nx\n"})
    extractor = csv_parts(tmp_path, {"c": DataType.INTEGER})
    first, issues = extracted(extractor)["t"], list(extractor.conversion_issues)
    assert extracted(extractor)["t"].equals(first)
    assert extractor.conversion_issues == issues
    assert extractor.file.name == "t"


def test_workbooks_may_be_parts(tmp_path, write_workbook) -> None:
    for number, cell in ((1, "007"), (2, 8)):
        path = write_workbook([["c", "e"], [cell, ("=A1", "#N/A")]])
        path.rename(tmp_path / f"{number}.xlsx")
    schema = schema_of({"c": DataType.STRING, "e": DataType.INTEGER}, "xlsx")
    extractor = XLSXSingleExtractor(XLSXFile("t", tmp_path), schema)
    assert extracted(extractor)["t"].rows() == [("007", None), ("8", None)]
    assert [(issue.table, issue.rows) for issue in extractor.conversion_issues] == [
        ("t", (0,)),
        ("t", (1,)),
    ]


def test_rows_of_mixed_cells_are_counted_over_all_workbooks(tmp_path, write_workbook) -> None:
    for number, cells in ((1, [1, 2]), (2, [3.5, "1,234"])):
        path = write_workbook([["c"], *([cell] for cell in cells)])
        path.rename(tmp_path / f"{number}.xlsx")
    schema = schema_of({"c": DataType.FLOAT}, "xlsx")
    extractor = XLSXSingleExtractor(XLSXFile("t", tmp_path), schema)
    assert extracted(extractor)["t"]["c"].to_list() == [1.0, 2.0, 3.5, 1.234]
    (issue,) = extractor.conversion_issues
    assert (issue.severity, issue.rows) == ("WARNING", (3,))
    assert "'1,234' (row 3)" in issue.reason
    assert issue.reason.endswith("Part: '2.xlsx' (from row 2).")


# --- through a manager ------------------------------------------------------------------------


def manager_for(schema) -> StatelessDataManager:
    return StatelessDataManager(SimpleETLFactory, [schema], "json", DataSource)


@pytest.mark.parametrize("pattern", ["", "*.csv"])
def test_a_manager_takes_directories_and_patterns(tmp_path, pattern, executor) -> None:
    write(tmp_path, a="c\n1\n", b="c\n2\n")
    manager = manager_for(schema_of({"c": DataType.INTEGER}))
    files = manager.prepare_files(file_items_with_path=[("t", str(tmp_path / pattern))])
    result = manager.etl_data(files, "d", executor=executor)
    assert result.datasource.get_table("t").rows() == [(1,), (2,)]


def test_the_parts_may_be_gone_after_the_etl(tmp_path, executor) -> None:
    for number in range(3):
        pl.DataFrame({"c": [str(number) * 40]}).write_parquet(tmp_path / f"{number}.parquet")
    manager = manager_for(schema_of({"c": DataType.STRING}, "parquet"))
    files = manager.prepare_files(file_items_with_path=[("t", str(tmp_path))])
    manager.etl_data(files, "d", executor=executor)
    for path in tmp_path.iterdir():
        path.unlink()
    assert manager.get_data("d").get_table("t")["c"].to_list() == ["0" * 40, "1" * 40, "2" * 40]


def test_a_pattern_without_a_match_is_a_construction_error(tmp_path) -> None:
    manager = manager_for(schema_of({"c": DataType.INTEGER}))
    with pytest.raises(ETLConstructionError, match="no file at"):
        manager.prepare_files(file_items_with_path=[("t", str(tmp_path / "*.csv"))])


def test_parts_that_differ_fail_the_etl(tmp_path, executor) -> None:
    write(tmp_path, a="c\n1\n", b="d\n2\n")
    manager = manager_for(schema_of({"c": DataType.INTEGER}))
    files = manager.prepare_files(file_items_with_path=[("t", str(tmp_path))])
    result = manager.etl_data(files, "d", executor=executor)
    assert [message.code for message in result.messages] == ["EXTRACTION_FAILED"]


# --- any division of a table --------------------------------------------------------------------

FIELDS = st.sampled_from(["", "1", "2.5", "1,5", "x", "-3", "007", "13/02/2024", "true", "NaN"])
TARGETS = [DataType.INTEGER, DataType.FLOAT, DataType.STRING, DataType.DATETIME, DataType.BOOLEAN]


@given(
    rows=st.lists(FIELDS, min_size=1, max_size=8),
    cuts=st.sets(st.integers(0, 8), max_size=3),
    target=st.sampled_from(TARGETS),
)
def test_a_divided_table_is_the_same_as_the_whole_one(tmp_path_factory, rows, cuts, target) -> None:
    folder = tmp_path_factory.mktemp("cut")
    lines = [f"k;{field}\n" for field in rows]
    (folder / "whole.csv").write_text("key;c\n" + "".join(lines))
    (folder / "parts").mkdir()
    edges = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    for number, (start, end) in enumerate(pairwise(edges)):
        text = "key;c\n" + "".join(lines[start:end])
        (folder / "parts" / f"{number}.csv").write_text(text)
    whole = csv_parts(folder / "whole.csv", {"c": target})
    parts = csv_parts(folder / "parts", {"c": target})
    expected, actual = extracted(whole)["t"], extracted(parts)["t"]
    assert actual.schema == expected.schema
    assert actual.equals(expected, null_equal=True)
    assert [issue.rows for issue in parts.conversion_issues] == [
        issue.rows for issue in whole.conversion_issues
    ]


def test_a_file_with_several_tables_cannot_come_in_parts(tmp_path, write_workbook) -> None:
    class Book(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "xlsx", "multi"
        GROUP = ColumnGroup("Sheet", [Column("c", DataType.INTEGER)])

    write_workbook([["c"], [1]]).rename(tmp_path / "1.xlsx")
    with pytest.raises(FileContentError, match="where one file is needed"):
        extracted(XLSXMultiExtractor(XLSXFile("t", tmp_path), Book))


def test_the_phase_that_an_extraction_is_given_hears_of_each_part_once(tmp_path) -> None:
    write(tmp_path, a="c\n1\n2\n", b="c\nx\n")  # as they differ, they are read twice
    extractor = csv_parts(tmp_path, {"c": DataType.STRING})
    told: list[int] = []

    class Listener:
        def phase_started(self, phase: str) -> None: ...
        def phase_finished(self, metrics: PhaseMetrics) -> None: ...
        def progressed(self, phase: str, done_rows: int, total_rows: int | None) -> None:
            told.append(done_rows)

    with PhaseRecorder(Listener()).phase("extract") as phase:
        phase.workers = PHASE.workers
        assert extractor.extraction(phase).frames["t"].rows() == [("1",), ("2",), ("x",)]
        extractor.extract()  # which no phase is handed to
        assert phase.done_rows == 3
    assert told == [2, 3]
