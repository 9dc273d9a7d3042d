"""The header of a CSV file: the names of its columns."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from algomancy_data.errors import FileContentError, ReadLimitError
from algomancy_data.frames.column_names import unique_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algomancy_data.extractor.csv.content import CSVContent
    from algomancy_data.extractor.csv.layout import CSVLayout, Record

_SEPARATORS: Final = (",", ";", "\t", "|")
_FIRST_READ: Final = 1 << 16
_MAX_HEADER: Final = 1 << 24
_EXCEL_HINT: Final = re.compile(rb'"?sep=(.)"?\r?')


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


def read_header(content: CSVContent, layout: CSVLayout) -> CSVHeader:
    """Read the first record that is neither blank nor Excel's ``sep=;``.

    Raises:
        FileContentError: There is none, its quotes are unclear, or it is endless.
    """
    record = _first_record(content, layout)
    if record is None:
        msg = f"File {layout.file_name!r} has no header: it is empty."
        raise FileContentError(msg)
    written = _texts(content, layout, record)
    lines = record.line + sum(field.count(layout.line_end.encode()) for field in record.fields)
    return CSVHeader(written, record.end, lines)


def without_header(content: CSVContent, layout: CSVLayout, names: Sequence[str]) -> CSVHeader:
    """Return the columns of a file that does not name them.

    Raises:
        FileContentError: The first line declares another separator.
    """
    hint = _excel_hint(content.start(), layout)
    return CSVHeader(tuple(names), hint, lines=1 if hint else 0)


def check_separator(content: CSVContent, layout: CSVLayout, declared: Sequence[str]) -> None:
    """Refuse a file that becomes one column, where another separator gives those declared.

    Raises:
        FileContentError: Naming the separator that fits.
    """
    record = _first_record(content, layout)
    if record is None or len(record.fields) > 1 or len(declared) <= 1:
        return
    if _texts(content, layout, record)[0] in declared:
        return
    for separator in _SEPARATORS:
        other = replace(layout, separator=separator)
        try:
            candidate = _first_record(content, other)
        except FileContentError:
            continue
        if candidate is None or len(candidate.fields) == 1:
            continue
        names = set(_texts(content, other, candidate))
        if names & set(declared) or len(candidate.fields) == len(declared):
            msg = (
                f"File {layout.file_name!r} has one column with the separator "
                f"{layout.separator!r}, but its schema declares {len(declared)}. The separator "
                f"{separator!r} fits: declare _CSV = CSVDialect(separator={separator!r})."
            )
            raise FileContentError(msg)


def _texts(content: CSVContent, layout: CSVLayout, record: Record) -> tuple[str, ...]:
    try:
        return tuple(layout.text(field) for field in record.fields)
    except UnicodeDecodeError:
        content.check_utf8()
        raise  # pragma: no cover  check_utf8 has found the same bytes


def _first_record(content: CSVContent, layout: CSVLayout) -> Record | None:
    """Return the first record that is neither blank nor ``sep=;``.

    Raises:
        ReadLimitError: It has more fields than a limit allows.
    """
    _check_plain_width(content, layout)
    most = content.limits.columns
    size = _FIRST_READ
    hint = _excel_hint(content.start(size), layout)
    while True:
        start = content.start(size)
        # The last byte of a larger file may cut a record: read on until one ends before it.
        complete = len(start) < size - 3
        try:
            for record in layout.records(start, most_fields=most):
                if most is not None and len(record.fields) > most:
                    found = f"has more than {most:,} columns"
                    raise ReadLimitError.from_found(layout.file_name, found, "columns", most)
                if not complete and record.end >= len(start):
                    break
                if record.end > hint:
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


def _check_plain_width(content: CSVContent, layout: CSVLayout) -> None:
    """Refuse a long first line without quotes by a count, before its fields are taken apart."""
    end = layout.line_end.encode()
    start = content.start(_FIRST_READ)
    if end in start[layout.skip_blank(start) :]:
        return  # that is short
    start = content.start(_MAX_HEADER)
    line = start[layout.skip_blank(start) :].partition(end)[0]
    if layout.quote is None or layout.quote.encode() not in line:
        columns = line.count(layout.separator.encode()) + 1
        content.limits.check_shape(layout.file_name, 0, columns)


def _excel_hint(start: bytes, layout: CSVLayout) -> int:
    """Return where the line ``sep=;`` ends that Excel understands; 0 if there is none.

    Raises:
        FileContentError: It names another separator than the layout.
    """
    first, end, _ = start.partition(layout.line_end.encode())
    match = _EXCEL_HINT.fullmatch(first)
    if match is None:
        return 0
    hinted = match[1].decode(errors="replace")
    if hinted != layout.separator:
        msg = (
            f"File {layout.file_name!r} says in its first line that the separator is {hinted!r}, "
            f"but it is read with {layout.separator!r}: "
            f"declare _CSV = CSVDialect(separator={hinted!r})."
        )
        raise FileContentError(msg)
    return len(first) + len(end)
