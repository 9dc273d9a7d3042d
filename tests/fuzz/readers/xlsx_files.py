"""Workbooks, changed as they are packed and, so that more than the zip is tried, part by part."""

import io
import zipfile
from datetime import datetime, timedelta

import openpyxl
import xlsxwriter
from reading import read_everywhere

from algomancy_data import Column, DataType, Schema, XLSXFile

_PART = b"\x1f"
_NAME = b"\x1e"


class Stock(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "stock", "xlsx", "single"
    ID = Column("id", DataType.INTEGER)
    NAME = Column("name", DataType.STRING)
    PRICE = Column("price", DataType.FLOAT)
    SOLD = Column("sold", DataType.BOOLEAN)
    SINCE = Column("since", DataType.DATETIME)
    TOOK = Column("took", DataType.INTERVAL)


HEADER = ["id", "name", "price", "sold", "since", "took"]
ROWS = [
    [1, "a", 1.5, True, datetime(2024, 5, 1), timedelta(hours=30)],
    [2, "ä ", None, False, datetime(2024, 5, 1, 10, 30), None],
    [9007199254740993, "", -1e300, None, None, timedelta(seconds=1)],
]


def seeds():
    packed = [by_xlsxwriter(from_1904=False), by_xlsxwriter(from_1904=True), by_openpyxl()]
    return [*packed, *map(opened, packed), *map(opened, packed)]


def by_xlsxwriter(*, from_1904):
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"date_1904": from_1904}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        span = book.add_format({"num_format": "[h]:mm:ss"})
        sheet = book.add_worksheet()
        sheet.write_row(1, 0, HEADER)
        for number, row in enumerate(ROWS, 2):
            sheet.write_row(number, 0, row[:4])
            sheet.write(number, 4, row[4], day)
            sheet.write(number, 5, row[5], span)
        sheet.write_formula(6, 1, '=""', None, "")
        sheet.write_formula(6, 2, "=NA()", None, "#N/A")
        book.add_worksheet("other").write_column(0, 0, ["n", 1, "x", 2])
    return content.getvalue()


def by_openpyxl():
    content = io.BytesIO()
    book = openpyxl.Workbook()
    for row in [HEADER, *ROWS]:
        book.active.append(row)
    book.save(content)
    return content.getvalue()


def opened(packed):
    """Return the parts of a workbook that its reader looks at, one after the other."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = [name for name in archive.namelist() if not name.startswith(("docProps", "xl/th"))]
        return b"".join(_PART + name.encode() + _NAME + archive.read(name) for name in names)


def closed(parts):
    """Return the workbook of parts that :func:`opened` gave, as far as they can be told apart."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        found = dict(part.partition(_NAME)[::2] for part in parts.split(_PART)[1:])
        for name, part in found.items():
            archive.writestr(name.decode("utf-8", "replace").replace("\0", "") or "x", part)
    return content.getvalue()


def read(data, home):
    if _PART in data[:1] and _NAME in data:
        data = closed(data)
    path = home / "stock.xlsx"
    try:
        read_everywhere(path, Stock, data)
    finally:
        _ = XLSXFile("stock", path).content
