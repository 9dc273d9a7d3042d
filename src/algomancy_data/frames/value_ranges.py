"""Values that a column holds although its dtype says that it cannot.

Arrow data may have them, and so may a frame that was made of it. Nothing can be trusted to keep
them: a decimal of more digits than its type says is written, and never read again; a time of day
of thirty hours is shown as null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polars.datatypes import DataType as PolarsDataType

_DAY_NANOSECONDS: Final = 86_400_000_000_000


def impossible_values(frame: pl.DataFrame) -> str | None:
    """Say which column has a value that its dtype cannot have; None if there is none.

    It costs one look at the decimals and times of day, and nothing for other columns.

    Example:
        >>> impossible_values(pl.DataFrame({"a": [1]})) is None
        True
    """
    for name, dtype in frame.schema.items():
        if _has_range(dtype):
            for values in _leaves(frame[name]):
                what = _beyond(values)
                if what is not None:
                    return f"Column {name!r} has {what}"
    return None


def _has_range(dtype: PolarsDataType) -> bool:
    match dtype:
        case pl.List() | pl.Array():
            return _has_range(cast("PolarsDataType", dtype.inner))
        case pl.Struct():
            return any(_has_range(cast("PolarsDataType", f.dtype)) for f in dtype.fields)
        case _:
            return isinstance(dtype, pl.Decimal | pl.Time)


def _leaves(values: pl.Series) -> Iterator[pl.Series]:
    match values.dtype:
        case pl.List() | pl.Array():
            if not values.is_empty():
                yield from _leaves(values.explode())
        case pl.Struct():
            for field in values.dtype.fields:
                yield from _leaves(values.struct.field(field.name))
        case _:
            yield values


def _beyond(values: pl.Series) -> str | None:
    """Say what is wrong with the values of a column that is not nested."""
    match values.dtype:
        case pl.Decimal(precision=digits):
            largest = 10**digits - 1
            what = f"a decimal of more than {digits} digits, which its type does not allow"
            first = -largest
        case pl.Time():
            largest, first = _DAY_NANOSECONDS - 1, 0
            what = "a time of day outside 00:00 to 24:00"
        case _:
            return None
    numbers = values.to_physical()
    low, high = cast("Any", numbers.min()), cast("Any", numbers.max())
    return what if low is not None and (low < first or high > largest) else None
