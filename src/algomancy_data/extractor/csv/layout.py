"""Where the header, the records and the fields of a CSV file begin and end.

The multi-threaded reader refuses odd content without saying where it is. This module walks through
the records one by one. It is slower, so it only reads the first record, files that the reader
refused, and files that need a closer look.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from algomancy_data.display.words import counted
from algomancy_data.errors import FileContentError, ReadLimitError
from algomancy_data.frames.tabular import unique_names
from algomancy_data.schema.csv_dialect import SEPARATORS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from algomancy_data.extractor.csv.content import CSVContent

_FIRST_READ: Final = 1 << 16
_MAX_HEADER: Final = 1 << 24
_EXCEL_HINT: Final = re.compile(rb'"?sep=(.)"?\r?')


class Record(NamedTuple):
    """One record of a file.

    Args:
        line: Number from 1 of the line that it begins on.
        fields: Its fields as they stand, quotes included, the line end not.
        start: Position of its first byte.
        end: Position behind its line end.
    """

    line: int
    fields: list[bytes]
    start: int
    end: int

    @property
    def is_blank(self) -> bool:
        """Whether the line has nothing but white space."""
        return len(self.fields) == 1 and not self.fields[0].strip(b" \t\r")


@dataclass(frozen=True)
class CSVLayout:
    r"""The characters that structure a CSV file.

    Args:
        file_name: What to call the file in an error.
        separator: The character between two fields.
        quote: The character around fields, or None.
        line_end: The character that ends a line; a ``"\r"`` before ``"\n"`` belongs to it.
    """

    file_name: str
    separator: str
    quote: str | None
    line_end: str = "\n"

    @cached_property
    def _field(self) -> re.Pattern[bytes]:
        separator, end = re.escape(self.separator), re.escape(self.line_end)
        close = rf"(?P<close>{separator}|\r?{end}|\Z)"
        plain = rf"(?P<plain>[^{separator}{end}]*+)"
        if self.quote is None:
            return re.compile((plain + close).encode())
        quote = re.escape(self.quote)
        quoted = rf"(?P<quoted>{quote}(?:[^{quote}]++|{quote}{quote})*+{quote})"
        return re.compile(rf"(?:{quoted}|(?!{quote}){plain}){close}".encode())

    @cached_property
    def _blank_lines(self) -> re.Pattern[bytes]:
        end = re.escape(self.line_end)
        white = "".join(letter for letter in " \t\r" if letter not in (*end, self.separator))
        return re.compile(rf"(?:[{white}]*{end})*+".encode())

    def skip_blank(self, data: bytes, position: int = 0) -> int:
        """Return the end of the blank lines that begin here, if any.

        There may be millions of them, so nothing walks through them one by one.
        """
        match = self._blank_lines.match(data, position)
        return match.end() if match else position

    def records(
        self, data: bytes, first_line: int = 1, most_fields: int | None = None
    ) -> Iterator[Record]:
        """Walk through the records, without blank ones.

        Args:
            data: The content as UTF-8, without a byte order mark.
            first_line: Number of the line that it begins on.
            most_fields: A record with more of them is the last one, and cut there.

        Raises:
            FileContentError: A quoted field never ends, or has text after its closing quote.
        """
        separator, end = self.separator.encode(), self.line_end.encode()
        position, line = 0, first_line
        while True:
            start = self.skip_blank(data, position)
            line += data.count(end, position, start)
            if start >= len(data):
                return
            position, first_line, fields = start, line, list[bytes]()
            while True:
                match = self._field.match(data, position)
                if match is None:
                    raise self._quoting_error(data, position, line)
                field, close = match[0][: len(match[0]) - len(match["close"])], match["close"]
                position = match.end()
                if close != separator:
                    # Without a quote the \r of \r\n went into the field.
                    fields.append(field.removesuffix(b"\r") if end == b"\n" else field)
                    line += field.count(end) + 1
                    break
                line += field.count(end)
                fields.append(field)
                if most_fields is not None and len(fields) > most_fields:
                    position = len(data)
                    break
            record = Record(first_line, fields, start, position)
            if not record.is_blank:  # as white space is behind the last line end
                yield record

    def _quoting_error(self, data: bytes, position: int, line: int) -> FileContentError:
        quote = re.escape((self.quote or "").encode())
        closed = re.compile(quote + rb"(?:[^" + quote + rb"]++|" + quote * 2 + rb")*+" + quote)
        problem = "goes on after it"
        if closed.match(data, position) is None:
            problem = "never ends. Is the file cut off? If not"
        start = data[position : position + 40].decode(errors="replace")
        msg = (
            f"File {self.file_name!r}, line {line}: the quoted field that begins with {start!r} "
            f"{problem}: double each quote inside a quoted field, or declare "
            f"_CSV = CSVDialect(quote=None) if quotes have no meaning in this file."
        )
        return FileContentError(msg)

    def text(self, field: bytes) -> str:
        """Return the text of a field, without its quotes."""
        text = field.decode()
        if self.quote and text.startswith(self.quote):
            return text[1:-1].replace(self.quote * 2, self.quote)
        return text

    def enquote(self, field: bytes) -> bytes:
        """Return an unquoted field in quotes."""
        if self.quote is None:
            return field
        quote = self.quote.encode()
        return quote + field.replace(quote, quote * 2) + quote

    def repair(self, data: bytes, width: int, first_line: int) -> bytes:
        """Return the records with quotes around every field that has a quote inside.

        The reader refuses ``5" pipe`` although nothing about it is unclear.

        Args:
            data: Records as UTF-8.
            width: How many fields a record may have.
            first_line: Number of the line that they begin on.

        Raises:
            FileContentError: A record has more fields, or its quotes are unclear.
        """
        quote = None if self.quote is None else self.quote.encode()
        separator, end = self.separator.encode(), self.line_end.encode()
        pieces: list[bytes] = []
        done = 0
        for record in self.records(data, first_line):
            if len(record.fields) > width:
                raise self.width_error(record, width)
            fields = [
                self.enquote(field)
                if quote is not None and quote in field and not field.startswith(quote)
                else field
                for field in record.fields
            ]
            # In a table with one column, the blank lines before are rows.
            pieces += (data[done : record.start], separator.join(fields), end)
            done = record.end
        return b"".join((*pieces, data[done:]))

    def width_error(self, record: Record, width: int) -> FileContentError:
        """Return the error for a record with more fields than there are columns."""
        columns = "there is 1 column" if width == 1 else f"there are {width} columns"
        advice = f"Put fields that contain {self.separator!r} in quotes"
        if width == 1:
            advice = "Remove what stands above the header"
        elif len(record.fields) == width + 1 and not record.fields[-1]:
            advice = f"Remove the {self.separator!r} at the end of the line"
        msg = (
            f"File {self.file_name!r}, line {record.line}: {len(record.fields)} fields, but "
            f"{columns}. {advice}, or name every column in the header."
        )
        return FileContentError(msg)


# --- the header: the names of the columns ----------------------------------------------------


@dataclass(frozen=True)
class CSVHeader:
    """The columns of a CSV file.

    Args:
        written: The names as the file has them.
        end: Position behind the header, blank lines before it included.
        lines: Number of lines up to there.
    """

    written: tuple[str, ...]
    end: int
    lines: int

    @cached_property
    def names(self) -> list[str]:
        """The names, each one once: ``a, a, ""`` becomes ``a, a.1, Unnamed: 2``."""
        return unique_names(self.written)


def header_of(content: CSVContent, layout: CSVLayout, first: Record | None) -> CSVHeader:
    """Return the columns that the first record names.

    Raises:
        FileContentError: There is none, or it is not UTF-8.
    """
    if first is None:
        msg = f"File {layout.file_name!r} has no header: it is empty."
        raise FileContentError(msg)
    written = _texts(content, layout, first)
    lines = first.line + sum(field.count(layout.line_end.encode()) for field in first.fields)
    return CSVHeader(written, first.end, lines)


def without_header(content: CSVContent, layout: CSVLayout, names: Sequence[str]) -> CSVHeader:
    """Return the columns of a file that does not name them."""
    hint = _excel_hint(content.start(), layout)
    return CSVHeader(tuple(names), hint.end, 1) if hint else CSVHeader(tuple(names), 0, 0)


def fitting_separator(
    content: CSVContent,
    layout: CSVLayout,
    first: Record | None,
    declared: Sequence[str],
    *,
    has_header: bool,
) -> str | None:
    """Return the separator that fits a file if the layout's does not.

    A separator fits if it gives declared columns; if none does, one that gives as many as are
    declared. Else Excel's line ``sep=;`` decides, if the file begins with it.

    Args:
        content: The file.
        layout: Its characters.
        first: Its first record by these; None if there is none.
        declared: Names of the declared columns.
        has_header: Whether the first record names the columns.

    Returns:
        None if that of the layout fits, or no other does.
    """

    def fit(record: Record | None, by: CSVLayout) -> tuple[int, bool]:
        names = [] if record is None else unique_names(_texts(content, by, record))
        named = len(set(names).intersection(declared)) if has_header else 0
        return named, 1 < len(names) == len(declared)

    def fit_of(separator: str) -> tuple[int, bool]:
        other = replace(layout, separator=separator)
        try:
            return fit(first_record(content, other), other)
        except FileContentError:
            return 0, False

    if first is not None and has_header and any(name.encode() in first.fields for name in declared):
        return None  # most files
    if any(fit(first, layout)):
        return None
    hint = _excel_hint(content.start(), layout)
    if hint is not None:
        return None if hint.separator == layout.separator else hint.separator
    fits = {separator: fit_of(separator) for separator in SEPARATORS}
    best = max(fits, key=fits.__getitem__)
    return best if any(fits[best]) else None


def _texts(content: CSVContent, layout: CSVLayout, record: Record) -> tuple[str, ...]:
    try:
        return tuple(map(layout.text, record.fields))
    except UnicodeDecodeError:
        content.check_utf8()
        raise  # pragma: no cover  check_utf8 has found the same bytes


def first_record(content: CSVContent, layout: CSVLayout) -> Record | None:
    """Return the first record that is neither blank nor Excel's ``sep=;``.

    Raises:
        ReadLimitError: It has more fields than a limit allows.
        FileContentError: Its quotes are unclear, or it is endless.
    """
    start, size = content.start(_FIRST_READ), _FIRST_READ
    _check_plain_width(content, layout, start)
    most = content.limits.columns
    hint = _excel_hint(start, layout)
    begin = hint.end if hint else 0
    while True:
        # The last byte of a larger file may cut a record: read on until one ends before it.
        complete = len(start) < size - 3
        try:
            for record in layout.records(start, most_fields=most):
                if most is not None and len(record.fields) > most:
                    found = f"has more than {counted(most, 'column')}"
                    raise ReadLimitError.from_found(layout.file_name, found, "columns", most)
                if not complete and record.end >= len(start):
                    break
                if record.end > begin:
                    return record
        except ReadLimitError:
            raise
        except FileContentError:
            if complete or size >= _MAX_HEADER:
                raise
        if complete:
            return None
        if size >= _MAX_HEADER:
            msg = (
                f"File {layout.file_name!r} has a first line of more than {_MAX_HEADER >> 20} MiB. "
                f"That is no CSV file, or its line ends are missing."
            )
            raise FileContentError(msg)
        size *= 4
        start = content.start(size)


def _check_plain_width(content: CSVContent, layout: CSVLayout, start: bytes) -> None:
    """Refuse a long first line without quotes by counting, before it is split into fields."""
    end = layout.line_end.encode()
    if end in start[layout.skip_blank(start) :]:
        return  # that is short
    start = content.start(_MAX_HEADER)
    line = start[layout.skip_blank(start) :].partition(end)[0]
    if layout.quote is None or layout.quote.encode() not in line:
        columns = line.count(layout.separator.encode()) + 1
        content.limits.check_shape(layout.file_name, 0, columns)


class _ExcelHint(NamedTuple):
    """The line ``sep=;``, which Excel understands."""

    separator: str
    end: int


def _excel_hint(start: bytes, layout: CSVLayout) -> _ExcelHint | None:
    """Return the hint for Excel in the first line of a file, or None."""
    first, end, _ = start.partition(layout.line_end.encode())
    match = _EXCEL_HINT.fullmatch(first)
    if match is None:
        return None
    return _ExcelHint(match[1].decode(errors="replace"), len(first) + len(end))
