"""Joining columns into a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable


def side_by_side(columns: Iterable[pl.Series]) -> pl.DataFrame:
    """Return a frame of columns, with exactly their names.

    Polars itself gives a column without a name one of its own (upstream.md).

    Example:
        >>> side_by_side([pl.Series("", [1]), pl.Series("x", [2])]).columns
        ['', 'x']
    """
    given = list(columns)
    if all(one.name for one in given):
        return pl.DataFrame(given)
    frame = pl.DataFrame([one.alias(str(place)) for place, one in enumerate(given)])
    frame.columns = [one.name for one in given]
    return frame
