"""Whether the quotes of a CSV file are clear: around whole fields, and inside no other field.

The reader makes something of unclear quotes as well: it drops a digit of ``"12345`` at the end of a
file that was cut off, and the inner quotes of ``"a"b"c"``. So all quotes are looked at first, as
columns of bytes, in a tenth of the time that reading takes. Where they are clear, the first, third,
fifth … quote opens a field and stands at its beginning, and each other one closes a field and
stands at its end; two in a row inside of a field close it and open it again.
"""

from __future__ import annotations

import contextlib
import functools
import mmap
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.extractor.csv.shape import lines_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from algomancy_data.extractor.csv.content import CSVContent
    from algomancy_data.extractor.csv.layout import CSVLayout

_PIECE: Final = 1 << 22
# What is shorter has been looked at before pyarrow is imported.
_SHORT: Final = 1 << 16
_CARRIAGE_RETURN: Final = ord("\r")


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
