"""The extractors of XLSX workbooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.display.words import counted
from algomancy_data.extractor.base import SingleExtractor
from algomancy_data.extractor.conversion import ConversionIssue, convert_piece, convert_pieces
from algomancy_data.extractor.multi import MultiExtractor
from algomancy_data.file import XLSXFile
from algomancy_data.file.workbook import CellKind, Workbook, read_sheet, typed
from algomancy_data.logs import as_logger
from algomancy_data.messages import MOST_EXAMPLES
from algomancy_data.schema import DataType
from algomancy_data.schema.kinds import column_types, declared_as

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    from algomancy_data.components import NameOrLogger
    from algomancy_data.file import File
    from algomancy_data.logs import Logger
    from algomancy_data.schema import Schema
    from algomancy_data.schema.types import ColumnType


class XLSXSingleExtractor(SingleExtractor):
    """Extracts the table of one sheet of a workbook.

    The first row that has a value is the header. Needs the extra ``[xlsx]``.

    Args:
        file: Where the workbook comes from.
        schema: The columns of the sheet; its ``_SHEET`` says which sheet, the first one if it
            says nothing.
        sheet_name: Name or index (from 0, or backwards from -1) of the sheet, instead of what
            the schema says.
        logger: Where warnings go; the standard library's logger if None.

    Raises:
        InvalidSchemaError: ``_SHEET`` is neither a name nor an index.
    """

    def __init__(
        self,
        file: File,
        schema: type[Schema],
        sheet_name: str | int | Logger | logging.Logger | None = None,
        logger: NameOrLogger = None,
        name: NameOrLogger = None,
    ) -> None:
        if not isinstance(sheet_name, str | int | None):  # as for all other extractors
            sheet_name, logger, name = None, sheet_name, logger or name
        super().__init__(file, schema, logger, name)
        self.sheet_name = schema.sheet() if sheet_name is None else sheet_name

    def _extract_file(self) -> pl.DataFrame:
        workbook = open_workbook(self.file)
        sheet = workbook.sheet_name(self.sheet_name)
        others = [name for name in workbook.sheet_names if name != sheet]
        if self.sheet_name is None and others:
            as_logger(self.logger).warning(
                f"File {self.file.name!r}: the sheet {sheet!r} is read, not "
                f"{', '.join(map(repr, others))}. Declare _SHEET = {sheet!r} in schema "
                f"{self.schema.__name__!r} if that is meant."
            )
        notes = self._reading
        reading = SheetReading(notes.table, notes.first_row, notes.issues)
        frame = reading.frame(workbook, sheet, self._types)
        notes.pieces |= reading.pieces
        return frame


class XLSXMultiExtractor(MultiExtractor):
    """Extracts a table per column group from the sheet of that name, ignoring other sheets.

    Needs the extra ``[xlsx]``.

    Args:
        file: Where the workbook comes from.
        schema: The groups, named as their sheets.
        logger: Where warnings go; the standard library's logger if None.
    """

    def __init__(
        self,
        file: File,
        schema: type[Schema],
        logger: NameOrLogger = None,
        name: NameOrLogger = None,
    ) -> None:
        super().__init__(file, schema, logger, name)

    def _extract_files(self) -> dict[str, pl.DataFrame]:
        workbook = open_workbook(self.file)
        groups = self.schema.datatype_groups()
        sheets = {group: workbook.sheet_name(group) for group in groups}
        frames: dict[str, pl.DataFrame] = {}
        for group, sheet in sheets.items():
            reading = SheetReading(self.get_extraction_key(group), 0, self._reading.issues)
            frames[group] = reading.frame(workbook, sheet, column_types(groups[group]))
            self._reading.pieces |= reading.pieces
        return frames


class SheetReading:
    """Reads a sheet into a frame, mostly in the declared types.

    Args:
        table: Name of the table in issues.
        first_row: How many rows of the table come before it.
        issues: List to append issues to.

    Attributes:
        pieces: The cells by their kind of each column, by table and name, that did not convert.
    """

    def __init__(self, table: str, first_row: int, issues: list[ConversionIssue]) -> None:
        self._table = table
        self._first_row = first_row
        self._issues = issues
        self.pieces: dict[tuple[str, str], list[pl.Series]] = {}

    def frame(
        self, workbook: Workbook, sheet: str, types: Mapping[str, ColumnType]
    ) -> pl.DataFrame:
        """Return the frame; columns in other types have yet to be converted."""
        table = read_sheet(workbook, sheet, types)
        self._issues += [
            self._shown_errors(column, errors, types) for column, errors in table.errors.items()
        ]
        changed: list[pl.Series] = []
        for name, cells in table.cells.items():
            if name not in types:
                continue
            kinds = cells["kind"].drop_nulls().unique(maintain_order=True).to_list()
            pieces = [
                self._piece(cells, CellKind(kind), name) for kind in kinds if kind != CellKind.ERROR
            ]
            values = convert_pieces(pieces, types[name], self._table, self._issues)
            if isinstance(values, pl.Series):
                changed.append(values.slice(self._first_row))
            else:
                self.pieces[self._table, name] = pieces
        clocks = [
            convert_piece(table.frame[name], types[name], self._table, self._issues)
            for name, dtype in table.frame.schema.items()
            if dtype == pl.Time and name in types and isinstance(types[name].dtype, pl.Duration)
        ]
        return table.frame.with_columns(*changed, *clocks)

    def _piece(self, cells: pl.DataFrame, kind: CellKind, name: str) -> pl.Series:
        """Return the cells of one kind, after a null for each row before the sheet.

        So an issue counts its rows over the whole table.
        """
        values = typed(cells, kind).alias(name)
        return values.clear(self._first_row).extend(values)

    def _shown_errors(
        self, column: str, errors: dict[int, str], types: Mapping[str, ColumnType]
    ) -> ConversionIssue:
        """Report cells that show an error instead of a value."""
        rows = {self._first_row + row: text for row, text in sorted(errors.items())}
        count, first = len(rows), dict(list(rows.items())[:MOST_EXAMPLES])
        shown = ", ".join(f"{text} (row {row})" for row, text in first.items())
        subject = counted(count, "cell shows", "cells show")
        return ConversionIssue(
            self._table,
            column,
            declared_as(types[column]) if column in types else DataType.STRING,
            f"{subject} an error of the workbook, which became null: {shown}.",
            count=count,
            rows=tuple(first),
            problem="Cell shows an error of the workbook",
            failing=pl.Series(list(rows), dtype=pl.get_index_type()),
            while_reading=True,
        )


def open_workbook(file: File) -> Workbook:
    """Open the workbook of a file, whichever class the file is of."""
    if isinstance(file, XLSXFile):
        return file.workbook()
    return Workbook(file.read_bytes(), file.name, file.limits)
