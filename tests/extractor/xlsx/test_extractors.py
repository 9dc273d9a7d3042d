"""Workbooks: sheets, headers, every kind of cell, and what goes wrong."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

import openpyxl
import polars as pl
import pytest

from algomancy_data import (
    DataSource,
    SimpleETLFactory,
    StatelessDataManager,
    XLSXFile,
    XLSXMultiExtractor,
    XLSXSingleExtractor,
)
from algomancy_data.errors import FileContentError, InvalidSchemaError
from algomancy_data.file import File
from algomancy_data.schema import Column, ColumnGroup, DataType, Schema

if TYPE_CHECKING:
    from pathlib import Path

MIDNIGHT = datetime(2024, 1, 5)
ERRORS = ["#N/A", "#DIV/0!", "#REF!", "#NAME?", "#NULL!", "#NUM!", "#VALUE!"]
SHEET_MEMBER = "xl/worksheets/sheet1.xml"


def schema_of(columns: dict[str, DataType], sheet=None) -> type[Schema]:
    members = {f"COLUMN_{i}": Column(*item) for i, item in enumerate(columns.items())}
    settings = {"_FILENAME": "t", "_EXTENSION": "xlsx", "_SCHEMA_TYPE": "single", "_SHEET": sheet}
    return type("Table", (Schema,), settings | members)


class Sheets(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "xlsx", "multi"
    ITEMS = ColumnGroup("items", [Column("id", DataType.INTEGER), Column("code", DataType.STRING)])
    PRICES = ColumnGroup("prices", [Column("id", DataType.INTEGER), Column("p", DataType.FLOAT)])


def extractor_of(path: Path, columns: dict[str, DataType], sheet=None) -> XLSXSingleExtractor:
    return XLSXSingleExtractor(XLSXFile("t", path), schema_of(columns), sheet)


@pytest.fixture
def extract(write_workbook):
    """Write a workbook, extract a table, and insist that there is no issue."""

    def run(rows, columns=None, sheet=None, **settings) -> pl.DataFrame:
        instance = extractor_of(
            write_workbook(rows, **settings), columns or {"absent": DataType.STRING}, sheet
        )
        frame = instance.extract()["t"]
        assert instance.conversion_issues == []
        return frame

    return run


def column(values) -> list[list]:
    return [["c"], *([value] for value in values)]


# --- kinds of cells ---------------------------------------------------------------------------


def test_every_kind_of_cell_comes_in_its_declared_type(extract, write_workbook) -> None:
    rows = [
        ["id", "amount", "code", "paid", "at", "took", "kind"],
        [1, 0.5, "007", True, datetime(2024, 1, 5, 10, 30, 15, 250_000), timedelta(hours=30), "a"],
        [-2, 1e300, "x", False, date(2024, 2, 29), timedelta(seconds=1), "b"],
        [None] * 6 + ["a"],
    ]
    types = [
        DataType.INTEGER,
        DataType.FLOAT,
        DataType.STRING,
        DataType.BOOLEAN,
        DataType.DATETIME,
        DataType.INTERVAL,
        DataType.CATEGORICAL,
    ]
    frame = extract(rows, dict(zip(rows[0], types, strict=True)))
    assert frame.dtypes == [dtype.polars_dtype for dtype in types]
    cells = openpyxl.load_workbook(write_workbook(rows), data_only=True)["Sheet"]
    assert frame.rows() == [tuple(row) for row in cells.iter_rows(2, values_only=True)]


@pytest.mark.parametrize("values", [[9007199254740993, 1], [2**62 + 1]], ids=repr)
def test_long_numbers_are_exact_without_a_declaration(
    write_workbook, rewrite_all_numbers, values
) -> None:
    path = write_workbook(column(values))
    rewrite_all_numbers(path, [str(value) for value in values])
    assert extractor_of(path, {"x": DataType.STRING}).extract()["t"]["c"].to_list() == values


def test_a_column_that_is_not_declared_keeps_what_it_holds(extract) -> None:
    rows = [["f", "s", "b", "d", "t", "i"], [1, "1", True, MIDNIGHT, time(12, 30), timedelta(2)]]
    frame = extract(rows)
    assert frame.dtypes == [
        pl.Float64,
        pl.String,
        pl.Boolean,
        pl.Datetime("us"),
        pl.Time,
        pl.Duration("us"),
    ]
    assert frame.rows() == [(1.0, "1", True, MIDNIGHT, time(12, 30), timedelta(2))]


@pytest.mark.parametrize(
    ("cells", "target", "becomes"),
    [
        (["007", "1.10", "NA", " x "], DataType.STRING, ["007", "1.10", "NA", " x "]),
        ([7, 1.5, -3], DataType.STRING, ["7", "1.5", "-3"]),
        ([7, ""], DataType.STRING, ["7"]),  # a row of nothing but an empty text is none
        (["", True], DataType.STRING, ["true"]),
        ([7, "", MIDNIGHT], DataType.STRING, ["7", "2024-01-05 00:00:00.000000"]),
        (["007", 7, 1.5, True], DataType.STRING, ["007", "7", "1.5", "true"]),
        ([True, 1], DataType.STRING, ["true", "1"]),
        (["007", 7], DataType.CATEGORICAL, ["007", "7"]),
        ([MIDNIGHT, "x"], DataType.STRING, ["2024-01-05 00:00:00.000000", "x"]),
        ([time(12, 30)], DataType.STRING, ["12:30:00"]),
        (["1", " 2 ", "-3"], DataType.INTEGER, [1, 2, -3]),
        (["9007199254740993", 1], DataType.INTEGER, [9007199254740993, 1]),
        (["1,5", 2.25], DataType.FLOAT, [1.5, 2.25]),
        (["1.234,5", 2.25, True], DataType.FLOAT, [1234.5, 2.25, 1.0]),
        (["NA", 2], DataType.FLOAT, [None, 2.0]),
        ([0.25, 1], DataType.FLOAT, [0.25, 1.0]),
        ([True, "no", 1], DataType.BOOLEAN, [True, False, True]),
        (["13/01/2024", MIDNIGHT], DataType.DATETIME, [datetime(2024, 1, 13), MIDNIGHT]),
        (["2024-01-05 10:30", date(2024, 1, 5)], DataType.DATETIME, None),
        ([time(12, 30)], DataType.INTERVAL, [timedelta(hours=12, minutes=30)]),
        (
            [time(1), timedelta(days=2)],
            DataType.INTERVAL,
            [timedelta(hours=1), timedelta(days=2)],
        ),
        ([None, None], DataType.INTEGER, []),
    ],
    ids=repr,
)
def test_cells_of_several_kinds_are_converted_each_by_its_own_rules(
    extract, cells, target, becomes
) -> None:
    if becomes is None:
        becomes = [datetime(2024, 1, 5, 10, 30), MIDNIGHT]
    values = extract(column(cells), {"c": target})["c"]
    assert target.accepts(values.dtype)
    assert values.to_list() == becomes


@pytest.mark.parametrize(
    ("cells", "target", "reason", "rows"),
    [
        ([1, 1.5], DataType.INTEGER, "not a whole number", (1,)),
        ([1, "x"], DataType.INTEGER, "'x'", (1,)),
        ([20240105], DataType.DATETIME, "no reading as DATETIME", (0,)),
        ([MIDNIGHT, 3], DataType.DATETIME, "not a date", None),
        ([time(12, 30)], DataType.DATETIME, "no reading as DATETIME", (0,)),
        ([2, True], DataType.BOOLEAN, "", (0,)),
        ([MIDNIGHT, 3], DataType.FLOAT, "", (0,)),
    ],
    ids=repr,
)
def test_a_cell_that_does_not_convert_is_reported_and_its_column_left(
    write_workbook, cells, target, reason, rows
) -> None:
    extractor = extractor_of(write_workbook(column(cells)), {"c": target})
    values = extractor.extract()["t"]["c"]
    (issue,) = extractor.conversion_issues
    assert issue.severity == "ERROR"
    assert reason in issue.reason
    assert rows is None or issue.rows == rows
    assert values.null_count() == 0
    assert not target.accepts(values.dtype)


@pytest.mark.parametrize("unusual", [False, True])
def test_a_mixed_column_of_many_texts_is_read_right(
    write_workbook, rewrite_member, unusual
) -> None:
    texts = [f"a & b {number}" for number in range(2_000)]
    path = write_workbook(column([*texts, 7]))
    if unusual:
        for member in (SHEET_MEMBER, "xl/sharedStrings.xml"):
            rewrite_member(path, member, lambda xml: xml + b"<!-- seldom -->")
    values = extractor_of(path, {"c": DataType.STRING}).extract()["t"]["c"]
    assert values.to_list() == [*texts, "7"]


def test_an_ambiguous_text_among_numbers_is_a_warning(write_workbook) -> None:
    extractor = extractor_of(write_workbook(column([7, "1,234"])), {"c": DataType.FLOAT})
    assert extractor.extract()["t"]["c"].to_list() == [7.0, 1.234]
    (issue,) = extractor.conversion_issues
    assert (issue.severity, issue.rows) == ("WARNING", (1,))


@pytest.mark.parametrize(
    ("written", "target", "becomes"),
    [
        ("0.30000000000000004", DataType.FLOAT, 0.1 + 0.2),
        ("1.7976931348623157E308", DataType.FLOAT, 1.7976931348623157e308),
        ("5E-324", DataType.FLOAT, 5e-324),
        ("123456789.12345679", DataType.FLOAT, 123456789.12345679),
        ("9007199254740993", DataType.INTEGER, 9007199254740993),
        ("-9223372036854775808", DataType.INTEGER, -(2**63)),
        ("9007199254740993", DataType.STRING, "9007199254740993"),
        ("0.30000000000000004", DataType.STRING, "0.30000000000000004"),
        ("1E3", DataType.INTEGER, 1000),
    ],
    ids=repr,
)
def test_a_number_keeps_every_digit_that_the_file_has(
    write_workbook, rewrite_member, written, target, becomes
) -> None:
    path = write_workbook(column([42]))
    rewrite_member(
        path, SHEET_MEMBER, lambda xml: xml.replace(b"<v>42<", f"<v>{written}<".encode())
    )
    extractor = extractor_of(path, {"c": target})
    assert extractor.extract()["t"]["c"].to_list() == [becomes]
    assert extractor.conversion_issues == []


@pytest.mark.parametrize("target", [DataType.FLOAT, DataType.INTEGER])
def test_a_number_that_no_float_holds_is_refused(write_workbook, rewrite_member, target) -> None:
    path = write_workbook(column([42]))
    rewrite_member(path, SHEET_MEMBER, lambda xml: xml.replace(b"<v>42<", b"<v>1E400<"))
    extractor = extractor_of(path, {"c": target})
    assert extractor.extract()["t"]["c"].to_list() == ["1E400"]
    assert extractor.conversion_issues[0].rows == (0,)


def test_a_whole_number_that_no_float_equals_is_refused_as_float(
    write_workbook, rewrite_member
) -> None:
    path = write_workbook(column([42]))
    written = b"<v>9007199254740993<"
    rewrite_member(path, SHEET_MEMBER, lambda xml: xml.replace(b"<v>42<", written))
    extractor = extractor_of(path, {"c": DataType.FLOAT})
    assert extractor.extract()["t"]["c"].to_list() == [9007199254740993]
    assert extractor.conversion_issues[0].rows == (0,)


def test_a_formula_gives_the_value_that_it_had_when_the_workbook_was_saved(extract) -> None:
    rows = [["n", "s", "b"], [("=1+1", 2), ('="a"&"b"', "ab"), ("=TRUE()", True)]]
    types = {"n": DataType.INTEGER, "s": DataType.STRING, "b": DataType.BOOLEAN}
    assert extract(rows, types).rows() == [(2, "ab", True)]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("others", [[1, 2], ["x", "y"], [1, "y"]], ids=repr)
def test_a_cell_with_an_error_becomes_null_and_is_reported(write_workbook, error, others) -> None:
    path = write_workbook(column([None, others[0], ("=A1", error), others[1]]))
    extractor = extractor_of(path, {"c": DataType.STRING})
    assert extractor.extract()["t"]["c"].to_list() == [str(others[0]), None, str(others[1])]
    (issue,) = extractor.conversion_issues
    assert (
        issue.reason
        == f"1 cell shows an error of the workbook, which became null: {error} (row 1)."
    )
    assert (issue.table, issue.column, issue.count, issue.rows) == ("t", "c", 1, (1,))


def test_a_row_with_nothing_but_an_error_is_a_row(write_workbook) -> None:
    extractor = extractor_of(write_workbook(column([("=A1", "#N/A")])), {"c": DataType.INTEGER})
    frame = extractor.extract()["t"]
    assert frame.rows() == [(None,)]
    assert frame.dtypes == [pl.Int64]


# --- dates ------------------------------------------------------------------------------------


@pytest.mark.parametrize("from_1904", [False, True])
def test_dates_are_those_that_were_written(extract, from_1904) -> None:
    dates = [
        datetime(1904, 1, 2),
        datetime(1969, 12, 31, 23, 59, 59, 999_000),
        datetime(1970, 1, 1),
        datetime(2000, 2, 29, 12),
        datetime(2024, 1, 5, 10, 30, 15, 123_000),
        datetime(9999, 12, 31, 23, 59, 59),
    ]
    frame = extract(column(dates), {"c": DataType.DATETIME}, from_1904=from_1904)
    assert frame["c"].to_list() == dates
    assert frame["c"].dtype == pl.Datetime("us")


@pytest.mark.parametrize(
    ("serial", "day"),
    [
        (1, datetime(1900, 1, 1)),
        (59, datetime(1900, 2, 28)),
        (61, datetime(1900, 3, 1)),
        (59.5, datetime(1900, 2, 28, 12)),
        (25569, datetime(1970, 1, 1)),
        (2958465, datetime(9999, 12, 31)),
    ],
)
def test_serial_numbers_are_days_of_a_calendar_with_one_day_too_many(
    workbook_folder, serial, day
) -> None:
    path = write_serials(workbook_folder, [serial])
    assert extractor_of(path, {"c": DataType.DATETIME}).extract()["t"]["c"].to_list() == [day]


@pytest.mark.parametrize(
    ("serial", "shown"),
    [
        (60, "1900-02-29"),
        (60.5, "1900-02-29"),
        (-1, "-1"),
        (2958466, "2958466"),
        (1e10, "10000000000"),
    ],
)
def test_a_serial_number_that_is_no_day_is_refused(workbook_folder, serial, shown) -> None:
    path = write_serials(workbook_folder, [1, serial])
    extractor = extractor_of(path, {"c": DataType.DATETIME})
    assert extractor.extract()["t"]["c"].to_list()[1] == shown
    (issue,) = extractor.conversion_issues
    assert 1 in issue.rows


def test_the_first_day_of_1904_and_a_time_of_day_are_told_apart(write_workbook) -> None:
    path = write_workbook(column([datetime(1904, 1, 1), time(6)]), from_1904=True)
    values = extractor_of(path, {"c": DataType.STRING}).extract()["t"]["c"]
    assert values.to_list() == ["1904-01-01 00:00:00.000000", "06:00:00"]


def test_dates_may_be_written_in_iso_8601(workbook_folder) -> None:
    book = openpyxl.Workbook(iso_dates=True)
    for row in (["d", "t"], [datetime(2024, 1, 5, 10, 30), time(1, 2, 3)], [date(2024, 1, 6)]):
        book.active.append(row)
    path = workbook_folder / "iso.xlsx"
    book.save(path)
    extractor = extractor_of(path, {"d": DataType.DATETIME, "t": DataType.STRING})
    assert extractor.extract()["t"].rows() == [
        (datetime(2024, 1, 5, 10, 30), "01:02:03"),
        (datetime(2024, 1, 6), None),
    ]
    assert extractor.conversion_issues == []


def write_serials(folder: Path, serials: list[float]) -> Path:
    book = openpyxl.Workbook()
    for row, value in enumerate(["c", *serials], 1):
        book.active.cell(row, 1, value).number_format = "General" if row == 1 else "d/m/yyyy"
    book.save(folder / "serials.xlsx")
    return folder / "serials.xlsx"


# --- rows, columns and headers ----------------------------------------------------------------


def test_blank_rows_and_columns_are_left_out(extract) -> None:
    rows = [
        [],
        [],
        [None, None, "a", None, "b"],
        [None, None, 1, None, 2],
        [],
        [None, None, 3],
        [],
    ]
    types = {"a": DataType.INTEGER, "b": DataType.INTEGER}
    assert extract(rows, types).rows() == [(1, 2), (3, None)]
    assert extract(rows, types).columns == ["a", "b"]


def test_a_column_without_a_name_is_kept_if_it_has_values(extract) -> None:
    assert extract([["a", None, "b"], [1, 2, 3]]).columns == ["a", "Unnamed: 1", "b"]


def test_names_are_kept_as_written_and_each_one_once(extract) -> None:
    header = ["two\nlines", " a ", "a", "a", "a_1", 7, True, "a"]
    assert extract([header, list(range(8))]).columns == [
        "two\nlines",
        " a ",
        "a",
        "a.1",
        "a_1",
        "7",
        "true",
        "a.2",
    ]


def test_a_header_alone_gives_typed_columns_without_rows(extract) -> None:
    frame = extract([["a", "b"]], {"a": DataType.INTEGER, "b": DataType.DATETIME})
    assert frame.schema == {"a": pl.Int64(), "b": pl.Datetime("us")}
    assert frame.height == 0


def test_an_empty_sheet_is_a_table_without_columns(extract) -> None:
    assert extract([]).shape == (0, 0)


def test_cells_that_are_only_formatted_are_no_cells(workbook_folder) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"].fill = sheet["F9"].fill = openpyxl.styles.PatternFill("solid", fgColor="FF0000")
    sheet["B3"], sheet["B4"] = "a", 1
    path = workbook_folder / "formatted.xlsx"
    book.save(path)
    assert extractor_of(path, {"a": DataType.INTEGER}).extract()["t"].rows() == [(1,)]


def test_a_merged_cell_has_its_value_in_the_first_row_and_column(workbook_folder) -> None:
    book = openpyxl.Workbook()
    for row in (["a", "b"], [1, "x"], [2, None], [3, "y"]):
        book.active.append(row)
    book.active.merge_cells("B2:B3")
    path = workbook_folder / "merged.xlsx"
    book.save(path)
    frame = extractor_of(path, {"a": DataType.INTEGER}).extract()["t"]
    assert frame["b"].to_list() == ["x", None, "y"]


@pytest.mark.parametrize(
    "text", ["a\tb", "a\nb", "a\rb", "\x01", "_x000D_", "🦆 ", "", " "], ids=repr
)
def test_text_comes_back_as_it_was_written(extract, text) -> None:
    types = {"c": DataType.STRING, "d": DataType.STRING}
    assert extract([["c", "d"], [text, "x"]], types)["c"].to_list() == [text]


# --- sheets -----------------------------------------------------------------------------------

THREE = {"first": [["n"], [1]], "second": [["n"], [2]], "third": [["n"], [3]]}


@pytest.mark.parametrize(
    ("sheet", "number"), [("second", 2), (0, 1), (2, 3), (-1, 3), (-3, 1), (None, 1)], ids=repr
)
def test_a_sheet_is_chosen_by_name_or_index(extract, sheet, number) -> None:
    assert extract(THREE, {"n": DataType.INTEGER}, sheet)["n"].to_list() == [number]


@pytest.mark.parametrize("sheet", ["Second", "", 3, -4], ids=repr)
def test_a_missing_sheet_is_refused_with_those_that_exist(write_workbook, sheet) -> None:
    extractor = extractor_of(write_workbook(THREE), {"n": DataType.INTEGER}, sheet)
    with pytest.raises(ValueError, match=r"no sheet .*: 'first', 'second', 'third'\."):
        extractor.extract()


def test_the_schema_may_say_which_sheet_and_the_caller_overrides_it(write_workbook) -> None:
    file = XLSXFile("t", write_workbook(THREE))
    schema = schema_of({"n": DataType.INTEGER}, sheet="second")
    assert XLSXSingleExtractor(file, schema).extract()["t"].rows() == [(2,)]
    assert XLSXSingleExtractor(file, schema, 0).extract()["t"].rows() == [(1,)]


@pytest.mark.parametrize("sheet", [True, 1.0, ["a"]], ids=repr)
def test_a_sheet_that_is_neither_name_nor_index_is_a_wrong_declaration(sheet) -> None:
    with pytest.raises(InvalidSchemaError, match="_SHEET must be"):
        XLSXSingleExtractor(XLSXFile("t"), schema_of({"n": DataType.INTEGER}, sheet))


def test_the_first_of_several_sheets_is_read_with_a_log_line(write_workbook, caplog) -> None:
    file = XLSXFile("t", write_workbook(THREE))
    XLSXSingleExtractor(file, schema_of({"n": DataType.INTEGER})).extract()
    assert "the sheet 'first' is read, not 'second', 'third'" in caplog.text
    caplog.clear()
    XLSXSingleExtractor(file, schema_of({"n": DataType.INTEGER}, 0)).extract()
    assert caplog.text == ""


def test_hidden_sheets_count_and_charts_do_not(workbook_folder) -> None:
    book = openpyxl.Workbook()
    book.create_chartsheet("chart", 0)
    hidden = book.create_sheet("hidden")
    hidden.sheet_state = "hidden"
    hidden.append(["n"])
    hidden.append([1])
    path = workbook_folder / "hidden.xlsx"
    book.save(path)
    assert XLSXFile("t", path).workbook().sheet_names == ["Sheet", "hidden"]
    frame = extractor_of(path, {"n": DataType.INTEGER}, "hidden").extract()["t"]
    assert frame.rows() == [(1,)]


def test_a_sheet_per_group_and_the_others_ignored(write_workbook) -> None:
    path = write_workbook(
        {
            "notes": [["hello"]],
            "prices": [["id", "p"], [1, "1,5"]],
            "items": [["id", "code"], [1, "007"], [2, 8]],
        }
    )
    frames = XLSXMultiExtractor(XLSXFile("t", path), Sheets).extract()
    assert {name: frame.rows() for name, frame in frames.items()} == {
        "t.items": [(1, "007"), (2, "8")],
        "t.prices": [(1, 1.5)],
    }


def test_a_declared_sheet_that_is_missing_is_refused(write_workbook) -> None:
    extractor = XLSXMultiExtractor(XLSXFile("t", write_workbook({"items": [["id"]]})), Sheets)
    with pytest.raises(FileContentError, match=r"no sheet 'prices'. Its sheets: 'items'"):
        extractor.extract()


def test_issues_of_a_group_name_its_table(write_workbook) -> None:
    sheets = {"items": [["id", "code"], ["x", "a"]], "prices": [["id", "p"], [("=1", "#N/A"), 1]]}
    extractor = XLSXMultiExtractor(XLSXFile("t", write_workbook(sheets)), Sheets)
    extractor.extract()
    assert {issue.table for issue in extractor.conversion_issues} == {"t.items", "t.prices"}


@pytest.mark.parametrize("uploaded", [True, False])
def test_the_default_factory_reads_workbooks(write_workbook, uploaded) -> None:
    path = write_workbook({"items": [["id", "code"], [1, "007"]], "prices": [["id", "p"], [1, 2]]})
    single = schema_of({"id": DataType.INTEGER, "p": DataType.FLOAT}, "prices")
    for schema, tables in ((single, ["t"]), (Sheets, ["t.items", "t.prices"])):
        manager = StatelessDataManager(SimpleETLFactory, [schema], "json", DataSource)
        content = "data:;base64," + base64.b64encode(path.read_bytes()).decode()
        files = (
            manager.prepare_files([("t", "xlsx", content)])
            if uploaded
            else manager.prepare_files(file_items_with_path=[("t", str(path))])
        )
        result = manager.etl_data(files, "d")
        assert result.is_success
        assert result.datasource.list_tables() == tables


# --- as JSON ----------------------------------------------------------------------------------


def test_the_content_of_a_workbook_is_json(write_workbook) -> None:
    path = write_workbook(
        {"a": [["n", "d"], [1.5, datetime(2024, 1, 5, 10, 30)], [None, None]], 'b"ü': [["x"]]}
    )
    assert json.loads(XLSXFile("t", path).content) == {
        "metadata": {
            "sheet_count": 2,
            "sheet_names": ["a", 'b"ü'],
            "index_to_sheet_name": {"0": "a", "1": 'b"ü'},
        },
        "sheets": {"a": [{"n": 1.5, "d": "2024-01-05T10:30:00.000000"}], 'b"ü': []},
    }
    assert XLSXFile("t").content is None


# --- what is no workbook ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"a;b\n1;2\n", "is no XLSX workbook"),
        (b"\xd0\xcf\x11\xe0 old", "old workbook"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        (b"PK\x03\x04 not really", "damaged"),
    ],
)
def test_what_is_no_workbook_is_refused(tmp_path, content, problem) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(content)
    with pytest.raises(FileContentError, match=f"File 't' .*{problem}"):
        extractor_of(path, {"n": DataType.INTEGER}).extract()


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"a.csv": ""}, "zip without a workbook"),
        ({"xl/workbook.bin": ""}, "XLSB"),
        ({"mimetype": "", "content.xml": ""}, "OpenDocument"),
        ({"xl/workbook.xml": "<workbook>"}, "damaged"),
        (
            {"xl/workbook.xml": "<workbook><sheets/></workbook>"},
            "no sheet index 0. Its sheets: none",
        ),
    ],
    ids=repr,
)
def test_a_zip_of_something_else_is_refused(tmp_path, members, problem) -> None:
    path = tmp_path / "t.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(FileContentError, match=problem):
        extractor_of(path, {"n": DataType.INTEGER}).extract()


@pytest.mark.parametrize(
    ("member", "old", "new"),
    [
        (SHEET_MEMBER, b"</sheetData>", b"</sheet"),
        (SHEET_MEMBER, b"<worksheet", b"<!DOCTYPE x><worksheet"),
        (SHEET_MEMBER, b"<v>0</v>", b"<v>99</v>"),
        ("xl/sharedStrings.xml", b"<sst", b"<ss"),
    ],
)
def test_damaged_markup_is_refused(write_workbook, rewrite_member, member, old, new) -> None:
    path = write_workbook(column(["x", 1]))
    rewrite_member(path, member, lambda xml: xml.replace(old, new))
    with pytest.raises(FileContentError, match=r"File 't' .*damaged"):
        extractor_of(path, {"c": DataType.STRING}).extract()


def test_a_damaged_workbook_gives_no_other_error(write_workbook, tmp_path) -> None:
    content = write_workbook(column([1, "x", MIDNIGHT, True])).read_bytes()
    path = tmp_path / "damaged.xlsx"
    refused = 0
    for position in range(0, len(content), 23):
        for damaged in (
            content[:position],
            content[:position] + bytes([content[position] ^ 0x55]) + content[position + 1 :],
        ):
            path.write_bytes(damaged)
            try:
                extractor_of(path, {"c": DataType.STRING}).extract()
            except FileContentError:
                refused += 1
    assert refused > 100


def test_a_workbook_that_is_damaged_fails_its_etl(tmp_path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"nothing")
    schema = schema_of({"n": DataType.INTEGER})
    manager = StatelessDataManager(SimpleETLFactory, [schema], "json", DataSource)
    files = manager.prepare_files(file_items_with_path=[("t", str(tmp_path / "t.xlsx"))])
    result = manager.etl_data(files, "d")
    assert result.is_failure
    assert [message.code for message in result.messages] == ["EXTRACTION_FAILED"]


def test_any_file_object_with_a_workbook_will_do(write_workbook) -> None:
    file = File("t", "excel", write_workbook(column([1])))
    file._compressions = ()
    frame = XLSXSingleExtractor(file, schema_of({"c": DataType.INTEGER})).extract()["t"]
    assert frame.rows() == [(1,)]


def test_without_the_extra_the_error_names_it(write_workbook) -> None:
    code = f"""
import sys
sys.modules["fastexcel"] = None
from algomancy_data import XLSXFile, XLSXSingleExtractor, Schema, Column, DataType
class T(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "xlsx", "single"
    C = Column("c", DataType.STRING)
try:
    XLSXSingleExtractor(XLSXFile("t", {str(write_workbook(column([1])))!r}), T).extract()
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "Reading XLSX workbooks needs packages that are not installed. "
        "Run: pip install 'algomancy-data[xlsx]'\n"
    )


def test_the_package_does_not_import_the_reader_before_it_is_needed() -> None:
    code = (
        "import sys, algomancy_data; print({'fastexcel', 'fsspec', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
