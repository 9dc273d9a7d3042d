"""One column that comes in pieces of different dtypes: each is converted by its own rules.

The cells of a workbook have kinds, the files of a table have columns of their own: neither must
go through text, which a number or a date cannot do unharmed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

from algomancy_data.extractor.conversion import ConversionIssue, DataTypeConverter
from algomancy_data.messages import ValidationSeverity
from algomancy_data.schema import DataType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from polars.datatypes import DataType as PolarsDataType


def convert_pieces(
    pieces: Iterable[pl.Series],
    target: DataType,
    table: str,
    issues: list[ConversionIssue],
    row_numbers: pl.Series | None = None,
) -> pl.Series | list[ConversionIssue]:
    """Convert pieces of a column to its declared type and put them together.

    Args:
        pieces: Columns of one name and one length; in each row, at most one has a value.
        target: The declared type.
        table: Name of the table in the issues.
        issues: List to append the warnings to, if all pieces convert.
        row_numbers: Number of each row in the issues; None counts from 0.

    Returns:
        The column; or why not: what is wrong with the pieces, nothing if they do not become one
        dtype.
    """
    found: list[ConversionIssue] = []
    converted = [convert_piece(piece, target, table, found, row_numbers) for piece in pieces]
    errors = [issue for issue in found if issue.severity is ValidationSeverity.ERROR]
    if errors:
        return errors
    alike = in_one_dtype(converted)
    if alike is None:
        return []
    issues += found
    name = alike[0].name
    return pl.select(pl.coalesce(pl.lit(piece) for piece in alike).alias(name)).to_series()


def convert_piece(
    piece: pl.Series,
    target: DataType,
    table: str,
    issues: list[ConversionIssue],
    row_numbers: pl.Series | None = None,
) -> pl.Series:
    """Convert one column; a time of day is the interval since midnight."""
    if piece.dtype == pl.Time and target is DataType.INTERVAL:
        lengths = piece.cast(pl.Duration("ns"))
        rounded = lengths.cast(pl.Duration("us"))
        return rounded if rounded.cast(lengths.dtype).equals(lengths) else lengths
    frame = piece.to_frame()
    converted = DataTypeConverter.convert_dtypes(
        frame, {piece.name: target}, issues, table, row_numbers=row_numbers
    )
    return converted.to_series()


def in_one_dtype(pieces: list[pl.Series]) -> list[pl.Series] | None:
    """Return the pieces in a dtype that holds all their values, or None if there is none."""
    dtypes = {piece.dtype for piece in pieces}
    if len(dtypes) == 1:
        return pieces
    if all(isinstance(dtype, pl.Categorical | pl.Enum) for dtype in dtypes):
        return [piece.cast(pl.String).cast(pl.Categorical) for piece in pieces]
    for unit in ("us", "ns"):
        wanted = _with_unit(pieces[0].dtype, unit)
        if wanted is None or any(_with_unit(dtype, unit) != wanted for dtype in dtypes):
            return None
        cast = [piece.cast(wanted, strict=False) for piece in pieces]
        back = [new.cast(old.dtype) for new, old in zip(cast, pieces, strict=True)]
        if all(new.equals(old) for new, old in zip(back, pieces, strict=True)):
            return cast
    return None


def _with_unit(dtype: PolarsDataType, unit: Literal["us", "ns"]) -> PolarsDataType | None:
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime(unit, dtype.time_zone)
    return pl.Duration(unit) if isinstance(dtype, pl.Duration) else None
