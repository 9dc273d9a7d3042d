"""The conversion of columns anew, once rows that kept them from converting are out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.extractor.conversion import ConversionIssue, DataTypeConverter
from algomancy_data.extractor.mixed_columns import convert_pieces

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from algomancy_data.schema import DataType
    from algomancy_data.schema.types import TextConventions


@dataclass(frozen=True, eq=False)
class Reconversion:
    """The conversion of columns anew, once bad rows are out.

    Args:
        table: Logical name of the table.
        types: Declared type by column name.
        conventions: How text is written.
        pieces: What columns of mixed cells are made of; each is converted by its own rules.
        lost: Columns that cannot be converted again.
    """

    table: str
    types: Mapping[str, DataType]
    conventions: TextConventions
    pieces: Mapping[str, list[pl.Series]] = field(default_factory=dict[str, list[pl.Series]])
    lost: AbstractSet[str] = frozenset()

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
