"""Damaged files give a clear error or the values that Python's csv module finds in them."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.errors import FileContentError
from algomancy_data.extractor import DataTypeConverter
from algomancy_data.schema import DataType

MESSY = Path(__file__).parents[2] / "data" / "messy"
SEEDS = [path.read_bytes() for path in sorted(MESSY.glob("*.csv"))]
FIELDS = st.one_of(
    st.sampled_from(["", "1", "-2.5", "1,5", "x", 'a "b"', "two\nlines", "two\r\nlines", "se;mi"]),
    st.sampled_from([" ", "NA", "true", "2024-01-05", "é", "\u2028", "1e400", "9007199254740993"]),
)
ROWS = st.lists(st.lists(FIELDS, min_size=3, max_size=3), max_size=6)
PIECES = st.one_of(
    st.sampled_from(
        [b'"', b";", b"\n", b"\r", b"\r\n", b"\x00", b"\xff", b'""', b";;", b"sep=;\n"]
    ),
    st.binary(max_size=4),
)
# Where, how many bytes to take away, and what to put there.
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6), PIECES), min_size=1, max_size=4)
TYPED = {
    "column 0": DataType.INTEGER,
    "id": DataType.INTEGER,
    "column 1": DataType.FLOAT,
    "amount": DataType.FLOAT,
    "column 2": DataType.BOOLEAN,
    "departure": DataType.DATETIME,
}


@st.composite
def valid_files(draw) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(
        buffer,
        delimiter=";",
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    )
    writer.writerows([["column 0", "column 1", "column 2"], *draw(ROWS)])
    return buffer.getvalue().encode()


def damaged(content: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for place, length, piece in edits:
        start = int(place * len(content))
        content = content[:start] + piece + content[start + length :]
    return content


def rows_of_csv_module(content: bytes) -> list[list[str]] | None:
    """Return the records, or None if the module refuses the file or reads it by other rules."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if re.search(r"\r(?!\n)", text):
        return None  # to the module every \r ends a line, to us it depends on the file
    if re.match(r'"?sep=', text.lstrip()):
        return None
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True))
    except csv.Error:
        return None
    if any(len(row) == 1 and not row[0].strip(" \t") for row in rows):
        return None  # a blank line, or one quoted field of spaces: the module does not tell
    return rows


def check(extractor, content: bytes) -> None:
    frame, message = None, ""
    try:
        frame = extractor(content, {"none of them": DataType.STRING}).extract()["t"]
    except FileContentError as error:
        message = str(error)
    if frame is None:
        assert "'t'" in message
        return
    rows = rows_of_csv_module(content)
    if rows is not None:
        start = next(number for number, row in enumerate(rows) if row)
        header, *body = [row for row in rows[start:] if row or frame.width == 1]
        assert frame.width == len(header)
        assert frame.columns[0] == (header[0] or "Unnamed: 0")
        assert frame.fill_null("").rows() == [
            (*row, *[""] * (len(header) - len(row))) for row in body
        ]
    first = frame.columns[0]  # declared, so that the separator is in no doubt
    types = TYPED | {first: TYPED.get(first, DataType.STRING)}
    typed = extractor(content, types).extract()["t"]
    assert typed.equals(DataTypeConverter.convert_dtypes(frame, types), null_equal=True)


@given(valid_files())
def test_valid_files(extractor, content) -> None:
    check(extractor, content)


QUOTED = st.sampled_from(['"x"', '""', '5" p', 'a "b"', "x", '"q;q"', '"l\nl"', 'z"', '"a""b"', ""])


@given(st.lists(st.tuples(QUOTED, QUOTED), max_size=12), st.sampled_from([0, 30]))
def test_quotes_anywhere(extractor, records, more) -> None:
    lines = ["a;b", *map(";".join, records), *["1;2"] * more]
    check(extractor, "".join(f"{line}\n" for line in lines).encode())


@given(valid_files(), EDITS)
def test_damaged_files(extractor, content, edits) -> None:
    check(extractor, damaged(content, edits))


@given(st.sampled_from(SEEDS), EDITS)
def test_damaged_messy_files(extractor, content, edits) -> None:
    check(extractor, damaged(content, edits))


@given(st.text('ab1;"\n\r, \x00é', max_size=40))
def test_structural_characters(extractor, text) -> None:
    check(extractor, text.encode())


@given(st.binary(max_size=80))
def test_any_bytes(extractor, content) -> None:
    check(extractor, content)
