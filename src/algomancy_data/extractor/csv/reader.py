"""Reading a CSV file into a frame, directly in the declared types where possible."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.errors import FileContentError
from algomancy_data.extractor.csv.checks import CSVQuotes, find_shape, find_wide_line
from algomancy_data.extractor.csv.content import count_records
from algomancy_data.schema.types.float import has_large_floats

if TYPE_CHECKING:
    from pathlib import Path

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.extractor.csv.content import CSVContent
    from algomancy_data.extractor.csv.layout import CSVHeader, CSVLayout
    from algomancy_data.schema.types import ColumnType, TextConventions

_SAMPLE: Final = 1 << 15
# What is shorter is sooner read than its beginning is looked at.
_SHORT: Final = 1 << 18
_BOOLEAN_WORDS: Final = ("true", "false")


@dataclass(frozen=True)
class CSVTable:
    """A table as it was read.

    Args:
        frame: Typed columns where the reader could, text elsewhere.
        short_rows: Row numbers of those that had too few fields and were padded with null.
    """

    frame: pl.DataFrame
    short_rows: pl.Series


@dataclass(frozen=True)
class _Readable:
    """What the reader opens.

    Args:
        source: UTF-8 content with a header.
        columns: The names in that header: unique, and the same to us and to the reader.
        header_lines: How many lines there are up to the first record below the header.
    """

    source: Path | bytes
    columns: list[str]
    header_lines: int


@dataclass(frozen=True)
class CSVReader:
    """Reads the records below the header.

    Args:
        content: The content.
        layout: The characters that structure it.
        header: The columns; its ``end`` is 0 if the file has no header.
        types: Declared type by column name.
        null_words: Fields that mean "no value", in every column.
        conventions: How values are written.
        is_clear: Whether it is known that quotes stand around whole fields only.
    """

    content: CSVContent
    layout: CSVLayout
    header: CSVHeader
    types: dict[str, ColumnType]
    null_words: tuple[str, ...]
    conventions: TextConventions
    is_clear: bool = False

    def read(self) -> CSVTable:
        """Return the table.

        Raises:
            ReadLimitError: It would have more cells than the limits of the file allow.
            FileContentError: A record has too many fields, quotes are unclear, or the content is
                not UTF-8.
        """
        readable = self._readable()
        width = len(self.header.written)
        if self.content.may_exceed(width):
            quote, end = self.layout.quote, self.layout.line_end
            records = count_records(readable.source, quote, end) - readable.header_lines
            self.content.check_cells(records, width)
        frame = self._read(readable)
        if isinstance(frame, BaseException):
            self.content.check_utf8()
            self._refuse_wide(readable)
            readable = self._repaired()
            frame = self._read(readable)
        if isinstance(frame, BaseException):
            if isinstance(frame, PanicException):
                raise frame
            msg = (
                f"File {self.layout.file_name!r} cannot be read as CSV with the separator "
                f"{self.layout.separator!r} and the quote {self.layout.quote!r}."
            )
            raise FileContentError(msg) from frame
        frame = self._with_large_floats_as_text(readable, frame)
        shape = find_shape(frame, readable.source, self.layout, readable.header_lines)
        if shape.kept is not None:
            frame = frame.filter(shape.kept)
        frame.columns = self.header.names
        return CSVTable(frame, shape.short_rows)

    @property
    def quotes(self) -> CSVQuotes:
        """The quotes of the records."""
        return CSVQuotes(self.content, self.layout, self.header.end, self.header.lines)

    # --- what to open -----------------------------------------------------------------------

    def _readable(self) -> _Readable:
        """Return the file itself, unless its header or quotes would mislead the reader."""
        quotes = self.quotes
        if not (self.is_clear or quotes.are_clear()):
            body = quotes.cleared(len(self.header.written))
            return self._repaired() if body is None else self._with_numbered_header(body)
        if self._may_end_in_surplus():
            return self._repaired()
        written, quote = self.header.written, self.layout.quote
        plain = (
            self.header.lines == 1
            and self.header.names == list(written)
            and not any(quote is not None and quote in name for name in written)
        )
        if plain:
            return _Readable(self.content.source, list(written), self.header.lines)
        return self._with_numbered_header(self.content.read()[self.header.end :])

    def _may_end_in_surplus(self) -> bool:
        """Tell whether the last record, without a line end, may have an extra empty field.

        It is the only one that the reader drops without a word.
        """
        end = self.content.end(_SAMPLE)
        separator = self.layout.separator.encode()
        if not end.endswith(separator):
            return False
        line = end[end.rfind(self.layout.line_end.encode()) + 1 :]
        may_begin_before = len(line) == len(end)
        if self.layout.quote is not None:
            quote = re.escape(self.layout.quote.encode())
            line = re.sub(quote + b"[^" + quote + b"]*" + quote, b"", line)
            if self.layout.quote.encode() in line:  # it began lines before
                return True
        return line.count(separator) >= len(self.header.written) or may_begin_before

    def _refuse_wide(self, readable: _Readable) -> None:
        """Refuse a record with too many fields."""
        width = len(self.header.written)
        line = find_wide_line(readable.source, self.layout, width, readable.header_lines)
        if line is not None:
            number = self._lines_before + line.number + 1
            for record in self.layout.records(line.text.encode(), number):
                if len(record.fields) > width:
                    raise self.layout.width_error(record, width)

    @property
    def _lines_before(self) -> int:
        """Number of lines before the first record."""
        return self.content.lines_before + self.header.lines

    def _repaired(self) -> _Readable:
        """Return the content with clear quotes, or say what is wrong with it."""
        records = self.content.read()[self.header.end :]
        body = self.layout.repair(records, len(self.header.written), self._lines_before + 1)
        return self._with_numbered_header(body)

    def _with_numbered_header(self, body: bytes) -> _Readable:
        columns = [f"column {number}" for number in range(len(self.header.written))]
        header = self.layout.separator.join(columns) + self.layout.line_end
        return _Readable(header.encode() + body, columns, 1)

    # --- reading ----------------------------------------------------------------------------

    def _read(self, readable: _Readable) -> pl.DataFrame | BaseException:
        """Return the frame, with typed columns as text if one does not parse; or the error."""
        typed = self._typed_columns(readable)
        is_short = self.content.size() <= _SHORT
        if typed and not is_short and self._sample(readable, typed) is None:
            typed = self._that_parse(readable, typed)
        frame = self._attempt(readable, typed)
        if isinstance(frame, BaseException) and typed and is_short:
            fewer = self._that_parse(readable, typed)
            if len(fewer) < len(typed):
                typed, frame = fewer, self._attempt(readable, fewer)
        return self._attempt(readable, {}) if isinstance(frame, BaseException) and typed else frame

    def _attempt(
        self, readable: _Readable, typed: dict[str, PolarsDataType]
    ) -> pl.DataFrame | BaseException:
        try:
            return self._read_as(readable.source, typed)
        except (PolarsError, PanicException) as error:
            return error

    def _read_as(
        self,
        source: Path | bytes,
        typed: dict[str, PolarsDataType],
        columns: list[str] | None = None,
    ) -> pl.DataFrame:
        return pl.read_csv(
            source,
            columns=columns,
            separator=self.layout.separator,
            quote_char=self.layout.quote,
            eol_char=self.layout.line_end,
            schema_overrides=typed,
            infer_schema=False,
            null_values=list(self.null_words) or None,
            glob=False,
        )

    def _typed_columns(self, readable: _Readable) -> dict[str, PolarsDataType]:
        """Return the declared types that the reader knows, by its columns."""
        typed: dict[str, PolarsDataType] = {}
        for column, name in zip(readable.columns, self.header.names, strict=True):
            target = self.types.get(name)
            if target is not None and target.reads_as_polars(self.conventions):
                typed[column] = target.dtype
        return typed

    def _that_parse(
        self, readable: _Readable, typed: dict[str, PolarsDataType]
    ) -> dict[str, PolarsDataType]:
        """Return those of the typed columns whose first values parse.

        One value that does not parse makes the reader fail, and the file is read a second time
        as text: a look at the beginning avoids that for a column that never parses.
        """
        sample = self._sample(readable, {})
        if sample is None:
            return typed
        return {
            column: typed[column]
            for position, column in enumerate(readable.columns)
            if column in typed and _parses(sample.to_series(position), typed[column])
        }

    def _sample(self, readable: _Readable, typed: dict[str, PolarsDataType]) -> pl.DataFrame | None:
        """Return the first records, as text but for the typed columns.

        None if they cannot be cut out safely, or one of these does not parse.
        """
        end = self.layout.line_end.encode()
        if isinstance(readable.source, bytes):
            start = readable.source[:_SAMPLE]
            body = start[start.find(end) + 1 : start.rfind(end) + 1]
        else:
            start = self.content.start(_SAMPLE)
            body = start[self.header.end : start.rfind(end) + 1]
        if self.layout.quote is not None:
            quote = self.layout.quote.encode()
            while body.count(quote) % 2:  # inside of a field that has several lines
                body = body[: body.rfind(end, 0, -1) + 1]
        if not body:
            return None
        sample = self._with_numbered_header(body)
        names = dict(zip(readable.columns, sample.columns, strict=True))
        typed = {names[column]: dtype for column, dtype in typed.items()}
        try:
            return self._read_as(sample.source, typed)
        except (PolarsError, PanicException):
            return None

    def _with_large_floats_as_text(self, readable: _Readable, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with float columns as text if the reader may have rounded them.

        The reader turns 1e400 into infinity and 9007199254740993 into a number that is one less
        without a word; the conversion from text does not.
        """
        floats = [column for column, dtype in frame.schema.items() if dtype == pl.Float64]
        large = [column for column in floats if has_large_floats(frame[column])]
        if not large:
            return frame
        return frame.with_columns(self._read_as(readable.source, {}, large))


def _parses(texts: pl.Series, dtype: PolarsDataType) -> bool:
    """Tell whether the reader would parse all these texts."""
    stripped = texts.str.strip_chars_start(" \t")
    present = stripped.filter(stripped != "")
    if dtype == pl.Boolean:
        return bool(present.str.to_lowercase().is_in(_BOOLEAN_WORDS).all())
    return present.cast(dtype, strict=False).null_count() == 0
