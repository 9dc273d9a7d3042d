"""The extractor of CSV files."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.display.words import counted
from algomancy_data.errors import FileContentError, InvalidSchemaError, ReadLimitError
from algomancy_data.extractor.base import SingleExtractor
from algomancy_data.extractor.conversion import ConversionIssue
from algomancy_data.extractor.csv.content import CSVContent
from algomancy_data.extractor.csv.layout import (
    CSVLayout,
    first_record,
    fitting_separator,
    header_of,
    without_header,
)
from algomancy_data.extractor.csv.reader import CSVReader
from algomancy_data.extractor.csv.slices import CSVSlices
from algomancy_data.messages import MOST_EXAMPLES, ValidationMessage, ValidationSeverity
from algomancy_data.schema import DataType
from algomancy_data.schema.csv_dialect import DEFAULT_SEPARATOR, SEPARATORS
from algomancy_data.schema.types import TextConventions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algomancy_data.components import NameOrLogger
    from algomancy_data.extractor.csv.layout import Record
    from algomancy_data.file import File
    from algomancy_data.schema import CSVDialect, Schema


class CSVSingleExtractor(SingleExtractor):
    r"""Extracts the table of a CSV file.

    The dialect is the one that the schema declares. Numbers and truth values are read straight
    into their declared types by all cores; what the reader does not understand is read as text
    and converted by the rules of the docs page "Conversions".

    Args:
        file: Where the content comes from.
        schema: The columns of the file, and its dialect.
        logger: Where warnings go; the standard library's logger if None.
        separator: Overrides the separator of the schema's dialect.

    Raises:
        InvalidSchemaError: The dialect is one that no reader understands.

    Example:
        >>> from algomancy_data import Column, CSVFile, DataType, Schema
        >>> class Delays(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "delays", "csv", "single"
        ...     FLIGHT = Column("flight", DataType.STRING)
        ...     DELAY = Column("delay", DataType.FLOAT)
        >>> file = CSVFile("delays", content="data:text/csv;base64,ZmxpZ2h0O2RlbGF5CjAwMTsxLDUK")
        >>> file.content
        'flight;delay\n001;1,5\n'
        >>> CSVSingleExtractor(file, Delays).extract()["delays"].rows()
        [('001', 1.5)]
    """

    def __init__(
        self,
        file: File,
        schema: type[Schema],
        logger: NameOrLogger = None,
        separator: str | None = None,
        name: NameOrLogger = None,
    ) -> None:
        super().__init__(file, schema, logger, name)
        dialect = schema.csv_dialect()
        if separator is not None:
            dialect = replace(dialect, separator=separator)
            if problem := dialect.problem():
                raise InvalidSchemaError.from_problem(schema.__name__, problem)
        self.dialect: CSVDialect = dialect
        self._conventions = TextConventions.from_dialect(dialect)
        if dialect.null_words is not None:
            # They hold for every column, and the reader has dealt with them.
            self._conventions = replace(self._conventions, null_words=())

        self._opened: CSVReader | None = None

    can_give_text = True
    reads_ahead = True

    def _extract_file(self) -> pl.DataFrame:
        # Unpacked already, if it was only found not to be large.
        reader, self._opened = self._opened or self._reader(), None
        table = reader.read()
        self._report_short_rows(table.frame.columns, table.short_rows)
        return table.frame

    def _slices(self) -> CSVSlices | None:
        reader = self._reader()
        path = reader.content.source
        if not isinstance(path, Path) or not reader.quotes.are_clear():
            self._opened = reader
            return None
        return CSVSlices(reader, path, self._report_short_rows)

    def _reader(self) -> CSVReader:
        """Return what reads the file."""
        as_text = self._types.keys() & self._reading.as_text
        types = self._types | dict.fromkeys(as_text, DataType.STRING.column_type)
        content = CSVContent(self.file, self.dialect.encoding)
        self._reading.unpacked_bytes = content.size()
        layout, first = self._layout(content, list(types))
        if self.dialect.has_header:
            header = header_of(content, layout, first)
        else:
            header = without_header(content, layout, list(types))
        null_words = self.dialect.null_words or ()
        return CSVReader(content, layout, header, types, null_words, self._conventions)

    def _layout(
        self, content: CSVContent, declared: Sequence[str]
    ) -> tuple[CSVLayout, Record | None]:
        """Return the characters of a file, and its first record.

        The separator is found out if none is declared.

        Raises:
            FileContentError: Another separator fits than the declared one, or none does.
        """
        dialect, usual = self.dialect, DEFAULT_SEPARATOR
        line_end = line_end_of(content.start(), dialect)
        layout = CSVLayout(self.file.name, dialect.separator or usual, dialect.quote, line_end)
        first, failure = None, None
        try:
            first = first_record(content, layout)
        except ReadLimitError:
            raise
        except FileContentError as error:  # another separator may put the quotes right
            failure = error
        has_header = dialect.has_header
        found = fitting_separator(content, layout, first, declared, has_header=has_header)
        if found is None:
            if failure is not None:
                raise failure
            return layout, first
        if dialect.separator is not None:
            msg = (
                f"File {layout.file_name!r} is not separated by {layout.separator!r}, as its "
                f"schema declares. The separator {found!r} fits: declare "
                f"_CSV = CSVDialect(separator={found!r})."
            )
            raise FileContentError(msg)
        text = (
            f"The fields are separated by {found!r}: {usual!r} does not fit, and no separator is "
            f"declared. To make sure of it, declare _CSV = CSVDialect(separator={found!r})."
        )
        table, severity = self._reading.table, ValidationSeverity.INFO
        self._reading.note(ValidationMessage(severity, text, table, code="SEPARATOR_FOUND"))
        layout = replace(layout, separator=found)
        return layout, first_record(content, layout)

    def _report_short_rows(self, columns: Sequence[str], short_rows: pl.Series) -> None:
        if short_rows.is_empty():
            return
        last = columns[-1]
        count = len(short_rows)
        first_row = self._reading.first_row
        rows = tuple(first_row + row for row in short_rows.head(MOST_EXAMPLES).to_list())
        subject = counted(count, "row has", "rows have")
        reason = (
            f"{subject} fewer than {len(columns)} fields; the missing ones are null. "
            f"First: row {', '.join(map(str, rows))}."
        )
        target = self.schema.datatypes().get(last, DataType.STRING)
        severity = ValidationSeverity.WARNING
        table = self._reading.table
        problem = f"Row has fewer than {len(columns)} fields"
        issue = ConversionIssue(
            table,
            last,
            target,
            reason,
            severity,
            count,
            rows,
            problem,
            (short_rows + first_row).cast(pl.get_index_type()),
            while_reading=True,
        )
        self._reading.issues.append(issue)


def line_end_of(start: bytes, dialect: CSVDialect) -> str:
    r"""Return the character that ends a line: ``"\r"`` only in files of old Macs.

    A ``"\n"`` inside a quoted field ends no line.
    """
    if re.search(rb"\r(?!\n)", start) is None:
        return "\n"
    if b"\n" in start and dialect.quote is not None:
        quote, separators = re.escape(dialect.quote), re.escape(dialect.separator or SEPARATORS)
        inside = rf"(?:[^{quote}]|{quote}{quote})*+"
        quoted = rf"(^|[{separators}\r\n]){quote}{inside}(?:{quote}|\Z)"
        start = re.sub(quoted.encode(), rb"\1", start)
    return "\n" if b"\n" in start else "\r"
