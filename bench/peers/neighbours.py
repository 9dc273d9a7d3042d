"""What we declare of a table, as a schema of dataframely and of pandera."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import dataframely as dy
import pandera.polars as pa

from algomancy_data import DataType

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from algomancy_data import Schema

_DATAFRAMELY: dict[DataType, Callable[..., dy.Column]] = {
    DataType.INTEGER: dy.Int64,
    DataType.FLOAT: dy.Float64,
    DataType.STRING: dy.String,
    DataType.BOOLEAN: dy.Bool,
    DataType.DATETIME: partial(dy.Datetime, time_unit="us"),
}


def dataframely(schema: type[Schema]) -> type[dy.Schema]:
    columns = {
        name: _DATAFRAMELY[column.dtype](
            nullable=column.nullable, primary_key=column.primary_key, unique=column.unique
        )
        for name, column in schema.columns().items()
    }
    return type(schema.__name__, (dy.Schema,), columns)


def pandera(schema: type[Schema], *, strict: bool = False) -> pa.DataFrameSchema:
    columns = {
        name: pa.Column(column.dtype.polars_dtype, nullable=column.nullable, unique=column.unique)
        for name, column in schema.columns().items()
    }
    return pa.DataFrameSchema(columns, unique=list(schema.primary_key()) or None, strict=strict)


def pandera_failures(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> int:
    """Return how many bad values pandera finds."""
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        return error.failure_cases.height
    return 0
