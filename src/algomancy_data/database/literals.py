"""The literals of a Polars expression, as the columns that they are compared with have them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.frames.predicates import literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars.datatypes import DataType as PolarsDataType

_MAX_INTEGER: Final = 2**63 - 1
# Whole numbers below are themselves as floats, and no other number rounds to them.
_EXACT_FLOATS: Final = 2**53


def compared_literal(tree: Any, dtype: PolarsDataType) -> pl.Series | None:
    """Return the literal that a column is compared with as a value of the column's dtype.

    Args:
        tree: The literal, as in :func:`literal`.
        dtype: The column's dtype.

    Returns:
        The value; None if there is none, or if it compares in another way than as such a value.
    """
    is_exact = False
    match tree:
        case {"Literal": {"Dyn": {"Int": int(number)}}} if abs(number) <= _MAX_INTEGER:
            # Polars takes the column's own type, whatever the number.
            values, is_exact = pl.Series([number], dtype=pl.Int64()), dtype.is_integer()
        case {"Literal": {"Dyn": {"Float": float(number)}}}:
            values = pl.Series([number])
        case {"Literal": {"Scalar": {"Float64": float(number)}}}:
            values = pl.Series([number])
        case {"Literal": {"Scalar": {"Float32": _}}}:
            return None  # its digits need not be read as the same number
        case {"Literal": {"Scalar": _}}:
            values = literal(tree)
        case _:
            return None
    if values is None or values.null_count():
        return None
    return fitting(values, dtype, is_exact=is_exact)


def compared_bounds(
    low: Any, high: Any, dtype: PolarsDataType
) -> tuple[pl.Series, pl.Series] | None:
    """Return the two literals between which the values of a column are looked for, as above.

    Polars compares all three in one dtype: with a float for one bound, it may round the other.
    """
    first, last = compared_literal(low, dtype), compared_literal(high, dtype)
    if first is None or last is None:
        return None
    numbers = [*first.to_list(), *last.to_list()] if dtype.is_integer() else []
    return (first, last) if _form(low) == _form(high) or _are_small(numbers) else None


def _form(tree: Any) -> tuple[str, ...]:
    """Return what kind of literal it is: ``("Dyn", "Int")`` or ``("Scalar", "Int8")``."""
    ((family, value),) = tree["Literal"].items()
    return (family, *value)


def fitting(
    values: pl.Series, dtype: PolarsDataType, *, is_exact: bool = False
) -> pl.Series | None:
    """Return literals in a column's dtype, or None if they may compare with it in another way.

    Numbers of two dtypes are compared as those of a third, which may round them.
    """
    try:
        return _cast(values, dtype, is_exact=is_exact)
    except PolarsError:
        return None


def _cast(values: pl.Series, dtype: PolarsDataType, *, is_exact: bool) -> pl.Series | None:
    if dtype.is_integer() and values.dtype.is_integer():
        if is_exact or values.dtype == dtype or _are_small(values.to_list()):
            return values.cast(dtype)
        return None
    if dtype.is_float() and (values.dtype.is_integer() or values.dtype.is_float()):
        numbers = values.to_list()
        cast = pl.Series(numbers, dtype=pl.Float64()).cast(dtype)
        is_same = all(map(math.isfinite, numbers)) and cast.cast(pl.Float64()).to_list() == numbers
        return cast if is_same else None
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return values if values.dtype == pl.String() else None
    return values if values.dtype == dtype else None


def _are_small(numbers: Sequence[int]) -> bool:
    return all(abs(number) < _EXACT_FLOATS for number in numbers)
