"""The bits of floats."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polars.datatypes import DataType as PolarsDataType

_INTEGERS: Final[Mapping[PolarsDataType, Any]] = {
    pl.Float32(): pa.int32(),
    pl.Float64(): pa.int64(),
}
_SMALLEST: Final[Mapping[PolarsDataType, int]] = {pl.Float32(): -(2**31), pl.Float64(): -(2**63)}


def float_bits(floats: pl.Series) -> pl.Series:
    """Return the bits of floats as integers with a sign, without a copy.

    Example:
        >>> float_bits(pl.Series([0.0, -0.0, None])).to_list()
        [0, -9223372036854775808, None]
    """
    array: Any = floats.alias("").to_arrow()  # Arrow takes no name with NUL
    return pl.Series(array.view(_INTEGERS[floats.dtype]))


def has_negative_zero(floats: pl.Series) -> bool:
    """Tell whether a value is -0.0, whose bits are the smallest integer.

    Example:
        >>> has_negative_zero(pl.Series([0.0, -1.0])), has_negative_zero(pl.Series([1.0, -0.0]))
        (False, True)
    """
    least = cast("float | None", floats.min())
    if least is None or least > 0:
        return False
    return float_bits(floats).min() == _SMALLEST[floats.dtype]


def has_nan(floats: pl.Series) -> bool:
    """Tell whether a value is NaN.

    Example:
        >>> inf = float("inf")
        >>> has_nan(pl.Series([inf, -inf, None])), has_nan(pl.Series([inf - inf]))
        (False, True)
    """
    # The sum is a number only if all are, and there are not infinities of both signs.
    return isnan(floats.sum()) and floats.is_nan().any()
