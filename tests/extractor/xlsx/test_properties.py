"""Workbooks hold what was written to them, whatever it was; openpyxl is the second opinion."""

from __future__ import annotations

from datetime import datetime, timedelta

import openpyxl
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from algomancy_data.extractor import XLSXSingleExtractor
from algomancy_data.file import XLSXFile
from algomancy_data.schema import Column, DataType, Schema

# What Excel stores: 15 digits, milliseconds, text without half a surrogate pair. Text that looks
# like the escape of a character, and a line break in the way of old Macs, openpyxl reads as such.
NUMBERS = st.integers(-(10**15), 10**15) | st.integers(-(10**9), 10**9).map(lambda n: n / 1000)
MOMENTS = st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 31)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
SPANS = st.integers(0, 10**9).map(lambda n: timedelta(milliseconds=n * 10))
TEXTS = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"], exclude_characters="_"),
    min_size=1,
    max_size=6,
)
COLUMNS = {
    "n": (DataType.FLOAT, NUMBERS),
    "s": (DataType.STRING, TEXTS),
    "b": (DataType.BOOLEAN, st.booleans()),
    "d": (DataType.DATETIME, MOMENTS),
    "i": (DataType.INTERVAL, SPANS),
}


class Table(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "xlsx", "single"
    N = Column("n", DataType.FLOAT)
    S = Column("s", DataType.STRING)
    B = Column("b", DataType.BOOLEAN)
    D = Column("d", DataType.DATETIME)
    I = Column("i", DataType.INTERVAL)  # noqa: E741  named as its column


def a_row(*values):
    return st.tuples(*(st.none() | value for value in values)).map(list)


ROWS = st.lists(a_row(*(value for _, value in COLUMNS.values())), max_size=6)


def read(path, schema=Table) -> tuple[pl.DataFrame, list]:
    extractor = XLSXSingleExtractor(XLSXFile("t", path), schema)
    return extractor.extract()["t"], extractor.conversion_issues


@given(rows=ROWS, from_1904=st.booleans())
def test_a_table_comes_back_from_a_workbook(write_workbook, rows, from_1904) -> None:
    if from_1904:
        rows = [[*row[:3], row[3] and row[3].replace(year=2000), row[4]] for row in rows]
    path = write_workbook([list(COLUMNS), *rows], from_1904=from_1904)
    frame, issues = read(path)
    assert issues == []
    assert frame.dtypes == [dtype.polars_dtype for dtype, _ in COLUMNS.values()]
    assert [list(row) for row in frame.rows()] == [row for row in rows if any_value(row)]


@given(cells=st.lists(st.one_of(NUMBERS, TEXTS, st.booleans()), min_size=1, max_size=8))
def test_mixed_cells_of_a_text_column_are_what_openpyxl_reads(write_workbook, cells) -> None:
    class Texts(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "xlsx", "single"
        C = Column("c", DataType.STRING)

    path = write_workbook([["c"], *([cell] for cell in cells)])
    frame, issues = read(path, Texts)
    sheet = openpyxl.load_workbook(path, data_only=True).active
    assert issues == []
    assert frame["c"].to_list() == [
        as_text(value) for (value,) in sheet.iter_rows(2, values_only=True)
    ]


@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
@settings(max_examples=30)  # each one rewrites a workbook
def test_floats_keep_all_their_digits(write_workbook, rewrite_all_numbers, numbers) -> None:
    path = write_workbook([["n"], *([float(row)] for row in range(len(numbers)))])
    rewrite_all_numbers(path, [repr(number) for number in numbers])
    frame, issues = read(path)
    assert issues == []
    assert frame["n"].to_list() == numbers


def any_value(row) -> bool:
    return any(value is not None for value in row)


def as_text(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return pl.Series([value]).cast(pl.String)[0].removesuffix(".0")
    return str(value)
