"""Columns that a file has beside those that are declared, or lacks, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import polars as pl

from algomancy_data.messages import ValidationMessage, ValidationSeverity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.extractor.extracted import Reading
    from algomancy_data.extractor.slices import Slices
    from algomancy_data.schema import Schema


@dataclass(frozen=True)
class Evolution:
    """What a schema says of such columns.

    Args:
        kept: The columns that are kept; None for all.
        filled: Columns that are null where a file lacks them.
    """

    kept: frozenset[str] | None = None
    filled: tuple[str, ...] = ()

    @classmethod
    def of(cls, schema: type[Schema]) -> Self:
        """Return what a SINGLE schema says."""
        drops, fills = schema.extra_columns() == "drop", schema.missing_columns() == "null"
        if not (drops or fills):
            return cls()
        columns = schema.columns()
        return cls(
            frozenset(columns) if drops else None,
            # What an optional column is by default, others add.
            tuple(name for name, one in columns.items() if not one.optional or one.default is None)
            if fills
            else (),
        )

    def part_of(
        self,
        frame: pl.DataFrame,
        reading: Reading,
        columns: AbstractSet[str] | None = None,
        *,
        table: str | None = None,
    ) -> pl.DataFrame:
        """Return the columns of a file that are kept, and those that it lacks, null, behind them.

        A note is kept of each column that is left out, or filled.

        Args:
            frame: What the file holds, not yet converted.
            reading: Keeps the notes.
            columns: Only these, of text; nothing is noted of them. None for all.
            table: Name of the table; None for that of the file.

        Example:
            >>> from algomancy_data.extractor.extracted import Reading
            >>> evolution, reading = (
            ...     Evolution(frozenset(["id", "name"]), ("id", "name")),
            ...     Reading("t"),
            ... )
            >>> evolution.part_of(pl.DataFrame({"x": [1], "id": [2]}), reading).rows()
            [(2, None)]
            >>> [note.code for note in reading.notes]
            ['COLUMN_DROPPED', 'COLUMN_FILLED']
        """
        if columns is not None:
            return self._filled(frame, pl.String()).select(sorted(columns))
        have = frame.columns
        extra = [name for name in have if self.kept is not None and name not in self.kept]
        for name in extra:
            text = f"Column {name!r} is not declared, and left out."
            reading.note(_note(text, table or reading.table, name, "COLUMN_DROPPED"))
        for name in self.filled:
            if name not in have:
                text = f"Column {name!r} is missing, and null."
                reading.note(_note(text, table or reading.table, name, "COLUMN_FILLED"))
        # A column of this dtype says nothing of its values.
        return self._filled(frame.drop(extra) if extra else frame, pl.Null())

    def _filled(self, frame: pl.DataFrame, dtype: PolarsDataType) -> pl.DataFrame:
        have = set(frame.columns)
        # Not in a query, which would have no rows where there is no column.
        nulls = [
            pl.Series(name, [None], dtype).new_from_index(0, frame.height)
            for name in self.filled
            if name not in have
        ]
        return frame.hstack(nulls) if nulls else frame


def _note(text: str, table: str, column: str, code: str) -> ValidationMessage:
    return ValidationMessage(ValidationSeverity.INFO, text, table, column, code=code)


@dataclass(frozen=True)
class ShapedSlices:
    """A table in slices, with the columns that a schema wants.

    Args:
        slices: The slices as the file has them.
        evolution: What the schema says.
        reading: Keeps the notes.
    """

    slices: Slices
    evolution: Evolution
    reading: Reading

    def read(self, columns: AbstractSet[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the slices in order.

        Args:
            columns: The columns wanted, as they are written; None for all.
        """
        for frame in self.slices.read(columns):
            yield self.evolution.part_of(frame, self.reading, columns)
