"""The dialect of a CSV file: encoding, separator, quote, header and words for "no value"."""

from __future__ import annotations

import codecs
import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.errors import FileContentError
from algomancy_data.extractor.csv.layout import CSVLayout
from algomancy_data.inference.column_types import TextTypes
from algomancy_data.inference.titles import UNNAMED
from algomancy_data.schema import DataType
from algomancy_data.schema.kinds import column_type_of
from algomancy_data.schema.types import NULL_WORDS, TextConventions
from algomancy_data.schema.types.distinct_texts import DistinctColumns
from algomancy_data.schema.types.stack import Stack, stacked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

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
_CHUNK: Final = 1 << 24
_HEAD: Final = 1 << 16
# The longer marks come first: the one of UTF-32 begins with that of UTF-16.
_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_PAGE: Final = re.compile(rb"\s*<(?:!doctype|html|\?xml)\b", re.IGNORECASE)
# An object, or a list of objects.
_JSON: Final = re.compile(rb'\s*(?P<list>\[\s*)?\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\}\s*[\],])')
# Characters that no text has.
_CONTROL: Final = re.compile(rb"[\x01-\x08\x0e-\x1a]")
_MANY_NULS: Final = 0.3
_SINGLE_BYTE: Final = ("cp1252", "latin-1")
_SAMPLE: Final = 1_000
_FIRST_YEAR: Final = 1800
_LAST_YEAR: Final = 2200
_CONVENTIONS: Final = TextConventions()
_CANDIDATES: Final = (
    *NULL_WORDS,
    "-",
    "--",
    "---",
    ".",
    "?",
    "#N/A",
    "#NA",
    "#NULL!",
    "\\N",
    "N.A.",
    "n.a.",
    "NaT",
    "Nan",
    "NONE",
    "None",
    "none",
    "Null",
    "nil",
    "(null)",
    "[null]",
    "unknown",
)
_FEW: Final = 2
_PLAIN: Final = TextConventions(null_words=())


@dataclass(frozen=True)
class Characters:
    """The characters that structure a CSV file.

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


def find_characters(
    start: bytes, line_end: str, *, complete: bool, known: str | None = None
) -> Characters:
    r"""Return the characters that structure a file.

    Args:
        start: Its beginning as UTF-8, without a byte order mark.
        line_end: The character that ends its lines.
        complete: That is all of the file.
        known: The separator, if that is known.

    Example:
        >>> find_characters(b"id;amount\n1;1,5\n2;0,25\n", "\n", complete=True)
        Characters(separator=';', quote='"')
    """
    hint = _EXCEL_HINT.match(start)
    separators = _SEPARATORS
    if hint is not None:
        separators, start = (hint[1].decode(errors="replace"),), start[hint.end() :]
    if known is not None:
        separators = (known,)
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
    if found[best].fit > _ALIKE or hint is not None or known is not None:
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
    """Yield the widths of the records that are certain to be complete."""
    for record in layout.records(start):
        if complete or record.end < len(start):
            yield len(record.fields)


def _quotes(start: bytes) -> tuple[str | None, ...]:
    """Return the quotes to try: others than double ones only if those mean nothing."""
    if b'"' in start:
        clear = _ENCLOSED.search(start) or _CUT_OFF.match(start)
        return ('"',) if clear else ('"', None)
    opened = len(re.findall(rb"(?:\A|[,;\t|\r\n])'", start))
    closed = len(re.findall(rb"'(?=[,;\t|\r\n]|\Z)", start))
    return ("'", '"') if opened and opened == closed else ('"',)


def find_encoding(source: Path | bytes, name: str) -> tuple[str, list[str]]:
    r"""Return the encoding of a file, and notes on it.

    Args:
        source: The plain content.
        name: Name of the file, for errors.

    Raises:
        FileContentError: The file is empty, an HTML or XML page, or JSON.

    Example:
        >>> find_encoding("id;city\n1;Genève\n".encode(), "cities")
        ('utf-8', [])
        >>> find_encoding("id;city\n1;Genève\n".encode("latin-1"), "cities")
        ('cp1252', ['The encoding is a guess: not all of the file is UTF-8.'])
    """
    head = _head(source)
    if not head:
        msg = f"File {name!r} is empty. Give a file that has at least a header."
        raise FileContentError(msg)
    page = _PAGE.match(head)
    if page is not None:
        msg = f"File {name!r} is no CSV table: it begins with {page[0].decode()!r}, as a page does."
        raise FileContentError(msg)
    json = _JSON.match(head.removeprefix(codecs.BOM_UTF8))
    if json is not None:
        suffix = ".json" if json["list"] else ".json, or .ndjson if each line is a record"
        msg = f"File {name!r} is no CSV table but JSON. Give it a name that ends in {suffix}."
        raise FileContentError(msg)
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding, []
    if head.count(b"\x00") > len(head) * _MANY_NULS:
        # Of two bytes of UTF-16 the higher one is mostly zero; it comes second if LE.
        ends = "le" if head[1::2].count(b"\x00") > head[::2].count(b"\x00") else "be"
        return f"utf-16-{ends}", []
    guesses = () if _CONTROL.search(head) else _SINGLE_BYTE
    for encoding in ("utf-8", *guesses):
        if _is(source, encoding):
            guess = "The encoding is a guess: not all of the file is UTF-8."
            return encoding, [] if encoding == "utf-8" else [guess]
    return "utf-8", []  # it is binary, which the extractor says best


def _head(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:_HEAD]
    with source.open("rb") as stream:
        return stream.read(_HEAD)


def _is(source: Path | bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    stream = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with stream:
        try:
            while chunk := stream.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def has_header(texts: pl.DataFrame) -> bool:
    """Tell whether the first row is a header, and not values like those below.

    Where a column holds numbers or dates, a name is none; years in a row may be names. Where all
    columns are text, a name does not occur below itself.

    Args:
        texts: The records below the first one, as columns of dtype String named by that one.

    Example:
        >>> has_header(pl.DataFrame({"id": ["1"], "name": ["Ann"]}))
        True
        >>> has_header(pl.DataFrame({"1": ["2"], "Ann": ["Bo"]}))
        False
    """
    names = texts.columns
    if not texts.height or _are_years(names):
        return True
    sample = texts.head(_SAMPLE)
    named = sample.select(
        column for column in sample.get_columns() if not column.name.startswith(UNNAMED)
    )
    above_values = _no_names_among(named)
    if above_values:
        unlike = len(above_values) - len(
            _no_names_among(pl.DataFrame([above_values], above_values, orient="row"))
        )
        return 2 * unlike >= len(above_values)
    below_itself = (pl.nth(at) == name for at, name in enumerate(names))
    repeated = sample.select(one.any().alias(str(at)) for at, one in enumerate(below_itself)).row(0)
    return sum(map(bool, repeated)) * 2 <= len(names)


def _no_names_among(texts: pl.DataFrame) -> list[str]:
    """Return the columns of types whose values cannot be names of columns."""
    return [
        name
        for name, found in zip(
            texts.columns, TextTypes(texts.get_columns(), _CONVENTIONS).found, strict=True
        )
        if not column_type_of(found.dtype).in_header
    ]


def numbered_names(width: int) -> list[str]:
    """Return names for the columns of a file without a header.

    Example:
        >>> numbered_names(2)
        ['column_1', 'column_2']
    """
    return [f"column_{position}" for position in range(1, width + 1)]


def _are_years(names: Sequence[str]) -> bool:
    """Tell whether all names that are numbers are years in a row."""
    years = [int(name) for name in names if name.isdecimal() and name.isascii()]
    in_range = all(_FIRST_YEAR <= year <= _LAST_YEAR for year in years)
    return len(years) > 1 and in_range and all(b - a == 1 for a, b in pairwise(years))


def columns_with_words(texts: pl.DataFrame) -> list[pl.Series]:
    """Return the columns in which some value may mean "no value".

    Args:
        texts: Columns of dtype String.
    """
    if not texts.width:
        return []
    columns = texts.get_columns()
    stack, values = stacked(columns)
    counts = stack.counts(values.str.strip_chars().is_in(list(_CANDIDATES)))
    return [column for column, count in zip(columns, counts, strict=True) if count]


def null_words_in(columns: Sequence[pl.Series], conventions: TextConventions) -> list[str]:
    """Return the words that mean "no value" in columns whose other values are not text.

    Args:
        columns: Columns of dtype String.
        conventions: How their values are written.

    Example:
        >>> from algomancy_data.extractor import TextConventions
        >>> null_words_in([pl.Series(["-4", "NA", "12"])], TextConventions())
        ['NA']
    """
    words, others = _words_and_others(columns)
    types = iter(TextTypes(list(filter(len, others)), replace(conventions, null_words=())).found)
    found: dict[str, None] = {}
    for mine, rest in zip(words, others, strict=True):
        if rest.is_empty():  # one word may be a text like any other
            found |= dict.fromkeys(mine if len(mine) > 1 else ())
            continue
        dtype = next(types).dtype
        if dtype is not DataType.STRING:
            no_words = column_type_of(dtype).null_words
            found |= dict.fromkeys(word for word in mine if word.strip() not in no_words)
    return list(found)


def _words_and_others(
    columns: Sequence[pl.Series],
) -> tuple[list[list[str]], list[pl.Series]]:
    """Return the distinct texts that may mean "no value", and the others, by column."""
    distinct = DistinctColumns(columns, _PLAIN)
    values, stack = distinct.values, distinct.stack
    is_word = values.str.strip_chars().is_in(list(_CANDIDATES))
    is_other = ~is_word & (values != "")
    words = Stack(tuple(stack.counts(is_word))).columns(values.filter(is_word))
    others = Stack(tuple(stack.counts(is_other))).columns(values.filter(is_other))
    return [one.to_list() for one in words], others


def occurring(frame: pl.DataFrame, words: Iterable[str]) -> list[str]:
    """Return the words that occur in some column, and may be null in all columns.

    A word that is one value among many different ones, as ``NA`` is among the codes of all
    countries, is a value.

    Args:
        frame: Columns of dtype String.
        words: The words.
    """
    wanted = sorted(set(words))
    if not wanted or not frame.width:
        return []
    return [word for word in wanted if _occurs(frame, word) and not _is_code(frame, word, wanted)]


def count_of(texts: pl.Series, words: Iterable[str]) -> int:
    """Return how many values of a column are one of the words."""
    return int(texts.is_in(list(words)).sum())


def default_words_among(texts: pl.Series) -> list[str]:
    """Return the values of a text column that would be null in another type."""
    values = texts.unique()
    return values.filter(values.is_in(NULL_WORDS)).sort().to_list()


def _occurs(frame: pl.DataFrame, word: str) -> bool:
    return bool(frame.select(pl.any_horizontal((pl.all() == word).any())).item())


def _is_code(frame: pl.DataFrame, word: str, words: Collection[str]) -> bool:
    """Tell whether a column has the word once, like every other value."""
    if not word.isalpha():
        return False
    times = frame.select((pl.all() == word).sum()).row(0)
    others = [
        column.filter(~column.is_in(words))
        for column, count in zip(frame.get_columns(), times, strict=True)
        if count == 1
    ]
    codes = [one for one in others if len(one) >= _FEW and one.n_unique() == len(one)]
    return any(found.dtype is DataType.STRING for found in TextTypes(codes, _PLAIN).found)
