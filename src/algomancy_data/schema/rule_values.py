"""Values that rules compare with, and exact comparisons."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from polars.exceptions import PolarsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from polars.datatypes import DataType as PolarsDataType

_COMPARE: Final[dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]]] = {
    "min": pl.Expr.ge,
    "min_exclusive": pl.Expr.gt,
    "max": pl.Expr.le,
    "max_exclusive": pl.Expr.lt,
}
# What a bound says that lies between two moments of a coarser unit, rounded down to the earlier.
_BETWEEN: Final = {"min": "min_exclusive", "max_exclusive": "max"}

_PYTHON_TYPES: Final[tuple[tuple[Any, tuple[type, ...]], ...]] = (
    (pl.Decimal, (Decimal, int)),
    ((pl.Float32, pl.Float64), (float, int)),
    (pl.Date, (dt.date,)),
    (pl.Datetime, (dt.datetime,)),
    (pl.Time, (dt.time,)),
    (pl.Duration, (dt.timedelta,)),
    (pl.Boolean, (bool,)),
    (pl.Binary, (bytes,)),
    ((pl.String, pl.Categorical, pl.Enum), (str,)),
    (pl.DataType, (int,)),
)
# They are a date and an int to Python, and something else to the author of a rule.
_KINDS_OF_THEIR_OWN: Final = (bool, dt.datetime)
_FEW: Final = 8
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


def problem_of_value(value: Any, dtype: PolarsDataType) -> str | None:
    """Return why columns of a dtype cannot hold a value exactly, or None.

    Example:
        >>> problem_of_value(300, pl.UInt8()), problem_of_value("x", pl.String())
        ('UInt8 cannot hold this value exactly', None)
    """
    types = next(types for dtypes, types in _PYTHON_TYPES if isinstance(dtype, dtypes))
    is_other = any(isinstance(value, kind) and kind not in types for kind in _KINDS_OF_THEIR_OWN)
    if is_other or not isinstance(value, types):
        names = " or ".join(kind.__name__ for kind in types)
        return f"{dtype} holds no {type(value).__name__}; give {names}"
    is_naive = isinstance(value, dt.datetime) and value.tzinfo is None
    if isinstance(dtype, pl.Datetime) and is_naive != (dtype.time_zone is None):
        return f"{dtype} needs a moment {'with' if dtype.time_zone else 'without'} a time zone"
    try:
        held: Any = pl.Series([value], dtype=dtype, strict=True).item()
    except (PolarsError, TypeError, ValueError, OverflowError):
        held = None
    if held == value or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(dtype, pl.Float32) and held is not None and math.isfinite(held):
        return None  # the nearest number is what is meant
    return f"{dtype} cannot hold this value exactly"


def is_among(column: pl.Expr, allowed: Sequence[Any], dtype: PolarsDataType) -> pl.Expr:
    """Return whether values are among the allowed ones.

    Args:
        column: The column.
        allowed: Values that columns of the declared dtype can hold.
        dtype: The dtype of the column, which may have another unit of time.
    """
    if isinstance(dtype, pl.Datetime | pl.Duration):
        ticks = [_ticks(value, dtype) for value in allowed]
        exact = [whole for whole, rest in ticks if not rest and _LOWEST <= whole <= _HIGHEST]
        values = pl.Series(exact, dtype=pl.Int64).cast(dtype)
    else:
        values = pl.Series(allowed, dtype=dtype, strict=False).drop_nulls()
        if isinstance(dtype, pl.String) and len(values) <= _FEW:
            # 7 ms where a set takes 18 (1,000,000 texts, six values).
            return reduce(pl.Expr.or_, (column == value for value in values))
    return column.is_in(values.implode())


def keeps_bound(column: pl.Expr, bound: str, value: Any, dtype: PolarsDataType) -> pl.Expr:
    """Return whether values keep a bound, exactly, whatever unit of time the column has.

    Args:
        column: The column.
        bound: ``"min"``, ``"max"``, ``"min_exclusive"`` or ``"max_exclusive"``.
        value: A value that columns of the declared dtype can hold.
        dtype: The dtype of the column, which may have another unit of time.

    Example:
        >>> day = pl.Series([dt.timedelta(milliseconds=2)], dtype=pl.Duration("ms"))
        >>> least = keeps_bound(pl.lit(day), "min", dt.timedelta(microseconds=2001), day.dtype)
        >>> pl.select(least).item()
        False
    """
    if not isinstance(dtype, pl.Datetime | pl.Duration):
        return _COMPARE[bound](column, pl.lit(value, dtype=dtype))
    ticks, rest = _ticks(value, dtype)
    if not _LOWEST <= ticks <= _HIGHEST:  # beyond all that the column can hold
        is_kept = (ticks > 0) == bound.startswith("max")
        return pl.lit(value=True) if is_kept else column.is_null()
    compare = _COMPARE[_BETWEEN.get(bound, bound) if rest else bound]
    return compare(column, pl.lit(ticks, dtype=pl.Int64).cast(dtype))


def _ticks(value: Any, dtype: pl.Datetime | pl.Duration) -> tuple[int, int]:
    """Return a value in units of the dtype, rounded down, and the remainder."""
    if isinstance(value, dt.datetime):
        value = value - dt.datetime(1970, 1, 1, tzinfo=None if value.tzinfo is None else dt.UTC)
    microseconds: int = value // _MICROSECOND
    match dtype.time_unit:
        case "ns":
            return microseconds * 1000, 0
        case "us":
            return microseconds, 0
        case _:
            return divmod(microseconds, 1000)
