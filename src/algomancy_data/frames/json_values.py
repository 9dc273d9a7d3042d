"""Values as JSON holds them, and back: exactly, or with an error.

Numbers are JSON numbers with all their digits, dates and times are ISO 8601 text (instants in
UTC), decimals and categories are text, durations are whole numbers of their unit, binary values
are base64. JSON has no NaN and no infinity, and ISO 8601 no years beyond 0001 to 9999: where a
column has such values, its form says that its floats are text, or its dates numbers since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

    from polars.datatypes import DataType as PolarsDataType

_DATETIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S%.f"
_UTC_SUFFIX: Final = "+00:00"
# Days since 1970 of 0001-01-01 and 9999-12-31.
_FIRST_DAY: Final = -719_162
_LAST_DAY: Final = 2_932_896
_PER_DAY: Final = {"ms": 86_400_000, "us": 86_400_000_000}


@dataclass(frozen=True)
class JSONForm:
    """The form of a column's leaves.

    Args:
        text_floats: Floats are text (``"NaN"``, ``"-inf"``).
        number_dates: Dates and datetimes are whole numbers since 1970.
    """

    text_floats: bool = False
    number_dates: bool = False


PLAIN: Final = JSONForm()
"""The form of columns without values that JSON or ISO 8601 lacks."""


def to_json_values(
    value: pl.Expr, dtype: PolarsDataType, form: JSONForm = PLAIN, *, is_inner: bool = False
) -> pl.Expr:
    """Return values in the dtype that :func:`json_dtype` names.

    Args:
        value: A column of ``dtype``.
        dtype: The dtype.
        form: Its form.
        is_inner: The values are inside lists or structs, where others may hide under nulls.

    Example:
        >>> frame = pl.DataFrame({"x": [{"day": b"ab", "n": [1, 2]}, None]})
        >>> values = to_json_values(pl.col("x"), frame.schema["x"])
        >>> frame.select(values).to_series().to_list()
        [{'day': 'YWI=', 'n': [1, 2]}, None]
    """

    def inner(value: pl.Expr, dtype: PolarsDataType) -> pl.Expr:
        return to_json_values(value, dtype, form, is_inner=True)

    match dtype:
        case pl.Float16() | pl.Float32() | pl.Float64():
            # Float16 is written with too few digits, as a wider float it is exact.
            wide = value.cast(pl.Float32) if dtype == pl.Float16() else value
            return wide.cast(pl.String) if form.text_floats else wide
        case pl.Date() | pl.Datetime() if form.number_dates:
            return value.to_physical().cast(pl.Int64)
        case pl.Date() | pl.Datetime():
            zoned = isinstance(dtype, pl.Datetime) and dtype.time_zone is not None
            utc = value.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zoned else value
            text = (_with_iso_year(utc, dtype) if is_inner else utc).dt.to_string("iso:strict")
            return text + _UTC_SUFFIX if zoned else text
        case pl.Time():
            return value.dt.to_string("iso:strict")
        case pl.Duration():
            return value.to_physical()
        case pl.Decimal() | pl.Categorical() | pl.Enum():
            return value.cast(pl.String)
        case pl.Binary():
            return value.bin.encode("base64")
        case pl.List():
            return value.list.eval(inner(pl.element(), _inner(dtype)))
        case pl.Array():
            return value.arr.to_list().list.eval(inner(pl.element(), _inner(dtype)))
        case pl.Struct():
            return _map_fields(value, dtype, inner)
        case _:
            return value


def json_dtype(dtype: PolarsDataType, form: JSONForm = PLAIN) -> PolarsDataType:
    """Return the dtype that a column's values have in JSON.

    Example:
        >>> json_dtype(pl.Array(pl.Date(), 2)), json_dtype(pl.Date(), JSONForm(number_dates=True))
        (List(String), Int64)
    """
    match dtype:
        case pl.Float16() | pl.Float32() | pl.Float64():
            if form.text_floats:
                return pl.String()
            return pl.Float32() if dtype == pl.Float16() else dtype
        case pl.Date() | pl.Datetime() if form.number_dates:
            return pl.Int64()
        case pl.Duration():
            return pl.Int64()
        case pl.List() | pl.Array():
            return pl.List(json_dtype(_inner(dtype), form))
        case pl.Struct():
            return pl.Struct({one.name: json_dtype(_dtype(one), form) for one in dtype.fields})
        case _ if dtype.is_temporal() or isinstance(
            dtype, pl.Binary | pl.Decimal | pl.Categorical | pl.Enum
        ):
            return pl.String()
        case _:
            return dtype


def from_json_values(value: pl.Expr, dtype: PolarsDataType, form: JSONForm = PLAIN) -> pl.Expr:
    """Return the values that :func:`to_json_values` was given.

    Args:
        value: A column of the dtype that :func:`json_dtype` names.
        dtype: The dtype of the result.
        form: Its form.

    Raises:
        PolarsError: When evaluated: a value is none of the dtype.
    """

    def inner(value: pl.Expr, dtype: PolarsDataType) -> pl.Expr:
        return from_json_values(value, dtype, form)

    match dtype:
        case pl.Date() if form.number_dates:
            return value.cast(pl.Int32).cast(dtype)
        case pl.Datetime() if form.number_dates:
            return value.cast(dtype)
        case pl.Datetime(time_unit=unit, time_zone=str(zone)):
            text = value.str.strip_suffix(_UTC_SUFFIX)
            utc = text.str.to_datetime(_DATETIME_FORMAT, time_unit=unit, time_zone="UTC")
            return utc.dt.convert_time_zone(zone)
        case pl.Datetime(time_unit=unit):
            return value.str.to_datetime(_DATETIME_FORMAT, time_unit=unit)
        case pl.Date():
            return value.str.to_date("%Y-%m-%d")
        case pl.Time():
            return value.str.to_time("%H:%M:%S%.f")
        case pl.Binary():
            return value.str.decode("base64")
        case pl.List():
            return value.list.eval(inner(pl.element(), _inner(dtype)))
        case pl.Array(size=size):
            return value.list.eval(inner(pl.element(), _inner(dtype))).list.to_array(size)
        case pl.Struct():
            return _map_fields(value, dtype, inner)
        case _:
            return value.cast(dtype)


def has_iso_years(leaf: pl.Series) -> bool:
    """Tell whether all dates of a column have a year that ISO 8601 can write."""
    ends = _iso_ends(leaf.dtype)
    return ends is None or bool(leaf.to_physical().is_between(*ends).all())


def _with_iso_year(value: pl.Expr, dtype: PolarsDataType) -> pl.Expr:
    """Return the value; or null for one that hides under a null, and would make Polars panic."""
    ends = _iso_ends(dtype)
    return value if ends is None else pl.when(value.to_physical().is_between(*ends)).then(value)


def _iso_ends(dtype: PolarsDataType) -> tuple[int, int] | None:
    """Return the first and last physical value with an ISO 8601 year; None if all have one."""
    match dtype:
        case pl.Date():
            per_day = 1
        case pl.Datetime(time_unit="ms" | "us" as unit):
            per_day = _PER_DAY[unit]
        case _:  # 64 bits of nanoseconds reach from 1677 to 2262
            return None
    return _FIRST_DAY * per_day, (_LAST_DAY + 1) * per_day - 1


def _map_fields(
    value: pl.Expr, dtype: pl.Struct, convert: Callable[[pl.Expr, PolarsDataType], pl.Expr]
) -> pl.Expr:
    """Convert each field of a struct; a null struct stays null rather than one of nulls."""
    if not dtype.fields:
        return value  # and Polars makes no struct without fields
    # By number, since Polars takes a field named "*" or "^…$" for a pattern (upstream.md).
    numbered = value.struct.rename_fields([str(number) for number in range(len(dtype.fields))])
    fields = pl.struct(
        convert(numbered.struct.field(str(number)), _dtype(field)).alias(field.name)
        for number, field in enumerate(dtype.fields)
    )
    return pl.when(value.is_not_null()).then(fields)


def _inner(dtype: pl.List | pl.Array) -> PolarsDataType:
    return cast("PolarsDataType", dtype.inner)


def _dtype(field: pl.Field) -> PolarsDataType:
    return cast("PolarsDataType", field.dtype)
