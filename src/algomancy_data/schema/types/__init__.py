"""The types that a column can be declared with, each in a module of its own.

A new one is a module with a :class:`ColumnType`. One with a name of its own takes a line in
``COLUMN_TYPES`` and a member of :class:`~algomancy_data.schema.DataType`; one that a Polars dtype
declares, a line in ``_OF_DTYPES``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.schema.types.base import Advice, ColumnType, Outcome, ReadType
from algomancy_data.schema.types.binary import BinaryType
from algomancy_data.schema.types.boolean import BooleanType
from algomancy_data.schema.types.categorical import CategoricalType
from algomancy_data.schema.types.conventions import NULL_WORDS, TextConventions
from algomancy_data.schema.types.date import DateType
from algomancy_data.schema.types.datetime import DatetimeType
from algomancy_data.schema.types.decimal import DecimalType
from algomancy_data.schema.types.duration import DurationType
from algomancy_data.schema.types.enumeration import EnumType
from algomancy_data.schema.types.float import FloatType
from algomancy_data.schema.types.integer import IntegerType
from algomancy_data.schema.types.interval import IntervalType
from algomancy_data.schema.types.moment import MomentType
from algomancy_data.schema.types.nested import NestedType
from algomancy_data.schema.types.string import StringType
from algomancy_data.schema.types.time import TimeType

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType

COLUMN_TYPES: Final[dict[str, ColumnType]] = {
    column_type.name: column_type
    for column_type in (
        IntegerType(),
        FloatType(),
        BooleanType(),
        DatetimeType(),
        IntervalType(),
        CategoricalType(),
        StringType(),
    )
}
"""The types that have a name."""

INFERRED_TYPES: Final[tuple[ColumnType, ...]] = (
    *(kind for name, kind in COLUMN_TYPES.items() if name != StringType.name),
    TimeType(),
    COLUMN_TYPES[StringType.name],
)
"""What a column of text is asked for, the narrowest first."""

_OF_DTYPES: Final[tuple[type[ColumnType], ...]] = (
    IntegerType,
    FloatType,
    DecimalType,
    BooleanType,
    DateType,
    MomentType,
    TimeType,
    DurationType,
    StringType,
    CategoricalType,
    EnumType,
    BinaryType,
)


_WITH_PARAMETERS: Final[dict[object, str]] = {
    pl.Decimal: "pl.Decimal(18, 4)",
    pl.Enum: 'pl.Enum(["a", "b"])',
    pl.List: "pl.List(pl.Int64)",
    pl.Array: "pl.Array(pl.Int64, 3)",
    pl.Struct: 'pl.Struct({"x": pl.Int64})',
}


@cache
def type_of_dtype(dtype: PolarsDataType | type[PolarsDataType]) -> ColumnType:
    """Return the type of a column that is declared with a Polars dtype, or a class of them.

    Raises:
        ValueError: No column can be declared with it.
    """
    if isinstance(dtype, type):
        if dtype in _WITH_PARAMETERS:
            msg = f"pl.{dtype.__name__} needs parameters: {_WITH_PARAMETERS[dtype]}."
            raise ValueError(msg)
        return type_of_dtype(dtype())
    for kind in _OF_DTYPES:
        if (found := kind.declared_by(dtype)) is not None:
            return found
    if (nested := NestedType.declared_with(dtype, type_of_dtype)) is not None:
        return nested
    msg = f"no column can be declared with {dtype}."
    raise ValueError(msg)


__all__ = [
    "COLUMN_TYPES",
    "INFERRED_TYPES",
    "NULL_WORDS",
    "Advice",
    "ColumnType",
    "Outcome",
    "ReadType",
    "TextConventions",
    "type_of_dtype",
]
