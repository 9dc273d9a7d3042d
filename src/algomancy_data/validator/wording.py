"""How values of a frame are written in a message: short, plain, and as Python writes them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from reprlib import Repr
from typing import TYPE_CHECKING, Any, Final

from algomancy_data.frames.values import ValueText

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST: Final = 80
_SHORT: Final = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = _LONGEST


def show_row(columns: Sequence[str], values: Sequence[Any]) -> str:
    """Return the cells of a row with their columns' names.

    Example:
        >>> show_row(["carrier", "day"], ["AA", 5])
        "carrier='AA', day=5"
    """
    return ", ".join(
        f"{column}={show_value(value)}" for column, value in zip(columns, values, strict=True)
    )


def show_value(value: Any) -> str:
    """Return a cell as text, cut in the middle where it is long.

    Example:
        >>> show_value("AA"), show_value(dt.date(2013, 1, 1))
        ("'AA'", '2013-01-01')
    """
    if isinstance(value, dt.date | dt.time | dt.timedelta | Decimal | ValueText):
        return str(value)
    return _SHORT.repr(value)
