"""Polars dtypes as JSON and back: how the catalogue and files keep an exact schema.

A plain dtype is its name (``"Int64"``); a dtype with parameters is an object with one key
(``{"Datetime": ["us", "UTC"]}``). The form is part of the storage format: it only ever grows.
"""

from __future__ import annotations

import reprlib
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.errors import SerializationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polars.datatypes import DataType as PolarsDataType

    JSONValue: TypeAlias = "str | int | list[JSONValue] | dict[str, JSONValue] | None"

__all__ = [
    "dtype_from_json",
    "dtype_to_json",
    "schema_from_json",
    "schema_to_json",
]

_REFUSALS: Final = (LookupError, TypeError, ValueError, OverflowError, RecursionError)
_LARGEST_SIZE: Final = 2**31
_MOST_DIGITS: Final = 38
_PLAIN: Final[dict[str, PolarsDataType]] = {
    str(dtype): dtype
    for dtype in (
        pl.Int8(),
        pl.Int16(),
        pl.Int32(),
        pl.Int64(),
        pl.Int128(),
        pl.UInt8(),
        pl.UInt16(),
        pl.UInt32(),
        pl.UInt64(),
        pl.UInt128(),
        pl.Float16(),
        pl.Float32(),
        pl.Float64(),
        pl.Boolean(),
        pl.String(),
        pl.Binary(),
        pl.Date(),
        pl.Time(),
        pl.Null(),
    )
}


def dtype_to_json(dtype: PolarsDataType) -> JSONValue:
    """Return a dtype as JSON.

    Raises:
        SerializationError: The dtype has no portable form (Object, Map, extension types,
            categoricals with categories of their own).

    Example:
        >>> dtype_to_json(pl.List(pl.Datetime("us", "UTC")))
        {'List': {'Datetime': ['us', 'UTC']}}
    """
    if str(dtype) in _PLAIN:
        return str(dtype)
    match dtype:
        case pl.Datetime():
            return {"Datetime": [dtype.time_unit, dtype.time_zone]}
        case pl.Duration():
            return {"Duration": dtype.time_unit}
        case pl.Decimal():
            return {"Decimal": [dtype.precision, dtype.scale]}
        case pl.Enum():
            return {"Enum": cast("list[JSONValue]", dtype.categories.to_list())}
        case pl.Categorical() if dtype.categories.is_global():
            return "Categorical"
        case pl.List():
            return {"List": dtype_to_json(_inner(dtype))}
        case pl.Array():
            return {"Array": [dtype_to_json(_inner(dtype)), dtype.size]}
        case pl.Struct():
            return {
                "Struct": schema_to_json(
                    {field.name: cast("PolarsDataType", field.dtype) for field in dtype.fields}
                )
            }
        case _:
            msg = f"The Polars dtype {dtype} has no portable form."
            raise SerializationError(msg)


def dtype_from_json(value: JSONValue) -> PolarsDataType:
    """Return the dtype that :func:`dtype_to_json` wrote.

    Raises:
        SerializationError: The value is not in that form, or from a later version.

    Example:
        >>> dtype_from_json({"Decimal": [10, 2]})
        Decimal(precision=10, scale=2)
    """
    try:
        return _parse(value)
    except (*_REFUSALS, PolarsError) as error:
        msg = f"{_shown(value)} does not describe a Polars dtype that this version knows."
        raise SerializationError(msg) from error


def schema_to_json(schema: Mapping[str, PolarsDataType]) -> JSONValue:
    """Return a frame's schema as a list of ``[name, dtype]``, in order."""
    return [[name, dtype_to_json(dtype)] for name, dtype in schema.items()]


def schema_from_json(value: JSONValue) -> pl.Schema:
    """Return the schema that :func:`schema_to_json` wrote.

    Raises:
        SerializationError: The value is not in that form.

    Example:
        >>> schema_from_json([["a", "Int64"], ["t", {"Datetime": ["ns", None]}]])
        Schema([('a', Int64), ('t', Datetime(time_unit='ns', time_zone=None))])
    """
    try:
        pairs = _list(value)
        schema = {_name(name): dtype_from_json(dtype) for name, dtype in pairs}
    except (TypeError, ValueError) as error:
        raise _no_schema(value) from error
    if len(schema) < len(pairs):
        raise _no_schema(value)
    return pl.Schema(schema)


def _no_schema(value: object) -> SerializationError:
    return SerializationError(f"{_shown(value)} does not describe the schema of a table.")


def _inner(dtype: pl.List | pl.Array) -> PolarsDataType:
    """Return the item type; an Array of several dimensions is an Array of Arrays."""
    return cast("PolarsDataType", dtype.inner)


def _parse(value: JSONValue) -> PolarsDataType:
    if isinstance(value, str):
        return pl.Categorical() if value == "Categorical" else _PLAIN[value]
    if not isinstance(value, dict):
        raise TypeError(value)
    ((kind, parameters),) = value.items()
    arguments = cast("Any", parameters)
    match kind:
        case "Datetime":
            unit, zone = arguments
            return pl.Datetime(unit, _zone(zone))
        case "Duration":
            return pl.Duration(arguments)
        case "Decimal":
            precision, scale = map(_number, arguments)
            if not max(scale, 1) <= precision <= _MOST_DIGITS:
                raise ValueError(precision)
            return pl.Decimal(precision, scale)
        case "Enum":
            return pl.Enum([_name(category) for category in _list(arguments)])
        case "List":
            return pl.List(_parse(arguments))
        case "Array":
            inner, size = arguments
            return pl.Array(_parse(inner), _number(size))
        case "Struct":
            fields = {_name(name): _parse(dtype) for name, dtype in _list(arguments)}
            if len(fields) < len(arguments):
                raise ValueError(arguments)
            return pl.Struct(fields)
        case _:
            raise KeyError(kind)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return cast("list[Any]", value)


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    value.encode()  # half of a surrogate pair is no text
    return value


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _LARGEST_SIZE:
        raise ValueError(value)
    return value


def _zone(value: Any) -> str | None:
    return None if value is None else _known_zone(_name(value))


@cache
def _known_zone(name: str) -> str:
    pl.Series([], dtype=pl.Datetime("us")).dt.replace_time_zone(name)  # raises if there is none
    return name


def _shown(value: object) -> str:
    return reprlib.repr(value)
