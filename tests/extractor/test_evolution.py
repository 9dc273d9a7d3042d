"""Columns that a file has beside those that are declared, or lacks: what a schema says of them."""

from __future__ import annotations

import json

import polars as pl
import pytest
import xlsxwriter

from algomancy_data import (
    Column,
    ColumnGroup,
    CSVFile,
    DataSource,
    DataType,
    JSONFile,
    NDJSONFile,
    ParquetFile,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
    XLSXFile,
)
from algomancy_data.errors import InvalidSchemaError
from algomancy_data.schema import ReadLimits
from algomancy_data.schema.fingerprint import schema_fingerprint

IN_SLICES = ReadLimits(in_memory_bytes=64)
GIVEN = pl.DataFrame({"id": [1, 2, 3], "x": ["a", "b", "c"]})


def schema(extension="csv", extra="keep", missing="error", kind="single"):
    members = {
        "_FILENAME": "t",
        "_EXTENSION": extension,
        "_SCHEMA_TYPE": kind,
        "_EXTRA_COLUMNS": extra,
        "_MISSING_COLUMNS": missing,
    }
    columns = [
        Column("id", DataType.INTEGER),
        Column("amount", DataType.FLOAT, nullable=True),
        Column("note", DataType.STRING, optional=True),
        Column("by", DataType.STRING, optional=True, default="me"),
    ]
    if kind == "multi":
        columns = [ColumnGroup("one", columns)]
    return type("T", (Schema,), members | {f"C{n}": one for n, one in enumerate(columns)})


def write(path, frame):
    """Write a table as a file of the format that its name says."""
    match path.suffix:
        case ".csv":
            frame.write_csv(path, separator=";")
        case ".json":
            path.write_text(json.dumps(frame.to_dicts()))
        case ".ndjson":
            frame.write_ndjson(path)
        case ".parquet":
            frame.write_parquet(path, row_group_size=2)
        case ".xlsx":
            with xlsxwriter.Workbook(path) as book:
                sheet = book.add_worksheet("one")
                for number, row in enumerate([frame.columns, *frame.rows()]):
                    sheet.write_row(number, 0, row)


FILES = {
    "csv": CSVFile,
    "json": JSONFile,
    "ndjson": NDJSONFile,
    "parquet": ParquetFile,
    "xlsx": XLSXFile,
}


def load(path, schema, limits=None):
    """Run an ETL on a file or folder; return the table, codes with their columns, the status."""
    file = FILES[str(schema.extension())]("t", path=path)
    manager = StatelessDataManager(
        SimpleETLFactory, [schema], "json", DataSource, read_limits=limits
    )
    result = manager.etl_data({"t": file}, "d")
    codes = {(one.code, one.column) for one in result.messages if one.column is not None}
    tables = {} if result.datasource is None else result.datasource.tables
    return next(iter(tables.values()), None), codes, result.status


@pytest.fixture(params=list(FILES))
def path(request, tmp_path):
    path = tmp_path / f"t.{request.param}"
    write(path, GIVEN)
    return path


def test_without_a_setting_extra_columns_stay_and_missing_ones_are_reported(path):
    table, codes, status = load(path, schema(path.suffix[1:]))
    assert table.columns == ["id", "x"]
    assert codes == {("UNEXPECTED_COLUMN", "x"), ("MISSING_REQUIRED_COLUMN", "amount")}
    assert status == "success"


@pytest.mark.parametrize("limits", [None, IN_SLICES], ids=["whole", "slices"])
def test_extra_columns_are_dropped_and_missing_ones_null(path, limits):
    table, codes, _ = load(path, schema(path.suffix[1:], "drop", "null"), limits)
    assert table.to_dict(as_series=False) == {
        "id": [1, 2, 3],
        "amount": [None] * 3,
        "note": [None] * 3,
    }
    assert table.dtypes == [pl.Int64, pl.Float64, pl.String]
    filled = {("COLUMN_FILLED", "amount"), ("COLUMN_FILLED", "note")}
    assert codes == {("COLUMN_DROPPED", "x"), *filled}


def test_forbidden_columns_make_the_data_invalid(path):
    table, codes, status = load(path, schema(path.suffix[1:], "forbid", "null"))
    assert (table, status) == (None, "failed")
    assert ("UNEXPECTED_COLUMN", "x") in codes


@pytest.mark.parametrize("extension", ["xlsx", "json"])
def test_the_tables_of_a_file_have_the_setting_of_their_schema(tmp_path, extension):
    path = tmp_path / f"t.{extension}"
    write(path, GIVEN)
    table, codes, _ = load(path, schema(extension, "drop", "null", "multi"))
    assert table.columns == ["id", "amount", "note"]
    assert ("COLUMN_DROPPED", "x") in codes


@pytest.mark.parametrize("limits", [None, IN_SLICES], ids=["whole", "slices"])
@pytest.mark.parametrize("extension", ["csv", "json", "ndjson", "parquet", "xlsx"])
def test_parts_may_have_other_columns(tmp_path, extension, limits):
    folder = tmp_path / "parts"
    folder.mkdir()
    write(folder / f"1.{extension}", GIVEN)
    later = pl.DataFrame({"amount": [1.5, 2.5], "id": [4, 5], "y": [True, False]})
    write(folder / f"2.{extension}", later)
    write(folder / f"3.{extension}", pl.DataFrame({"note": ["n"], "id": [6], "amount": [7]}))
    table, codes, _ = load(folder, schema(extension, "drop", "null"), limits)
    assert table.to_dict(as_series=False) == {
        "id": [1, 2, 3, 4, 5, 6],
        "amount": [None, None, None, 1.5, 2.5, 7.0],
        "note": [None] * 5 + ["n"],
    }
    assert {("COLUMN_DROPPED", "x"), ("COLUMN_DROPPED", "y")} <= codes
    if "json" not in extension:  # whose parts may lack columns anyway
        assert {("COLUMN_FILLED", "amount"), ("COLUMN_FILLED", "note")} <= codes


@pytest.mark.parametrize("limits", [None, IN_SLICES], ids=["whole", "slices"])
def test_a_column_that_a_part_lacks_is_read_as_all_others_decide(tmp_path, limits):
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "1.csv").write_text("id\n1\n")
    (folder / "2.csv").write_text("id;amount\n2;1.234\n")
    (folder / "3.csv").write_text("id;amount\n3;1.234,5\n")
    table, _, _ = load(folder, schema("csv", "drop", "null"), limits)
    assert table["amount"].to_list() == [None, 1234.0, 1234.5]


def test_the_columns_of_folders_are_there(tmp_path):
    (tmp_path / "note=n").mkdir()
    (tmp_path / "note=n" / "1.csv").write_text("id\n1\n")
    table, _, _ = load(tmp_path, schema("csv", "drop", "null"))
    assert table.rows() == [(1, "n", None)]


def test_a_wrong_setting_is_refused(tmp_path):
    write(tmp_path / "t.csv", GIVEN)
    for wrong in (schema(extra="remove"), schema(missing=None)):
        with pytest.raises(InvalidSchemaError, match="_COLUMNS must be"):
            wrong.validate()
        with pytest.raises(InvalidSchemaError, match="_COLUMNS must be"):
            load(tmp_path / "t.csv", wrong)


def test_the_settings_are_part_of_what_a_schema_declares():
    prints = {schema_fingerprint(schema(extra=one)) for one in ("keep", "drop", "forbid")}
    prints |= {schema_fingerprint(schema(missing="null")), schema_fingerprint(schema())}
    assert len(prints) == 4
