"""What the reader makes of a CSV file without a word: unclear quotes, blank lines, short records.

It drops a digit of ``"12345`` at the end of a file that was cut off, and the inner quotes of
``"a"b"c"``. So all quotes are looked at before it reads, as columns of bytes, in a tenth of the
time that reading takes. Where they are clear, the first, third, fifth … quote opens a field and
stands at its beginning, and each other one closes a field and stands at its end; two in a row
inside of a field close it and open it again.

It turns blank lines, and the fields that a record lacks, into nulls. Either ends in a null, so a
table whose last column has none needs no closer look.
"""

from __future__ import annotations

import contextlib
import functools
import mmap
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.display.words import counted
from algomancy_data.errors import FileContentError

if TYPE_CHECKING:
    from collections.abc import Generator

    from algomancy_data.extractor.csv.content import CSVContent
    from algomancy_data.extractor.csv.layout import CSVLayout

_NO_ROWS: Final = pl.Series("short", [], pl.UInt32)
# Characters that hardly a text has, so that each line becomes one field.
_ODD_SEPARATORS: Final = ("\x1f", "\x1e", "\x01")
_PIECE: Final = 1 << 22
# What is shorter has been looked at before pyarrow is imported.
_SHORT: Final = 1 << 16
_CARRIAGE_RETURN: Final = ord("\r")


@dataclass(frozen=True)
class CSVShape:
    """Which rows of a frame to keep, and which were padded.

    Args:
        kept: Boolean column: False for blank lines. None if there are none.
        short_rows: Row numbers, among the rows kept, of those with too few fields.
    """

    kept: pl.Series | None
    short_rows: pl.Series


def find_shape(
    frame: pl.DataFrame, source: Path | bytes, layout: CSVLayout, header_lines: int
) -> CSVShape:
    """Compare a frame with the lines that it was read from.

    In a file with one column, a blank line is a row: it is the only way to write "no value".

    Args:
        frame: The frame as the reader returned it.
        source: What it was read from, UTF-8.
        layout: The characters that structure the file.
        header_lines: How many lines there are above the first record.

    Raises:
        FileContentError: Lines and rows cannot be matched, since quotes are unclear.
    """
    if frame.width == 1 or frame.to_series(-1).null_count() == 0:
        return CSVShape(None, _NO_ROWS)
    ends_in_null = frame.to_series(-1).is_null()
    height = frame.height + header_lines
    lines = lines_of(source, layout)
    if lines is None or len(lines) != height:
        lines = lines_of(_without_quoted(source, layout), layout)
    if lines is None or len(lines) != height:
        found = "unreadable" if lines is None else len(lines) - header_lines
        records = counted(frame.height, "record was", "records were")
        msg = (
            f"File {layout.file_name!r}: {records} read, but its lines are {found}. Put every "
            f"field that contains a quote in quotes."
        )
        raise FileContentError(msg)
    blank, short = _from_lines(lines.slice(header_lines).filter(ends_in_null), frame, layout)
    rows = ends_in_null.arg_true()
    short_rows = rows.filter(short)
    if not blank.any():
        return CSVShape(None, short_rows)
    kept = ~pl.int_range(frame.height, dtype=pl.UInt32, eager=True).is_in(
        rows.filter(blank).implode()
    )
    return CSVShape(kept, kept.cum_sum().gather(short_rows) - 1)


class Line(NamedTuple):
    """A line of a file.

    Args:
        number: How many lines there are between the header and it.
        text: The line without its end.
    """

    number: int
    text: str


def find_wide_line(
    source: Path | bytes, layout: CSVLayout, width: int, header_lines: int
) -> Line | None:
    """Return the first line with too many fields; None if there is none, or records have several.

    Args:
        source: UTF-8 with clear quotes.
        layout: The characters that structure it.
        width: How many columns there are.
        header_lines: How many lines there are above the first record.
    """
    lines = lines_of(source, layout)
    if lines is None:
        return None
    lines = lines.slice(header_lines).fill_null("")
    if layout.quote and (lines.str.count_matches(layout.quote, literal=True) % 2 != 0).any():
        return None
    wide = (_separators(lines, layout) >= width).arg_true()
    return None if wide.is_empty() else Line(wide[0], lines[wide[0]])


def lines_of(source: Path | bytes, layout: CSVLayout) -> pl.Series | None:
    """Return the lines of a file, null for blank ones; None if it has all odd separators."""
    for separator in _ODD_SEPARATORS:
        try:
            frame = pl.read_csv(
                source,
                has_header=False,
                separator=separator,
                quote_char=None,
                eol_char=layout.line_end,
                infer_schema=False,
                glob=False,
            )
        except (PolarsError, PanicException):
            continue
        if frame.width == 1:
            return frame.to_series()
    return None


def _without_quoted(source: Path | bytes, layout: CSVLayout) -> bytes:
    """Return content with clear quotes with a letter in place of each quoted field."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    quoted = _quoted(layout.quote or "")
    letter = "x" if layout.separator != "x" else "y"
    return str(pl.Series([data.decode()]).str.replace_all(quoted, letter)[0]).encode()


def _quoted(quote: str) -> str:
    quote = re.escape(quote)
    return f"{quote}(?:[^{quote}]|{quote}{quote})*{quote}"


def _separators(lines: pl.Series, layout: CSVLayout) -> pl.Series:
    """Return how many separators outside of quotes each line has."""
    if layout.quote is not None and lines.str.contains(layout.quote, literal=True).any():
        lines = lines.str.replace_all(_quoted(layout.quote), "")
    return lines.str.count_matches(layout.separator, literal=True)


def _from_lines(
    lines: pl.Series, frame: pl.DataFrame, layout: CSVLayout
) -> tuple[pl.Series, pl.Series]:
    """Return which lines are blank and which are short, if each record is one line."""
    white = " \t\r".replace(layout.separator, "")
    text = lines.fill_null("")
    blank = text.str.strip_chars(white) == ""
    return blank, (_separators(text, layout) < frame.width - 1) & ~blank


# --- quotes: around whole fields, and inside no other field ----------------------------------


@dataclass(frozen=True)
class CSVQuotes:
    """The quotes of a CSV file.

    Args:
        content: The content.
        layout: The characters that structure it.
        start: Where the records begin.
        lines: How many lines there are before them.
    """

    content: CSVContent
    layout: CSVLayout
    start: int
    lines: int

    def are_clear(self) -> bool:
        """Tell whether each field is quoted as a whole, or has no quote at all."""
        if self.layout.quote is None:
            return True
        with _opened(self.content) as data:
            start = self.start + self.content.mark_length
            if data.find(self.layout.quote.encode(), start) < 0:
                return True
            look = _are_clear_in_short if len(data) - start < _SHORT else _are_clear
            return look(data, start, self.layout)

    def cleared(self, width: int) -> bytes | None:
        """Return the records with quotes around each field that has one inside.

        None if the content cannot be taken apart into lines.

        Args:
            width: How many fields a record may have, from the first one on that has several lines.

        Raises:
            FileContentError: A quoted field never ends, or has text after its closing quote.
        """
        lines = lines_of(self.content.source, self.layout)
        if lines is None or self.layout.quote is None:
            return None
        lines = lines.slice(self.lines).fill_null("")
        quote, separator = re.escape(self.layout.quote), re.escape(self.layout.separator)
        quoted = rf"{quote}(?:[^{quote}]|{quote}{quote})*{quote}"
        unquoted = rf"[^{quote}{separator}\r][^{separator}\r]*"
        field = rf"(?:{quoted}|{unquoted}|)"
        is_record = lines.str.contains(rf"\A(?:{field}{separator})*{field}\r?\z")
        others = (~is_record).arg_true()
        count = len(lines) if others.is_empty() else others[0]
        records = lines.head(count)
        unclear = records.str.contains(rf"(?:\A|{separator})[^{quote}{separator}]+{quote}")
        pieces = records.filter(unclear).str.extract_all(rf"{quoted}|{unquoted}|{separator}|\r")
        cleared = pieces.list.eval(_cleared(pl.element(), self.layout.quote)).list.join("")
        body = self._joined(records.scatter(unclear.arg_true(), cleared))
        if count == len(lines):
            return body
        # As it is in the file: a line of the reader has lost its CR, which a quoted field keeps.
        rest = self._from_line(self.lines + count)
        return body + self.layout.repair(rest, width, self.lines + count + 1)

    def _from_line(self, number: int) -> bytes:
        """Return the content from a line on, counted from 0."""
        data = self.content.read()
        ends = (_values(data) == ord(self.layout.line_end)).arg_true()
        return data[ends[number - 1] + 1 :] if number else data

    def _joined(self, lines: pl.Series) -> bytes:
        end = self.layout.line_end
        return f"{lines.str.join(end)[0]}{end}".encode() if len(lines) else b""


@contextlib.contextmanager
def _opened(content: CSVContent) -> Generator[bytes | mmap.mmap]:
    if not isinstance(content.source, Path):
        yield content.source
        return
    with (
        content.source.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        yield data


def _cleared(field: pl.Expr, quote: str) -> pl.Expr:
    doubled = field.str.replace_all(quote, 2 * quote, literal=True)
    is_unclear = field.str.contains(quote, literal=True) & ~field.str.starts_with(quote)
    return pl.when(is_unclear).then(pl.lit(quote) + doubled + quote).otherwise(field)


def _are_clear_in_short(data: bytes | mmap.mmap, start: int, layout: CSVLayout) -> bool:
    quote, separator = re.escape(layout.quote or ""), re.escape(layout.separator)
    end = layout.line_end
    field = rf"(?:[^{quote}{separator}{end}]*+|{quote}(?:[^{quote}]++|{quote}{quote})*+{quote})"
    pattern = rf"(?:{field}(?:{separator}|\r?{end}))*+{field}\Z"
    return re.compile(pattern.encode()).match(data, start) is not None


def _are_clear(data: bytes | mmap.mmap, start: int, layout: CSVLayout) -> bool:
    """Tell whether all quotes are clear, looking at piece after piece."""
    end = layout.line_end.encode()
    whole = _values(data)
    count = 0
    for position in range(start, len(data), _PIECE):
        # With one byte before it and two behind it.
        behind = position + _PIECE + 2
        if position > start and behind <= len(data):
            window = whole.slice(position - 1, _PIECE + 3)
        else:
            before = data[position - 1 : position] if position > start else end
            missing = max(0, min(behind - len(data), 2))
            window = _values(before + data[position:behind] + end * missing)
        found = _clear_quotes(window, layout, count)
        if found is None:
            return False
        count += found
    return count % 2 == 0


def _values(data: bytes | mmap.mmap) -> pl.Series:
    """Return the bytes as a column, without a copy."""
    import pyarrow as pa  # noqa: PLC0415  import time that only long files have to pay

    buffers = [None, pa.py_buffer(data)]
    return pl.Series("", pa.Array.from_buffers(pa.uint8(), len(data), buffers))


def _clear_quotes(window: pl.Series, layout: CSVLayout, before: int) -> int | None:
    """Return how many quotes there are in a piece, or None if they are not clear.

    Args:
        window: The bytes of the piece, one before it and two behind it.
        layout: The characters that structure it.
        before: How many quotes there are before the piece.
    """
    length = len(window) - 3
    is_quote = window.slice(1, length) == ord(layout.quote or "")
    begins = _are_borders(window.slice(0, length).filter(is_quote), layout)
    behind = window.slice(2, length).filter(is_quote)
    ends = _are_borders(behind, layout)
    if layout.line_end == "\n":
        returns = behind == _CARRIAGE_RETURN
        if returns.any():
            ends |= returns & (window.slice(3, length).filter(is_quote) == ord("\n"))
    count = len(begins)
    opens = _alternating().slice(before % 2, count)
    closes = _alternating().slice((before + 1) % 2, count)
    return count if (begins | closes).all() and (ends | opens).all() else None


@functools.cache
def _alternating() -> pl.Series:
    """Return True for each even number, False for each odd one."""
    return pl.int_range(_PIECE + 1, dtype=pl.UInt32, eager=True) % 2 == 0


def _are_borders(neighbours: pl.Series, layout: CSVLayout) -> pl.Series:
    """Tell which neighbours of a quote are a border of its field, or another quote."""
    separator, end, quote = (
        neighbours == ord(letter)
        for letter in (layout.separator, layout.line_end, layout.quote or "")
    )
    return separator | end | quote
