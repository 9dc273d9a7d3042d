"""Which records of a CSV file are blank lines, and which have too few fields.

The reader turns both into nulls without a word. Either ends in a null, so a table whose last
column has none needs no closer look.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.errors import FileContentError

if TYPE_CHECKING:
    from pathlib import Path

    from algomancy_data.extractor.csv_layout import CSVLayout

_NO_ROWS: Final = pl.Series("short", [], pl.UInt32)
# A character that no text has, so that each line becomes one field.
_UNIT_SEPARATOR: Final = "\x1f"


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
    lines = lines_of(source, layout)
    if lines is None or len(lines) - header_lines != frame.height:
        blank, short = _from_records(frame, source, layout, header_lines)
        blank, short = blank.filter(ends_in_null), short.filter(ends_in_null)
    else:
        blank, short = _from_lines(lines.slice(header_lines).filter(ends_in_null), frame, layout)
    rows = ends_in_null.arg_true()
    short_rows = rows.filter(short)
    if not blank.any():
        return CSVShape(None, short_rows)
    kept = ~pl.int_range(frame.height, dtype=pl.UInt32, eager=True).is_in(
        rows.filter(blank).implode()
    )
    return CSVShape(kept, kept.cum_sum().gather(short_rows) - 1)


def lines_of(source: Path | bytes, layout: CSVLayout) -> pl.Series | None:
    """Return the lines of a file, null for blank ones; None if it contains the unit separator."""
    try:
        frame = pl.read_csv(
            source,
            has_header=False,
            separator=_UNIT_SEPARATOR,
            quote_char=None,
            eol_char=layout.line_end,
            infer_schema=False,
            glob=False,
        )
    except (PolarsError, PanicException):
        return None
    return frame.to_series() if frame.width == 1 else None


def _from_lines(
    lines: pl.Series, frame: pl.DataFrame, layout: CSVLayout
) -> tuple[pl.Series, pl.Series]:
    """Return which lines are blank and which are short, if each record is one line."""
    white = " \t\r".replace(layout.separator, "")
    text = lines.fill_null("")
    blank = text.str.strip_chars(white) == ""
    if layout.quote is not None and text.str.contains(layout.quote, literal=True).any():
        quote = re.escape(layout.quote)
        text = text.str.replace_all(f"{quote}(?:[^{quote}]|{quote}{quote})*{quote}", "")
    separators = text.str.count_matches(layout.separator, literal=True)
    return blank, (separators < frame.width - 1) & ~blank


def _from_records(
    frame: pl.DataFrame, source: Path | bytes, layout: CSVLayout, header_lines: int
) -> tuple[pl.Series, pl.Series]:
    """Return which rows are blank and which are short, record by record."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    records = [
        (record.is_blank, len(record.fields) < frame.width)
        for record in layout.records(data)
        if record.line > header_lines
    ]
    if len(records) != frame.height:
        msg = (
            f"File {layout.file_name!r} has {len(records)} records, but {frame.height} were read: "
            f"its quotes are unclear. Put every field that contains a quote in quotes."
        )
        raise FileContentError(msg)
    blank = pl.Series("blank", [is_blank for is_blank, _ in records], pl.Boolean)
    short = pl.Series("short", [is_short for _, is_short in records], pl.Boolean)
    return blank, short & ~blank
