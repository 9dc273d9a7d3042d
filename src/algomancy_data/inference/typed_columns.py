"""The types of columns from formats that have types of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.extractor import DataTypeConverter, TextConventions
from algomancy_data.inference.findings import ColumnFinding
from algomancy_data.inference.texts import time_type
from algomancy_data.schema import DataType

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType


def column_finding(
    values: pl.Series, *, has_dates: bool = True, has_integers: bool = True
) -> ColumnFinding:
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
            return ColumnFinding(values.name, DataType.STRING)
        found = time_type(values, TextConventions())
        return ColumnFinding(values.name, found.dtype, notes=found.notes)
    candidates, notes = _candidates(dtype)
    if dtype.is_float() and not has_integers:
        candidates = [DataType.INTEGER, *candidates]
    for candidate in candidates:
        issues = []
        DataTypeConverter.convert_dtypes(values.to_frame(), {values.name: candidate}, issues)
        if not issues:
            return ColumnFinding(values.name, candidate, notes=notes)
    note = f"No declared type holds {dtype}: the column stays as it is, with a message."
    return ColumnFinding(values.name, DataType.STRING, notes=[note])


def _candidates(dtype: PolarsDataType) -> tuple[list[DataType], list[str]]:
    """Return the types to try in order, and notes."""
    if dtype.is_integer():
        return [DataType.INTEGER, DataType.STRING], []
    if dtype.is_float():
        return [DataType.FLOAT], []
    match dtype:
        case pl.Decimal():
            return [DataType.FLOAT, DataType.STRING], []
        case pl.Boolean():
            return [DataType.BOOLEAN], []
        case pl.Date():
            return [DataType.DATETIME, DataType.STRING], []
        case pl.Datetime() if dtype.time_zone is not None:
            note = "With a time zone, which it keeps: extracted with a DTYPE_MISMATCH warning."
            return [DataType.DATETIME], [note]
        case pl.Datetime():
            return [DataType.DATETIME], []
        case pl.Duration():
            return [DataType.INTERVAL], []
        case pl.Categorical() | pl.Enum():
            return [DataType.CATEGORICAL], []
        case pl.List() | pl.Array() | pl.Struct():
            return [DataType.STRING], ["Lists or objects, as JSON text."]
        case _:
            return [DataType.STRING], []
