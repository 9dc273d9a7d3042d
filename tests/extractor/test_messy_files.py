"""What the files in tests/data/messy become: a frame with its messages, or a clear refusal."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import NamedTuple

import pytest

from algomancy_data.errors import FileContentError
from algomancy_data.schema import CSVDialect, DataType

FOLDER = Path(__file__).parents[1] / "data" / "messy"
STRING, INTEGER, FLOAT = DataType.STRING, DataType.INTEGER, DataType.FLOAT
BOOLEAN, DATETIME = DataType.BOOLEAN, DataType.DATETIME

FLIGHTS = {"flight": STRING, "airport": STRING, "departure": DATETIME, "delay": FLOAT}
FLIGHT_ROWS = [
    ("0017", "Genève", dt.datetime(2024, 12, 31, 10, 30), 1.5),
    ("0018", "Zürich; Kloten", None, None),
]
PEOPLE = {"id": INTEGER, "name": STRING}
SALES = {"id": INTEGER, "name": STRING, "amount": FLOAT}
NOTES = {"id": INTEGER, "note": STRING}
AMOUNTS = {"id": INTEGER, "amount": FLOAT, "share": FLOAT}
DAYS = {"id": INTEGER, "day": DATETIME, "seen": DATETIME}
ANN_AND_BO = [(1, "Ann"), (2, "Bo")]


class Read(NamedTuple):
    """Rows that come out, and (severity, column, first rows, words) of each message."""

    types: dict[str, DataType]
    rows: list[tuple]
    messages: tuple[tuple[str, str, tuple[int, ...], str], ...] = ()
    dialect: CSVDialect = CSVDialect()
    columns: tuple[str, ...] | None = None


class Refused(NamedTuple):
    """Words of the error."""

    types: dict[str, DataType]
    words: str
    dialect: CSVDialect = CSVDialect()


FILES: dict[str, Read | Refused] = {
    # encodings
    "utf8-bom.csv": Read(FLIGHTS, FLIGHT_ROWS),
    "utf16-le-bom.txt": Read(
        FLIGHTS, FLIGHT_ROWS, dialect=CSVDialect(separator="\t", encoding="utf-16")
    ),
    "utf16-be-bom.csv": Read(FLIGHTS, FLIGHT_ROWS, dialect=CSVDialect(encoding="utf-16-be")),
    "utf16-le.csv": Read(FLIGHTS, FLIGHT_ROWS, dialect=CSVDialect(encoding="utf-16-le")),
    "utf16-be.csv": Read(FLIGHTS, FLIGHT_ROWS, dialect=CSVDialect(encoding="utf-16-be")),
    "latin1.csv": Read(FLIGHTS, FLIGHT_ROWS, dialect=CSVDialect(encoding="latin-1")),
    "one-latin1-line.csv": Refused(FLIGHTS, r"line 4: byte 99 \(0xe1\) is not UTF-8"),
    "utf8-bom-declared-latin1.csv": Refused(
        FLIGHTS, "is UTF-8 text by its .* declares latin-1", CSVDialect(encoding="latin-1")
    ),
    "gzip.csv": Read(FLIGHTS, FLIGHT_ROWS),
    "zipped.csv": Read(FLIGHTS, FLIGHT_ROWS),
    # lines
    "classic-mac.csv": Read(NOTES, [(1, "first line\nsecond line"), (2, "plain")]),
    "mixed-line-ends.csv": Read(NOTES, [(1, "unix"), (2, "windows"), (3, "mac\rinside")]),
    "quoted-newlines.csv": Read(
        {"id": INTEGER, "address": STRING, "city": STRING},
        [
            (1, "Rue du Lac 1\r\n2nd floor", "Genève"),
            (2, '"Villa" \nPark; 3', "Bern"),
            (3, None, "\r\n"),
        ],
    ),
    "no-final-newline.csv": Read(PEOPLE, ANN_AND_BO),
    "blank-lines.csv": Read(PEOPLE, ANN_AND_BO),
    "one-column.csv": Read({"id": INTEGER}, [(1,), (None,), (3,)]),
    "comment-above.csv": Refused(PEOPLE, "line 2: 2 fields, .* 1 column. Remove what stands above"),
    "comment-between.csv": Read(
        PEOPLE,
        [("1", "Ann"), ("# corrected by hand", None), ("2", "Bo")],
        (
            ("WARNING", "name", (1,), "1 row has fewer than 2 fields"),
            ("ERROR", "id", (1,), "'# corrected by hand' (row 1)"),
        ),
    ),
    "excel-sep.csv": Read(PEOPLE, [(1, "Ann")]),
    "excel-sep-comma.csv": Read(PEOPLE, [(1, "Ann")]),
    # the shape
    "trailing-separators.csv": Read(
        PEOPLE, [(1, "Ann", None), (2, "Bo", None)], columns=("id", "name", "Unnamed: 2")
    ),
    "trailing-separators-below-header.csv": Refused(
        PEOPLE, "line 2: 3 fields, .* 2 columns. Remove the ';' at the end of the line"
    ),
    "short-rows.csv": Read(
        SALES,
        [(1, "Ann", 1.5), (2, "Bo", None), (3, None, None), (4, "Dee", 2.0)],
        (("WARNING", "amount", (1, 2), "2 rows have fewer than 3 fields"),),
    ),
    "long-row.csv": Refused(SALES, "line 3: 4 fields, but there are 3 columns"),
    "comma.csv": Read(SALES, [(1, "Ann", 1.5)]),
    "tab.csv": Read(SALES, [(1, "Ann", 1.5)]),
    # the header
    "duplicate-headers.csv": Read(
        {"id": INTEGER}, [(1, "a", "b", "c")], columns=("id", "value", "value.2", "value.1")
    ),
    "empty-headers.csv": Read(
        {"name": STRING},
        [("1", "Ann", "x", "y")],
        columns=("Unnamed: 0", "name", "Unnamed: 2", "Unnamed: 3"),
    ),
    "pandas-index.csv": Read(
        {"Unnamed: 0": INTEGER, "flag": BOOLEAN, "count": INTEGER, "ratio": FLOAT},
        [(0, True, 1, 0.5), (1, None, None, None), (2, False, 3, float("inf"))],
        dialect=CSVDialect(separator=","),
    ),
    "header-only.csv": Read(SALES, []),
    "empty.csv": Refused(SALES, "has no header: it is empty"),
    "only-bom.csv": Refused(SALES, "has no header: it is empty"),
    "only-blank-lines.csv": Refused(SALES, "has no header: it is empty"),
    "really-a-workbook.csv": Refused(SALES, "is an Office document"),
    "really-html.csv": Read(
        SALES, [], columns=("<html><body><h1>503 Service Unavailable</h1></body></html>",)
    ),
    # quotes and NULs
    "nul-bytes.csv": Read({"id": INTEGER, "code": STRING}, [(1, "A\0B"), (2, "\0"), (3, "C")]),
    "quotes-in-the-middle.csv": Read(
        {"id": INTEGER, "size": STRING, "note": STRING},
        [(1, '5" pipe', 'say "hi" twice'), (2, '5" pipe', "ok"), (3, "6'", "a;b")],
    ),
    "unterminated-quote.csv": Refused(NOTES, "line 3: the quoted field .* never ends"),
    "text-after-quote.csv": Refused(NOTES, "line 2: the quoted field .* goes on after it"),
    # numbers
    "german-numbers.csv": Read(
        AMOUNTS, [(1, 1234567.89, 0.5), (2, -12.0, 1000.25), (3, 999.0, None)]
    ),
    "swiss-numbers.csv": Read(AMOUNTS, [(1, 1234567.89, 0.5), (2, -12.0, 1000.25)]),
    "french-numbers.csv": Read(
        AMOUNTS, [(1, 1234567.89, 0.5), (2, -12.0, 1000.25), (3, 7000.0, None)]
    ),
    "indian-numbers.csv": Read(AMOUNTS, [(1, 1234567.89, 0.5), (2, 100000.0, -7.0)]),
    "ambiguous-numbers.csv": Read(
        AMOUNTS,
        [(1, 1.234, 2500.0), (2, 5.678, 0.5)],
        (("WARNING", "amount", (0, 1), "read with a decimal comma"),),
    ),
    "report-numbers.csv": Read(
        AMOUNTS,
        [(1, "€ 5.00", "5%"), (2, "7.00", "7%")],
        (
            ("ERROR", "amount", (0,), "'€ 5.00' (row 0). A currency is no part of a number"),
            ("ERROR", "share", (0, 1), "A percent sign is no part of a number"),
        ),
    ),
    "sap-negatives.csv": Read(
        AMOUNTS,
        [(1, "5.00-", "(5)"), (2, "7.00", "7")],
        (
            ("ERROR", "amount", (0,), "minus sign in front"),
            ("ERROR", "share", (0,), "minus sign in front"),
        ),
    ),
    "typographic-minus.csv": Read(AMOUNTS, [(1, -5.0, 1.0), (2, 7.0, -0.5)]),
    "large-ids.csv": Read(
        AMOUNTS,
        [
            (9007199254740993, "9007199254740993", "1e3"),
            (9223372036854775807, "2", "12345678901234567890123"),
        ],
        (
            ("ERROR", "amount", (0,), "more digits than FLOAT can hold"),
            ("ERROR", "share", (1,), "more digits than FLOAT can hold"),
        ),
    ),
    "too-large-ids.csv": Read(
        AMOUNTS,
        [("9223372036854775808", 1.0, 2.0), ("5", 1.0, 2.0)],
        (("ERROR", "id", (0,), "not a whole number of at most 64 bits"),),
    ),
    # dates and words
    "day-first.csv": Read(
        DAYS,
        [
            (1, dt.datetime(2024, 2, 1), "2024-02-01"),
            (2, dt.datetime(2024, 2, 28), "2024-02-28 24:00"),
        ],
        (("ERROR", "seen", (1,), "Write 24:00 as 00:00 of the next day."),),
    ),
    "ambiguous-days.csv": Read(
        DAYS,
        [
            (1, dt.datetime(2024, 1, 2), dt.datetime(2024, 2, 1, 9, tzinfo=dt.UTC)),
            (2, dt.datetime(2024, 3, 4), dt.datetime(2024, 2, 1, 10, tzinfo=dt.UTC)),
        ],
        (("WARNING", "day", (0, 1), "read with the month before the day"),),
    ),
    "two-digit-years.csv": Read(
        DAYS,
        [(1, "01/02/24", "31.12.99")],
        (
            ("ERROR", "day", (0,), "Write years with four digits."),
            ("ERROR", "seen", (0,), "Write years with four digits."),
        ),
    ),
    "null-words.csv": Read(SALES, [(1, "NA", None), (None, "null", None), (None, "", None)]),
    "yes-no.csv": Read(
        {"id": INTEGER, "paid": BOOLEAN, "sent": BOOLEAN},
        [(1, "Ja", True), (2, "nee", False)],
        (("ERROR", "paid", (0, 1), "'Ja' (row 0), 'nee' (row 1)"),),
    ),
}


def test_every_file_is_tested() -> None:
    assert sorted(FILES) == sorted(path.name for path in FOLDER.iterdir() if path.suffix != ".md")


@pytest.mark.parametrize("name", [n for n, case in FILES.items() if isinstance(case, Read)])
def test_a_messy_file_is_read(extractor, name) -> None:
    case = FILES[name]
    assert isinstance(case, Read)
    instance = extractor((FOLDER / name).read_bytes(), case.types, case.dialect)
    frame = instance.extract()["t"]
    assert tuple(frame.columns) == (case.columns or tuple(case.types))
    assert frame.rows() == case.rows
    issues = instance.conversion_issues
    found = tuple((str(issue.severity), issue.column, issue.rows) for issue in issues)
    assert found == tuple(message[:3] for message in case.messages)
    for issue, (*_, words) in zip(issues, case.messages, strict=True):
        assert words in issue.reason
    undone = {issue.column for issue in issues if issue.severity == "ERROR"}
    for column, target in case.types.items():
        if column in frame.columns and column not in undone:
            zone = getattr(frame[column].dtype, "time_zone", None)
            assert zone is not None or target.accepts(frame[column].dtype)


@pytest.mark.parametrize("name", [n for n, case in FILES.items() if isinstance(case, Refused)])
def test_a_messy_file_is_refused(extractor, name) -> None:
    case = FILES[name]
    assert isinstance(case, Refused)
    with pytest.raises(FileContentError, match=case.words) as caught:
        extractor((FOLDER / name).read_bytes(), case.types, case.dialect).extract()
    assert "'t'" in str(caught.value)
