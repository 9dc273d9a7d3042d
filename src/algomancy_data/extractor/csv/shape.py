"""Which records of a CSV file are blank lines, and which have too few fields.

The reader turns both into nulls without a word. Either ends in a null, so a table whose last
column has none needs no closer look.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.errors import FileContentError

if TYPE_CHECKING:
    from pathlib import Path

    from algomancy_data.extractor.csv.layout import CSVLayout

_NO_ROWS: Final = pl.Series("short", [], pl.UInt32)
# Characters that hardly a text has, so that each line becomes one field.
_ODD_SEPARATORS: Final = ("\x1f", "\x1e", "\x01")


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
        msg = (
            f"File {layout.file_name!r}: {frame.height} records were read, but its lines are "
            f"{found}. Put every field that contains a quote in quotes."
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
