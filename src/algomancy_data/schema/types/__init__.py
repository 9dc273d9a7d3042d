"""The types that a column can be declared with: one module each, with all that there is to say.

A new one is a module with a :class:`ColumnType`, a line in ``COLUMN_TYPES`` and a member of
:class:`~algomancy_data.schema.DataType`.
"""

from __future__ import annotations

from typing import Final

from algomancy_data.schema.types.base import Advice, ColumnType, Outcome, ReadType
from algomancy_data.schema.types.boolean import BooleanType
from algomancy_data.schema.types.categorical import CategoricalType
from algomancy_data.schema.types.conventions import NULL_WORDS, TextConventions
from algomancy_data.schema.types.datetime import DatetimeType
from algomancy_data.schema.types.float import FloatType
from algomancy_data.schema.types.integer import IntegerType
from algomancy_data.schema.types.interval import IntervalType
from algomancy_data.schema.types.string import StringType

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
"""The types by name, in the order in which they are tried on a column of no declared type."""

__all__ = [
    "COLUMN_TYPES",
    "NULL_WORDS",
    "Advice",
    "ColumnType",
    "Outcome",
    "ReadType",
    "TextConventions",
]
