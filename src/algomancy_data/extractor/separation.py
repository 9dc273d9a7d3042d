"""Rows that cannot be read as declared, parted from those that can."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.extractor.conversion import (
    ConversionIssue,
    DataTypeConverter,
    TextConventions,
)
from algomancy_data.extractor.pieces import convert_pieces
from algomancy_data.messages import ValidationSeverity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from algomancy_data.schema import DataType


@dataclass(frozen=True, eq=False)
class SeparatedTable:
    """A table without the rows that cannot be read as declared.

    Args:
        frame: The other rows, in order.
        height: How many rows were extracted.
        original: Returns the rows of some numbers, as they were extracted.
        rows: Number of each row of ``frame`` among those extracted; None if all are there.
        taken: What is wrong with the rows that were taken out.
        left: What else was found; its rows are still there.
        reasons: Rows that were out before: ``row``, ``code`` and ``message``, one per reason.
    """

    frame: pl.DataFrame
    height: int
    original: Callable[[pl.Series], pl.DataFrame]
    rows: pl.Series | None = None
    taken: Sequence[ConversionIssue] = ()
    left: Sequence[ConversionIssue] = ()
    reasons: pl.DataFrame | None = None


@dataclass(frozen=True)
class Reconversion:
    """The conversion of columns anew, once bad rows are out.

    Args:
        table: Logical name of the table.
        types: Declared type by column name.
        conventions: How text is written.
        pieces: What columns of mixed cells are made of; each is converted by its own rules.
    """

    table: str
    types: Mapping[str, DataType]
    conventions: TextConventions
    pieces: Mapping[str, list[pl.Series]] = field(default_factory=dict[str, list[pl.Series]])

    def convert(
        self, frame: pl.DataFrame, columns: AbstractSet[str], kept: pl.Series, rows: pl.Series
    ) -> tuple[pl.DataFrame, list[ConversionIssue]]:
        """Return the frame with the columns in their declared types, and what is wrong still.

        Args:
            frame: The rows that are left.
            columns: Names of the columns.
            kept: Which of the extracted rows they are.
            rows: Their numbers.
        """
        issues: list[ConversionIssue] = []
        whole: dict[str, DataType] = {}
        for name in sorted(columns & self.types.keys()):
            if name not in self.pieces:
                whole[name] = self.types[name]
                continue
            pieces = [piece.filter(kept) for piece in self.pieces[name]]
            values = convert_pieces(pieces, self.types[name], self.table, issues, rows)
            if isinstance(values, pl.Series):
                frame = frame.with_columns(values)
            else:
                issues += values or [self._unlike(name)]
        converted = DataTypeConverter.convert_dtypes(
            frame, whole, issues, self.table, conventions=self.conventions, row_numbers=rows
        )
        return converted, issues

    def _unlike(self, name: str) -> ConversionIssue:
        reason = "Its cells are of kinds that do not go together."
        return ConversionIssue(self.table, name, self.types[name], reason)


def separate(
    frame: pl.DataFrame,
    issues: Sequence[ConversionIssue],
    takes: Callable[[ConversionIssue], bool],
    again: Reconversion,
    lost: AbstractSet[str] = frozenset(),
    numbers: pl.Series | None = None,
) -> SeparatedTable:
    """Take out the rows of the issues, and convert the columns that they kept from converting.

    What stood behind a bad value may be the next one, so this goes on until nothing is found.

    Args:
        frame: The table as it was extracted.
        issues: What was found in it.
        takes: Tells whether the rows of an issue are to be taken out.
        again: The conversion of what is left.
        lost: Columns that cannot be converted again.
        numbers: Number of each row in the issues, ascending; None counts from 0.
    """
    taken: list[ConversionIssue] = []
    left: list[ConversionIssue] = []
    mixed: set[str] = set()
    for issue in issues:
        converted = not issue.while_reading
        if issue.failing is None or not takes(issue) or (issue.column in lost and converted):
            left.append(issue)
        elif issue.column in again.pieces and converted:
            mixed.add(issue.column)  # what is wrong with it, the pieces say
        else:
            taken.append(issue)
    if not taken and not mixed:
        return SeparatedTable(frame, frame.height, frame.__getitem__, left=left)
    stuck = {issue.column for issue in left if issue.severity is ValidationSeverity.ERROR}
    columns = ({issue.column for issue in taken} | mixed) - stuck
    kept = pl.repeat(value=True, n=frame.height, dtype=pl.Boolean, eager=True)
    new = list(taken)
    while True:
        for issue in new:
            if issue.failing is not None:
                failing = issue.failing if numbers is None else numbers.search_sorted(issue.failing)
                kept = kept.scatter(failing, values=False)
        rows = kept.arg_true() if numbers is None else numbers.filter(kept)
        rest, found = again.convert(frame.filter(kept), columns, kept, rows)
        new = [issue for issue in found if issue.failing is not None and takes(issue)]
        taken += new
        if not new:
            break
    left += found
    return SeparatedTable(rest, frame.height, frame.__getitem__, rows, taken, left)
