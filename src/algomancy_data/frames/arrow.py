"""Frames as Arrow data: which dtypes Arrow holds exactly, and in which form.

What a store keeps as Arrow IPC, Polars writes and its schema is noted beside it (see
:mod:`algomancy_data.frames.dtypes`), since an Arrow file alone does not tell an array of no items
from a list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import polars as pl

from algomancy_data.errors import SerializationError, UnstorableError
from algomancy_data.frames.dtypes import dtype_to_json
from algomancy_data.frames.nesting import DEEPEST_IN_FILES, check_dtype_depth
from algomancy_data.frames.value_ranges import impossible_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polars.datatypes import DataType as PolarsDataType


def check_storable(frame: pl.DataFrame, table: str) -> None:
    """Make sure that Arrow data can hold a frame exactly.

    Raises:
        UnstorableError: A column has a dtype that it cannot hold, or a value that its dtype
            cannot have.
    """
    for name, dtype in frame.schema.items():
        try:
            check_dtype_depth([dtype], DEEPEST_IN_FILES)
            dtype_to_json(dtype)
        except RecursionError as error:
            msg = (
                f"Column {name!r} of table {table!r} is nested more than {DEEPEST_IN_FILES} levels "
                f"deep, which Arrow files cannot be. Take out some of the levels."
            )
            raise UnstorableError(msg) from error
        except SerializationError as error:
            msg = (
                f"Column {name!r} of table {table!r} is {dtype}, which Arrow data cannot hold "
                f"exactly. Cast it to another dtype, or leave it out."
            )
            raise UnstorableError(msg) from error
    check_values(frame, table)


def check_values(frame: pl.DataFrame, table: str) -> None:
    """Make sure that no column of a frame has a value that its dtype cannot have.

    Raises:
        UnstorableError: One has.
    """
    problem = impossible_values(frame)
    if problem is not None:
        msg = f"Table {table!r} cannot be kept exactly. {problem}. Mend the value."
        raise UnstorableError(msg)


def arrow_schema(schema: Mapping[str, PolarsDataType]) -> pl.Schema:
    """Return the schema as which Arrow data has a frame.

    Example:
        >>> arrow_schema({"a": pl.Array(pl.Int8, 0), "b": pl.Int8()})
        Schema([('a', List(Int8)), ('b', Int8)])
    """
    return pl.Schema({name: _in_arrow(dtype) for name, dtype in schema.items()})


def cast_frame(frame: pl.DataFrame, schema: Mapping[str, PolarsDataType]) -> pl.DataFrame:
    """Return a frame with its columns cast to the dtypes that they do not have yet."""
    found = frame.schema
    return frame.cast({name: to for name, to in schema.items() if found[name] != to})


def _in_arrow(dtype: PolarsDataType) -> PolarsDataType:
    """Return the dtype of a column's Arrow data.

    Polars writes arrays of no items, but it cannot read them.
    """
    match dtype:
        case pl.Array(size=0):
            return pl.List(_in_arrow(cast("PolarsDataType", dtype.inner)))
        case pl.Array():
            return pl.Array(_in_arrow(cast("PolarsDataType", dtype.inner)), dtype.size)
        case pl.List():
            return pl.List(_in_arrow(cast("PolarsDataType", dtype.inner)))
        case pl.Struct():
            return pl.Struct(
                {
                    field.name: _in_arrow(cast("PolarsDataType", field.dtype))
                    for field in dtype.fields
                }
            )
        case _:
            return dtype
