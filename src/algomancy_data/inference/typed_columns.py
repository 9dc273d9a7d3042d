"""The types of columns from formats that have types of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.extractor import DataTypeConverter, TextConventions
from algomancy_data.inference.inferred import InferredColumn
from algomancy_data.inference.texts import time_type
from algomancy_data.schema import DataType
from algomancy_data.schema.types import COLUMN_TYPES

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType


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
        found = time_type(values, TextConventions())
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
