"""Columns of cells, each as a file of its own that goes through a default ETL."""

from __future__ import annotations

import base64
import io
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import openpyxl
from recording import rows

from algomancy_data import (
    Column,
    ColumnGroup,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
)

if TYPE_CHECKING:
    from recording import Recording

TEXTS = {
    DataType.INTEGER: (
        "1 2 3",
        "-1 0 +7",
        "1,0 2,0",
        "1.0 2.0",
        "1e3 2",
        "1 - 3",
        "1.5 2",
        "1,5 2,5",
        "1,234 5,678",
        "1,234,567 1",
        "007 010",
        "9223372036854775807 1",
        "9223372036854775808 1",
        "true false",
        "x 1",
        "- -",
        "NA 1",
        "0x10 1",
        "1_000 1",
    ),
    DataType.FLOAT: (
        "1.5 2.25",
        "1,5 2,25",
        "1 2",
        "1 - 2.5",
        "1,234.56 7.5",
        "1.234,56 7,5",
        "1,234,567 1",
        "1,234 5,678",
        "1e300 -1e-300",
        "1e400 1",
        "nan 1.5",
        "inf -inf",
        "NA 1.5",
        "x 1.5",
        "0.1 0.30000000000000004",
        "1_000 1",
        "true 1",
        "- -",
    ),
    DataType.STRING: (
        "a b",
        "1 2",
        "007 010",
        "1.10 1.2",
        "1 - 2",
        "a - b",
        "NA null",
        "None n/a",
        "nan x",
        "true false",
        "2024-01-31 x",
        "€ ü",
        "1e5 1",
        "- -",
    ),
    DataType.DATETIME: (
        "2024-01-31 2024-02-29",
        "2024-01-31T10:30:00 2024-02-29T00:00:01",
        "31/01/2024 01/02/2024",
        "01/02/2024 03/04/2024",
        "31-01-2024 01-02-2024",
        "31.01.2024 01.02.2024",
        "12/31/2024 01/02/2024",
        "2024-01-31 -",
        "2024-01-31 2024-02-29T10:30:00",
        "2024-01-31T10:30:00Z 2024-02-29T10:30:00Z",
        "2024-01-31T10:30:00+02:00 2024-02-29T10:30:00+01:00",
        "2024-01-31T10:30:00.123456 2024-02-29T10:30:00.654321",
        "2024-02-30 2024-01-01",
        "20240131 20240229",
        "1600-01-01 2024-01-01",
        "2300-01-01 2024-01-01",
        "12:30 13:45",
        "x 2024-01-31",
        "- -",
    ),
    DataType.BOOLEAN: (
        "true false",
        "True FALSE",
        "yes no",
        "Y n",
        "1 0",
        "t f",
        "true -",
        "yes -",
        "1 -",
        "on off",
        "ja nee",
        "2 0",
        "true maybe",
        "1.0 0.0",
        "- -",
    ),
}
JSON = {
    "whole numbers": (DataType.INTEGER, "[1, 2]"),
    "whole numbers with null": (DataType.INTEGER, "[1, null]"),
    "floats as whole numbers": (DataType.INTEGER, "[1.0, 2.0]"),
    "fractions as whole numbers": (DataType.INTEGER, "[1.5, 2.0]"),
    "numbers in text": (DataType.INTEGER, '["1", "2"]'),
    "a large number": (DataType.INTEGER, "[9223372036854775807, 1]"),
    "larger": (DataType.INTEGER, "[18446744073709551616, 1]"),
    "booleans as numbers": (DataType.INTEGER, "[true, false]"),
    "floats": (DataType.FLOAT, "[0.5, 1e300]"),
    "mixed numbers": (DataType.FLOAT, "[1, 2.5]"),
    "a comma in text": (DataType.FLOAT, '["2,5", "1,5"]'),
    "number and comma": (DataType.FLOAT, '[1, "2,5"]'),
    "no floats": (DataType.FLOAT, "[null, null]"),
    "text": (DataType.STRING, '["a", null]'),
    "text of digits": (DataType.STRING, '["007", "NA"]'),
    "numbers as text": (DataType.STRING, "[1, 2]"),
    "numbers as text with null": (DataType.STRING, "[1, null]"),
    "booleans as text": (DataType.STRING, "[true, false]"),
    "lists as text": (DataType.STRING, '[["a"], []]'),
    "times": (DataType.DATETIME, '["2024-01-31T10:30:00", null]'),
    "numbers as times": (DataType.DATETIME, "[20240131, 20240229]"),
    "booleans": (DataType.BOOLEAN, "[true, false]"),
    "booleans with null": (DataType.BOOLEAN, "[true, null]"),
    "numbers as booleans": (DataType.BOOLEAN, "[1, 0]"),
    "text as booleans": (DataType.BOOLEAN, '["yes", "no"]'),
}
XLSX: dict[str, tuple[DataType, list[Any]]] = {
    "whole numbers": (DataType.INTEGER, [1, 2]),
    "whole numbers with a gap": (DataType.INTEGER, [1, None, 3]),
    "fractions as whole numbers": (DataType.INTEGER, [1.5, 2]),
    "floats": (DataType.FLOAT, [0.5, 2.25]),
    "many digits": (DataType.FLOAT, [0.123456789012345, 1.0]),
    "whole numbers as floats": (DataType.FLOAT, [1, 2]),
    "text": (DataType.STRING, ["a", "ü"]),
    "text of digits": (DataType.STRING, ["007", "010"]),
    "numbers as text": (DataType.STRING, [1, 2]),
    "text with a gap": (DataType.STRING, ["a", None, "b"]),
    "times": (DataType.DATETIME, [datetime(2024, 1, 31, 10, 30), datetime(2024, 2, 29)]),
    "times in text": (DataType.DATETIME, ["2024-01-31", "2024-02-29"]),
    "booleans": (DataType.BOOLEAN, [True, False]),
    "booleans in text": (DataType.BOOLEAN, ["yes", "no"]),
    "numbers as booleans": (DataType.BOOLEAN, [1, 0]),
}


def drive(recording: Recording):
    """Run every case; write down values and codes."""
    for dtype, columns in TEXTS.items():
        for cells in columns:
            lines = ["" if cell == "-" else cell for cell in cells.split(" ")]
            text = "k;x\n" + "".join(f"{n};{line}\n" for n, line in enumerate(lines))
            recording.call(f"csv {dtype.name} {cells}", etl, dtype, "csv", text.encode())
    for name, (dtype, values) in JSON.items():
        records = [f'{{"k": {n}, "x": {each}}}' for n, each in enumerate(split(values))]
        content = f"[{', '.join(records)}]".encode()
        recording.call(f"json {dtype.name} {name}", etl, dtype, "json", content)
    for name, (dtype, values) in XLSX.items():
        recording.call(f"xlsx {dtype.name} {name}", etl, dtype, "xlsx", workbook(values))


def split(values: str) -> list[str]:
    """Return the elements of a JSON list as they are written."""
    return [json.dumps(each) for each in json.loads(values)]


def workbook(values: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "s"
    for row in (["k", "x"], *([n, each] for n, each in enumerate(values))):
        book.active.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def etl(dtype: DataType, extension: str, content: bytes):
    """Load one file with one column in question."""
    columns = [Column("k", DataType.INTEGER), Column("x", dtype)]
    members: dict[str, Any] = {"_FILENAME": "t", "_EXTENSION": extension, "_SCHEMA_TYPE": "single"}
    members |= {"K": columns[0], "X": columns[1]}
    if extension == "xlsx":  # with one table, the pandas package can make no extractor of it
        members = {"_FILENAME": "t", "_EXTENSION": "xlsx", "_SCHEMA_TYPE": "multi"}
        members["S"] = ColumnGroup("s", columns)
    schema = type("Cells", (Schema,), members)
    manager = StatelessDataManager(SimpleETLFactory, [schema], "json", DataSource)
    upload = ("t", extension, "data:;base64," + base64.b64encode(content).decode())
    result = manager.etl_data(manager.prepare_files([upload]), "d")
    (frame,) = result.datasource.tables.values()
    codes = sorted({m.code for m in result.messages if m.code} - {"DTYPE_MISMATCH"})
    return {"x": [row[1] for row in rows(frame)["rows"]], "codes": codes}
