"""Columns by number, since a name may be anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with numbers for names: Polars takes ``*`` and ``^…$`` for patterns.

    Example:
        >>> import polars as pl
        >>> numbered(pl.DataFrame({"*": [1], "^a$": [2]})).columns
        ['0', '1']
    """
    with_numbers = frame.clone()
    with_numbers.columns = [str(number) for number in range(frame.width)]
    return with_numbers
