"""The separator and the quote of a CSV file: those with which its records have one width."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from algomancy_data.errors import FileContentError
from algomancy_data.extractor.csv.layout import CSVLayout

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEPARATORS: Final = (",", ";", "\t", "|", ":", "^", "~")
_RECORDS: Final = 300
# A separator gives this share of the records as many fields as the header has.
_ALIKE: Final = 0.5
# A header of one field above wider records: a title, which the extractor refuses.
_BELOW_A_TITLE: Final = 0.9
_EXCEL_HINT: Final = re.compile(rb'\A"?sep=(.)"?\r?[\n\r]')
_ENCLOSED: Final = re.compile(rb'(?:\A|[,;\t|\r\n])"[^"\r\n]*"(?=[,;\t|\r\n]|\Z)')
# The only quote opens the last field.
_CUT_OFF: Final = re.compile(rb'\A(?:[^"]*[,;\t|\r\n])?"[^"\r\n]*[\r\n]*\Z')
_NUMBERS: Final = re.compile(rb"\A[^\r\n]*(?:[\r\n]+[-+0-9.,]+)*[\r\n]*\Z")


@dataclass(frozen=True)
class Characters:
    """What structures a CSV file.

    Args:
        separator: The character between two fields.
        quote: The character around fields, or None.
    """

    separator: str
    quote: str | None = '"'


@dataclass(frozen=True)
class _Widths:
    """How many fields the records have: of the first one, and of the others."""

    first: int
    others: Counter[int]

    @property
    def fit(self) -> float:
        """The share of the records that have the width of the first one, if that is any."""
        if self.first <= 1:
            return 0.0
        return (self.others[self.first] + 1) / (self.others.total() + 1)

    @property
    def fit_below(self) -> float:
        """The share of the other records that have their usual width, if that is any."""
        usual, count = max(self.others.items(), key=lambda item: item[1], default=(1, 0))
        return count / self.others.total() if usual > 1 and len(self.others) else 0.0


def find_characters(start: bytes, line_end: str, *, complete: bool) -> Characters:
    r"""Return the characters that structure a file.

    Args:
        start: Its beginning as UTF-8, without a byte order mark.
        line_end: The character that ends its lines.
        complete: That is all of the file.

    Example:
        >>> find_characters(b"id;amount\n1;1,5\n2;0,25\n", "\n", complete=True)
        Characters(separator=';', quote='"')
    """
    hint = _EXCEL_HINT.match(start)
    separators = _SEPARATORS
    if hint is not None:
        separators, start = (hint[1].decode(errors="replace"),), start[hint.end() :]
    quotes = _quotes(start)
    # Where no other quote is possible, the extractor says best what is wrong with this one.
    strict = complete and len(quotes) > 1
    found = {
        Characters(separator, quote): _widths(
            start, CSVLayout("", separator, quote, line_end), complete=complete, strict=strict
        )
        for quote in quotes
        for separator in separators
        if separator.encode() in start
    }
    found = found or {Characters(separators[0]): _Widths(1, Counter())}
    if not complete and not any(widths.first for widths in found.values()):
        # The first line is longer than what is looked at.
        return Characters(max(separators, key=lambda letter: start.count(letter.encode())))
    # Of equal ones the first: "max" keeps the order of the candidates.
    best = max(found, key=lambda characters: (found[characters].fit, found[characters].first))
    if found[best].fit > _ALIKE or hint is not None:
        return best
    if not _NUMBERS.match(start):
        best = max(found, key=lambda characters: found[characters].fit_below)
        if found[best].fit_below >= _BELOW_A_TITLE:
            return best
    absent = [separator for separator in _SEPARATORS if separator.encode() not in start]
    return Characters((absent or _SEPARATORS)[0])


def _widths(start: bytes, layout: CSVLayout, *, complete: bool, strict: bool) -> _Widths:
    widths: list[int] = []
    try:
        widths += islice(_whole_widths(start, layout, complete=complete), _RECORDS)
    except FileContentError:
        if strict:
            return _Widths(0, Counter())
    return _Widths(widths[0] if widths else 0, Counter(widths[1:]))


def _whole_widths(start: bytes, layout: CSVLayout, *, complete: bool) -> Iterator[int]:
    """Give the widths of the records that are certain to end before the beginning does."""
    for record in layout.records(start):
        if complete or record.end < len(start):
            yield len(record.fields)


def _quotes(start: bytes) -> tuple[str | None, ...]:
    """Return the quotes to try: others than double ones only where those mean nothing."""
    if b'"' in start:
        clear = _ENCLOSED.search(start) or _CUT_OFF.match(start)
        return ('"',) if clear else ('"', None)
    opened = len(re.findall(rb"(?:\A|[,;\t|\r\n])'", start))
    closed = len(re.findall(rb"'(?=[,;\t|\r\n]|\Z)", start))
    return ("'", '"') if opened and opened == closed else ('"',)
