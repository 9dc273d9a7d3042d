"""The type of a column: the first of ``COLUMN_TYPES`` that takes all its values as they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.extractor import DataTypeConverter, TextConventions
from algomancy_data.inference.inferred import InferredColumn
from algomancy_data.schema import DataType
from algomancy_data.schema.types import COLUMN_TYPES
from algomancy_data.schema.types.distinct_texts import DistinctTexts, first_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.types import ColumnType


@dataclass(frozen=True)
class TextType:
    """What a text column holds.

    Args:
        dtype: The type.
        notes: Sentences for people.
        undecided: Which of the conventions no value of the column decides.
    """

    dtype: DataType
    notes: list[str] = field(default_factory=list[str])
    undecided: str | None = None


def text_type(texts: pl.Series, conventions: TextConventions) -> TextType:
    """Return the type of a column.

    Args:
        texts: Column of dtype String.
        conventions: How its values are written.

    Example:
        >>> import polars as pl
        >>> from algomancy_data.extractor import TextConventions
        >>> zips, delays = pl.Series(["00501", "94105"]), pl.Series(["-4", "NA", "12"])
        >>> [text_type(column, TextConventions()).dtype.name for column in (zips, delays)]
        ['STRING', 'INTEGER']
    """
    column = DistinctTexts(texts, conventions)
    if column.present.is_empty():
        notes = [] if column.values.is_empty() else [_only(column.values)]
        return TextType(DataType.STRING, notes)
    return _first_to_take(column, COLUMN_TYPES.values())


def _type_in_json(texts: pl.Series, conventions: TextConventions) -> TextType:
    """Return the type of a text column from JSON, which writes its numbers as numbers.

    Args:
        texts: Column of dtype String.
        conventions: How its values are written.
    """
    column = DistinctTexts(texts, conventions)
    # An empty text would become null, and so would "NA".
    if column.present.is_empty() or column.present.len() < column.values.len():
        return TextType(DataType.STRING)
    return _first_to_take(column, (one for one in COLUMN_TYPES.values() if not one.in_json))


def _first_to_take(column: DistinctTexts, column_types: Iterable[ColumnType]) -> TextType:
    """Ask the types; what those say that leave the column is worth a note if it stays text."""
    left: list[str] = []
    for column_type in column_types:
        verdict = column_type.infer(column)
        notes = [] if verdict.note is None else [verdict.note]
        if verdict.type_name is not None:
            is_last = column_type.name == DataType.STRING.name
            notes = left if is_last else notes
            return TextType(DataType[verdict.type_name], notes, verdict.undecided)
        left += notes
    return TextType(DataType.STRING, left)


def _only(values: pl.Series) -> str:
    words = values.filter(values.str.strip_chars() != "")
    if words.is_empty():
        return "No text is there but the empty one."
    return f"Only words such as {first_of(words)}, which may mean no value."


# --- columns of a format that has types -----------------------------------------------------


def column_finding(
    values: pl.Series, *, has_dates: bool = True, has_integers: bool = True
) -> InferredColumn:
    """Return the type that a column is declared with so that no value of it changes.

    Args:
        values: The column as the format holds it.
        has_dates: The format has dates; in one that has not, they are looked for in texts.
        has_integers: The format tells whole numbers from others; in one that does not, a column
            of whole numbers is INTEGER.

    Example:
        >>> column_finding(pl.Series("id", [1, 2])).dtype.name
        'INTEGER'
    """
    dtype = values.dtype
    if dtype == pl.String:
        if has_dates:
            return InferredColumn(values.name, DataType.STRING)
        found = _type_in_json(values, TextConventions())
        return InferredColumn(values.name, found.dtype, notes=found.notes)
    candidates = [
        DataType[name] for name, column_type in COLUMN_TYPES.items() if column_type.suits(dtype)
    ]
    notes = _notes(dtype)
    if dtype.is_float() and not has_integers:
        candidates = [DataType.INTEGER, *candidates]
    for candidate in candidates:
        issues = []
        DataTypeConverter.convert_dtypes(values.to_frame(), {values.name: candidate}, issues)
        if not issues:
            return InferredColumn(values.name, candidate, notes=notes)
    note = f"No declared type holds {dtype}: the column stays as it is, with a message."
    return InferredColumn(values.name, DataType.STRING, notes=[note])


def _notes(dtype: PolarsDataType) -> list[str]:
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return ["With a time zone, which it keeps: extracted with a DTYPE_MISMATCH warning."]
    if isinstance(dtype, pl.List | pl.Array | pl.Struct):
        return ["Lists or objects, as JSON text."]
    return []
