"""Declared columns as SQLAlchemy columns, and frames in their declared types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import sqlalchemy as sa
from polars.exceptions import PolarsError

from algomancy_data.errors import FrameError
from algomancy_data.schema.kinds import column_type_of, column_types

if TYPE_CHECKING:
    from algomancy_data.schema import Column, Schema
    from algomancy_data.schema.kinds import DeclaredType


def dtype_to_sa_type(dtype: DeclaredType) -> sa.types.TypeEngine[Any]:
    """Return the SQL type of a declared type; text for those that have none.

    Example:
        >>> from algomancy_data import DataType
        >>> dtype_to_sa_type(DataType.INTEGER)
        BigInteger()
        >>> dtype_to_sa_type(pl.Decimal(18, 4))
        Numeric(precision=18, scale=4)
    """
    declared = column_type_of(dtype)
    match declared.dtype:
        case pl.Decimal() as decimal:
            return sa.Numeric(decimal.precision, decimal.scale)
        case pl.Datetime(time_zone=str()):
            return sa.DateTime(timezone=True)
        case _:
            kind: type[sa.types.TypeEngine[Any]] = getattr(sa, declared.sql)
            return kind()


def column_to_sa(col: Column) -> sa.Column[Any]:
    """Return a declared column as a SQLAlchemy column; NULL if it is nullable or optional."""
    return sa.Column(
        col.name,
        dtype_to_sa_type(col.dtype),
        nullable=col.nullable or col.optional,
        comment=col.description or None,
    )


def schema_to_sa_columns(schema: type[Schema]) -> list[sa.Column[Any]]:
    """Return the columns of a SINGLE schema as SQLAlchemy columns."""
    return [column_to_sa(column) for column in schema.columns().values()]


def coerce_dataframe_to_schema(df: pl.DataFrame, schema: type[Schema]) -> pl.DataFrame:
    """Return the frame with the declared columns in their declared dtypes; others as they are.

    Raises:
        FrameError: A value does not fit its column's declared type.
    """
    casts = [
        pl.col(name).cast(dtype.dtype)
        for name, dtype in column_types(schema.datatypes()).items()
        if name in df.columns and not dtype.accepts(df.schema[name])
    ]
    try:
        return df.with_columns(casts)
    except PolarsError as error:
        msg = f"A table does not fit schema {schema.__name__!r}: {error}"
        raise FrameError(msg) from error
