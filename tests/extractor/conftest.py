"""Files and the extractors that read them."""

from __future__ import annotations

import re
import zipfile
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import xlsxwriter

from algomancy_data.extractor import CSVSingleExtractor
from algomancy_data.file import CSVFile
from algomancy_data.schema import Column, CSVDialect, DataType, FileExtension, Schema, SchemaType

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import polars as pl

DEFAULT = CSVDialect()
NUMBER_FORMATS = {
    date: "yyyy-mm-dd",
    datetime: "yyyy-mm-dd hh:mm:ss.000",
    time: "hh:mm:ss",
    timedelta: "[h]:mm:ss",
}


class MakeExtractor(Protocol):
    def __call__(
        self,
        content: str | bytes,
        columns: dict[str, DataType],
        dialect: CSVDialect = DEFAULT,
        separator: str | None = None,
    ) -> CSVSingleExtractor: ...


def schema_of(columns: dict[str, DataType], dialect: CSVDialect) -> type[Schema]:
    members = {f"COLUMN_{i}": Column(*item) for i, item in enumerate(columns.items())}
    settings = {
        "_FILENAME": "t",
        "_EXTENSION": FileExtension.CSV,
        "_SCHEMA_TYPE": SchemaType.SINGLE,
        "_CSV": dialect,
    }
    return type("Table", (Schema,), settings | members)


@pytest.fixture(scope="session")
def csv_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("csv")


@pytest.fixture(scope="session")
def extractor(csv_folder: Path) -> MakeExtractor:
    """Write a file and return its extractor; the next call overwrites the file."""

    def make(content, columns, dialect=DEFAULT, separator=None) -> CSVSingleExtractor:
        path = csv_folder / "t.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        schema = schema_of(columns, dialect)
        return CSVSingleExtractor(CSVFile("t", path), schema, separator=separator)

    return make


@pytest.fixture(scope="session")
def extract(extractor: MakeExtractor):
    """Write a file, extract it, and insist that there is no issue."""

    def run(content, columns, dialect=DEFAULT, separator=None) -> pl.DataFrame:
        instance = extractor(content, columns, dialect, separator)
        frame = instance.extract()["t"]
        assert instance.conversion_issues == []
        return frame

    return run


class WriteWorkbook(Protocol):
    def __call__(
        self, sheets: list[list[Any]] | dict[str, list[list[Any]]], *, from_1904: bool = False
    ) -> Path: ...


@pytest.fixture(scope="session")
def workbook_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("xlsx")


@pytest.fixture(scope="session")
def write_workbook(workbook_folder: Path) -> WriteWorkbook:
    """Write a workbook of one sheet or several; the next call overwrites the file.

    A cell is a value as it is, or ``(formula, cached value)``. Dates, times and timedeltas get a
    number format that shows them as what they are.
    """

    def write(sheets, *, from_1904=False) -> Path:
        path = workbook_folder / "t.xlsx"
        sheets = sheets if isinstance(sheets, dict) else {"Sheet": sheets}
        with xlsxwriter.Workbook(path, {"date_1904": from_1904}) as book:
            formats = {
                kind: book.add_format({"num_format": code}) for kind, code in NUMBER_FORMATS.items()
            }
            for name, rows in sheets.items():
                sheet = book.add_worksheet(name)
                for row, cells in enumerate(rows):
                    for column, value in enumerate(cells):
                        _write_cell(sheet, row, column, value, formats)
        return path

    return write


def _write_cell(sheet, row, column, value, formats) -> None:
    if isinstance(value, tuple):
        sheet.write_formula(row, column, value[0], None, value[1])
    elif isinstance(value, str):
        sheet.write_string(row, column, value)
    elif type(value) in formats:
        sheet.write_datetime(row, column, value, formats[type(value)])
    elif value is not None:
        sheet.write(row, column, value)


@pytest.fixture
def rewrite_member() -> Callable[[Path, str, Callable[[bytes], bytes]], None]:
    """Change a member of a workbook: what no library writes, but another program may."""

    return _rewrite_member


@pytest.fixture(scope="session")
def rewrite_all_numbers() -> Callable[[Path, list[str]], None]:
    """Write other numbers into the only column of a sheet, digit by digit as given."""

    def rewrite(path: Path, numbers: list[str]) -> None:
        def change(xml: bytes) -> bytes:
            cells = iter(numbers)
            return re.sub(
                rb'(<c r="A\d+"><v>)[^<]*', lambda cell: cell[1] + next(cells).encode(), xml
            )

        _rewrite_member(path, "xl/worksheets/sheet1.xml", change)

    return rewrite


def _rewrite_member(path: Path, member: str, change: Callable[[bytes], bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[member] = change(members[member])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
