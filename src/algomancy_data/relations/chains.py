"""Tables that refer to themselves: rows whose chain of parents ends at one that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.relations.keys import match_keys, unmatched

if TYPE_CHECKING:
    from collections.abc import Sequence


def broken_chains(
    frame: pl.DataFrame, child_cols: Sequence[str], parent_cols: Sequence[str], kept: pl.Series
) -> pl.Series:
    """Return which rows refer to a missing row, directly or through any number of others.

    A row without a complete key ends its chain well, and a cycle has no end that could be missing.

    Args:
        frame: A table that refers to itself.
        child_cols: The referring columns.
        parent_cols: The columns referred to, in the same order.
        kept: Which rows are there (Boolean, no nulls); the others count as missing.

    Returns:
        A Boolean per row, never null; false where the row itself is missing.

    Example:
        >>> staff = pl.DataFrame({"id": [1, 2, 3, 4], "boss": [None, 9, 2, 1]})
        >>> broken_chains(staff, ["boss"], ["id"], pl.Series([True] * 4)).to_list()
        [False, True, True, False]
    """
    child, parent = frame.select(child_cols), frame.select(parent_cols)
    broken = unmatched(child, parent.filter(kept)) & kept
    if not broken.any():
        return broken
    up = _parent_rows(child, parent, kept)
    whole = kept & ~broken
    whole = _whole_by_passes(child, parent, whole) if up is None else _whole_by_leaps(up, whole)
    return kept & ~whole


def _parent_rows(child: pl.DataFrame, parent: pl.DataFrame, kept: pl.Series) -> pl.Series | None:
    """Return the row number of each row's parent, its own if there is none.

    None if a row has several parents, or none can be found at all.
    """
    matched = match_keys(child, parent)
    if matched is None:
        return None
    keys, parent_keys = matched
    parents = parent_keys.lazy().with_row_index("parent").filter(kept)
    pairs = keys.lazy().join(parents, on=keys.columns, how="left", maintain_order="left")
    up = pairs.select("parent").collect().to_series()
    if len(up) > child.height:
        return None
    return up.fill_null(pl.int_range(child.height, dtype=pl.get_index_type(), eager=True))


def _whole_by_leaps(up: pl.Series, whole: pl.Series) -> pl.Series:
    """Follow all chains at once; each round doubles how far: 20 rounds for 1,000,000 links.

    If a round finds nothing new, no longer chain has a missing end either: some row inside it
    would be that far from it, and would have been found.
    """
    while True:
        further = whole & whole.gather(up)
        if further.sum() == whole.sum():
            return whole
        whole, up = further, up.gather(up)


def _whole_by_passes(child: pl.DataFrame, parent: pl.DataFrame, whole: pl.Series) -> pl.Series:
    """Take a row as missing when all its parents are: as many passes as the longest chain has."""
    while True:
        further = whole & ~unmatched(child, parent.filter(whole))
        if further.sum() == whole.sum():
            return whole
        whole = further
