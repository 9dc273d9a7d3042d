"""Inference of CSV files: their dialect and the types of their columns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.display.words import counted
from algomancy_data.errors import FileContentError
from algomancy_data.extractor import TextConventions
from algomancy_data.extractor.csv.content import CSVContent
from algomancy_data.extractor.csv.extractors import line_end_of
from algomancy_data.file import CSVFile
from algomancy_data.inference.column_types import TextType, TextTypes
from algomancy_data.inference.csv_sniffer import (
    columns_with_words,
    count_of,
    default_words_among,
    find_characters,
    find_encoding,
    has_header,
    null_words_in,
    numbered_names,
    occurring,
)
from algomancy_data.inference.inferred import (
    PLACEHOLDER,
    InferredColumn,
    InferredFile,
    InferredTable,
    extract,
)
from algomancy_data.inference.late_texts import are_types_of
from algomancy_data.inference.titles import title_above
from algomancy_data.schema import Column, CSVDialect, DataType, Schema
from algomancy_data.schema.kinds import column_type_of
from algomancy_data.schema.types.datetime import ZONED_NOTE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from algomancy_data.file import File
    from algomancy_data.schema.types import ColumnType
    from algomancy_data.schema.types.distinct_texts import DistinctTexts

_START: Final = 1 << 18
_MARKS: Final = (".", ",")


class HeldFile(CSVFile):
    """Content in memory, or a plain file, under the name of the original file.

    Args:
        file: The file.
        source: Its plain content.
    """

    def __init__(self, file: File, source: Path | bytes) -> None:
        super().__init__(file.name, read_limits=file.read_limits)
        self._file = file
        self._source = source

    def stored_bytes(self) -> int | None:
        """Return the size of the original file."""
        return self._file.stored_bytes()

    def source(self, watch: Callable[[bytes], None] | None = None) -> Path | bytes:
        """Return the content."""
        if watch is not None and isinstance(self._source, bytes):
            watch(self._source)
        return self._source


@dataclass(frozen=True)
class CSVLook:
    """How to look at CSV files.

    Args:
        sample_bytes: How much of the content of each; None for all.
        separator: What separates their fields; None to find it out.
    """

    sample_bytes: int | None
    separator: str | None = None


@dataclass
class CSVProbe:
    """The beginning of a CSV file as text, and what it shows.

    Attributes:
        file: The file.
        look: How it was looked at.
        dialect: How it is written, without what its values say.
        texts: Its first records, as columns of dtype String.
        words: Words that mean "no value" in its columns.
        notes: Sentences for people.
        is_sample: The file has more records.
    """

    file: File
    look: CSVLook
    dialect: CSVDialect
    texts: pl.DataFrame
    words: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    is_sample: bool = False

    @classmethod
    def of(cls, file: File, look: CSVLook) -> CSVProbe:
        """Look at the beginning of a file.

        Args:
            file: The file.
            look: How.

        Raises:
            FileContentError: The file is empty, binary or no table.
            FileNotFoundError: The file is gone.
        """
        parts = file.parts()
        first = file if parts is None else parts[0].file
        source = first.source()
        encoding, notes = find_encoding(source, first.name)
        held = HeldFile(first, source)
        content = CSVContent(held, encoding)
        dialect = CSVDialect(encoding=encoding)
        start = content.start(_START)
        line_end = line_end_of(start, dialect)
        complete = len(start) < _START - 3
        characters = find_characters(start, line_end, complete=complete, known=look.separator)
        dialect = replace(dialect, separator=characters.separator, quote=characters.quote)
        sample: File = held
        if parts is not None and look.sample_bytes is None:
            sample = file
        elif look.sample_bytes is not None:
            begun = _beginning(content, dialect, line_end, look.sample_bytes)
            if begun is not None:
                sample, encoding = HeldFile(first, begun), "utf-8"
        if dialect.quote is None:
            notes.append("Quotes mean nothing here: no field is enclosed in two of them.")
        texts = _texts(sample, replace(dialect, encoding=encoding))
        title = title_above(texts)
        if title is not None:
            msg = f"File {file.name!r}: {title}. Remove what stands above the header."
            raise FileContentError(msg)
        if not has_header(texts):
            from_folders = 0 if parts is None or sample is not file else len(parts[0].keys)
            names = numbered_names(texts.width - from_folders)
            dialect = replace(dialect, has_header=False)
            texts = _texts(sample, replace(dialect, encoding=encoding), names)
            notes.append("Without a header: the names of the columns are made up.")
        is_whole = sample is file or (sample is held and parts is None)
        probe = cls(file, look, dialect, texts, [], notes, not is_whole)
        probe.find_words()
        return probe

    def find_words(self) -> None:
        """Note which words mean "no value" in the columns."""
        columns = columns_with_words(self.texts)
        self.words = null_words_in(columns, TextConventions()) if columns else []

    def inferred(self, shared_words: Iterable[str]) -> InferredFile:
        """Return what the beginning shows about the file.

        Args:
            shared_words: Words that mean "no value" in files that were given together.
        """
        words = occurring(self.texts, {*self.words, *shared_words})
        dialect = replace(self.dialect, null_words=tuple(words) or None)
        texts = self.texts
        if words:
            texts = texts.with_columns(pl.when(~pl.all().is_in(words)).then(pl.all()).name.keep())
        dialect, types = _decide(texts, dialect)
        columns = [
            InferredColumn(name, found.dtype, notes=found.notes) for name, found in types.items()
        ]
        with_words = {column.name: column for column in columns_with_words(self.texts)}
        for column in columns:
            if column.name in with_words:
                _note_words(column, with_words[column.name], words)
        table = InferredTable(None, columns)
        return InferredFile(
            self.file,
            [table],
            dialect=dialect,
            notes=list(self.notes),
            is_unsure=self.is_sample
            and any(note != ZONED_NOTE for column in columns for note in column.notes),
        )

    def holds(self, inferred: InferredFile) -> bool:
        """Tell whether the types of the beginning hold for the whole file.

        Args:
            inferred: What was found there; the whole file converts to it.
        """
        if not self.is_sample:
            return True
        dialect = inferred.dialect
        texts = _texts(self.file, dialect, () if dialect.has_header else self.texts.columns)
        types = {column.name: column.dtype for column in inferred.tables[0].columns}
        words, conventions = dialect.null_words or (), conventions_of(dialect)
        return are_types_of(texts, self.texts, types, words, conventions)

    def of_all(self) -> CSVProbe:
        """Look at all of the file."""
        return self.of(self.file, replace(self.look, sample_bytes=None))


def _decide(texts: pl.DataFrame, dialect: CSVDialect) -> tuple[CSVDialect, dict[str, TextType]]:
    """Return the types, and the dialect completed by what some columns reveal."""
    columns = texts.get_columns()
    types = TextTypes(columns, conventions_of(dialect))
    marks = _deciding_marks(types)
    unclear = {one.undecided for one in types.found}
    found = types.found
    if marks == {","} or (len(marks) == 1 and "decimal_mark" in unclear):
        dialect = replace(dialect, decimal_mark=marks.pop())
        found = TextTypes(columns, conventions_of(dialect)).found
    if "day_first" in unclear:
        dates = [column_type_of(one.dtype) for one in found]
        orders = {
            _deciding_order(column, date)
            for column, date in zip(types.columns, dates, strict=True)
            if date.undecided == "day_first"
        } - {None}
        if len(orders) == 1:
            dialect = replace(dialect, day_first=orders.pop())
            found = TextTypes(columns, conventions_of(dialect)).found
    return dialect, dict(zip(texts.columns, found, strict=True))


def _deciding_marks(types: TextTypes) -> set[str]:
    """Return the decimal marks that some columns need to be numbers."""
    marks: set[str] = set()
    for column, found in zip(types.columns, types.found, strict=True):
        if len(marks) == len(_MARKS):
            break
        dtype = column_type_of(found.dtype).dtype
        # What was found to be a date or a truth value is no number with any mark.
        if dtype.is_numeric() or dtype == pl.String:
            marks |= set(filter(None, [_deciding_mark(column)]))
    return marks


def _deciding_mark(column: DistinctTexts) -> str | None:
    """Return the decimal mark that a column needs to be numbers, or None."""
    if not column.has("[0-9][.,]"):
        return None
    number = DataType.FLOAT.column_type
    marks = [mark for mark in _MARKS if column.read_as(number, decimal_mark=mark).is_certain]
    return marks[0] if len(marks) == 1 else None


def _deciding_order(column: DistinctTexts, date: ColumnType) -> bool | None:
    """Return whether a column needs the day first, or second, to be dates."""
    orders = [first for first in (True, False) if column.read_as(date, day_first=first).is_certain]
    return orders[0] if len(orders) == 1 else None


def conventions_of(dialect: CSVDialect) -> TextConventions:
    """Return the extractor's conventions for values in this dialect."""
    conventions = TextConventions.from_dialect(dialect)
    if dialect.null_words is not None:
        return replace(conventions, null_words=())
    return conventions


def _texts(file: File, dialect: CSVDialect, names: Iterable[str] = ()) -> pl.DataFrame:
    """Return the records as text."""
    members: dict[str, object] = {
        f"COLUMN_{position}": Column(name, DataType.STRING) for position, name in enumerate(names)
    }
    members |= {"_FILENAME": file.name, "_EXTENSION": "csv", "_SCHEMA_TYPE": "single"}
    members.setdefault("COLUMN_0", PLACEHOLDER)
    schema = type("Texts", (Schema,), members | {"_CSV": dialect})
    return extract(file, schema)[0][file.name]


def _beginning(content: CSVContent, dialect: CSVDialect, line_end: str, size: int) -> bytes | None:
    """Return the first records as UTF-8, or None if they are all or cannot be cut out."""
    start = content.start(size)
    if len(start) < size - 3:
        return None
    end = start.rfind(line_end.encode())
    while end > 0:
        begun = start[: end + 1]
        # Inside of a quoted field the number of quotes before is odd.
        if dialect.quote is None or begun.count(dialect.quote.encode()) % 2 == 0:
            return begun
        end = start.rfind(line_end.encode(), 0, end)
    return None


def _note_words(column: InferredColumn, texts: pl.Series, declared: list[str]) -> None:
    if column.dtype is not DataType.STRING:
        return
    for word in default_words_among(texts):
        if word not in declared:
            times = counted(count_of(texts, [word]), "time")
            column.notes.append(f"{word!a} is text here, {times}.")
