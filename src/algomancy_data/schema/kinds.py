"""The vocabulary of declarations: data types, file extensions and schema types."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from algomancy_data.schema.types import COLUMN_TYPES, ColumnType, type_of_dtype

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polars.datatypes import DataType as PolarsDataType


class DataType(StrEnum):
    """The type that a column is declared with.

    Names and values are those of the pandas package; :attr:`polars_dtype` is what a frame holds.
    """

    STRING = "string"
    DATETIME = "datetime64[ns]"
    INTEGER = "int64"
    FLOAT = "float64"
    BOOLEAN = "boolean"
    CATEGORICAL = "categorical"
    INTERVAL = "interval"

    column_type: ColumnType
    """What the type is, and how values become it.

    :meta private:
    """

    def __init__(self, value: str) -> None:
        del value  # it is the text already
        self.column_type = COLUMN_TYPES[self.name]

    @property
    def polars_dtype(self) -> PolarsDataType:
        """The Polars dtype that an extracted column of this type has.

        Example:
            >>> DataType.DATETIME.polars_dtype
            Datetime(time_unit='us', time_zone=None)
        """
        return self.column_type.dtype

    def accepts(self, dtype: PolarsDataType) -> bool:
        """Tell whether a column of ``dtype`` is what this type declares.

        The time unit of DATETIME and INTERVAL is free: a file with nanoseconds keeps them.
        A DATETIME with a time zone is another type, since Polars compares it with nothing naive.

        Example:
            >>> import polars as pl
            >>> DataType.DATETIME.accepts(pl.Datetime("ns")), DataType.INTEGER.accepts(pl.Float64())
            (True, False)
        """
        return self.column_type.accepts(dtype)


DeclaredType: TypeAlias = "DataType | PolarsDataType | type[PolarsDataType]"
"""What a column is declared with: one of the seven types, or a Polars dtype."""


def column_type_of(declared: DeclaredType | ColumnType) -> ColumnType:
    """Return the ``ColumnType`` of a declared type.

    Raises:
        ValueError: It is no type that a column can be declared with; the message says why.
    """
    if isinstance(declared, ColumnType):
        return declared
    if isinstance(declared, pl.DataType | type):
        return type_of_dtype(declared)
    return DataType(declared).column_type


def column_types(declared: Mapping[str, DeclaredType | ColumnType]) -> dict[str, ColumnType]:
    """Return the ``ColumnType`` of some declared types, by column."""
    return {name: column_type_of(dtype) for name, dtype in declared.items()}


def declared_as(column_type: ColumnType) -> DeclaredType:
    """Return how a column of a type is declared."""
    is_named = COLUMN_TYPES.get(column_type.name) is column_type
    return DataType[column_type.name] if is_named else column_type.dtype


class FileExtension(StrEnum):
    """The file formats that have a name; users may register extractors for others."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"
    NDJSON = "ndjson"
    JSONL = "jsonl"
    PARQUET = "parquet"
    ARROW = "arrow"


class SchemaType(StrEnum):
    """Whether a file holds one table or several."""

    SINGLE = "single"
    MULTI = "multi"
