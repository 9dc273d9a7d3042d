"""Which rows of a table refer to no row of another one.

Small tables are looked up as a whole. If one of them is large, memory is bounded: the large one is
gone through in slices, if the other is small; if both are large, by a bit per possible key, or by
codes (see :mod:`algomancy_data.relations.partitions`). Whose code is not among those of the other
table has no equal there; where a code is a hash, the values say whether two keys are equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import polars as pl

from algomancy_data.relations.keys import (
    complete_rows,
    distances,
    everywhere,
    look_up,
    match_keys,
    rows_where,
)
from algomancy_data.relations.partitions import (
    KEY_LIMITS,
    KeyLimits,
    Partitions,
    coded,
    dense_range,
    is_exact,
    rows_at,
    slices,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def unmatched(
    keys: pl.DataFrame, others: pl.DataFrame, limits: KeyLimits = KEY_LIMITS
) -> pl.Series:
    """Return which rows have a complete key that is not among the keys of the other table.

    A row with a null in any key column has no complete key. Keys whose dtypes have no value in
    common are never found. NaN equals NaN.

    Args:
        keys: Key columns of one table; any number of rows.
        others: Those of the other table, in the same order.
        limits: From which size they are looked at in slices.

    Returns:
        A Boolean per row of ``keys``, never null.

    Raises:
        ScratchError: Both are large, and there is no room for scratch files.

    Example:
        >>> flights = pl.DataFrame({"carrier": ["AA", "ZZ", None]})
        >>> unmatched(flights, pl.DataFrame({"code": ["AA", "UA"]})).to_list()
        [False, True, False]
    """
    if keys.is_empty():
        return everywhere(0, value=False)
    is_small = max(keys.height, others.height) <= limits.large
    if is_small or match_keys(keys.head(0), others.head(0)) is None:
        return look_up(keys, others)
    if others.height <= limits.part_rows:
        rows = max(limits.slice_rows, others.height)
        return pl.concat([look_up(part, others) for _, part in slices(keys, rows)]).rechunk()
    if keys.height <= limits.part_rows:
        return _without_those_in_slices(keys, others, limits)
    return _LargeTables(keys, others, limits).unmatched()


def matched_rows(
    keys: pl.DataFrame, others: pl.DataFrame, limits: KeyLimits = KEY_LIMITS
) -> pl.Series:
    """Return which rows have a complete key that is among the keys of the other table.

    The counterpart of :func:`unmatched`: false in both are the rows with an incomplete key.
    """
    missing = unmatched(keys, others, limits)
    complete = complete_rows(keys)
    return ~missing if complete is None else ~missing & complete


def rows_without_parent(
    child: pl.DataFrame, parent: pl.DataFrame, limits: KeyLimits = KEY_LIMITS
) -> pl.Series:
    """Return the numbers of the child rows whose complete key is not among the parent's keys.

    Args:
        child: The referring columns; any number of rows.
        parent: The columns referred to, in the same order.
        limits: From which size they are looked at in slices.

    Returns:
        Row numbers from 0, ascending (UInt32 or UInt64).

    Raises:
        ScratchError: Both are large, and there is no room for scratch files.

    Example:
        >>> rows_without_parent(
        ...     pl.DataFrame({"carrier": ["AA", "ZZ", None]}), pl.DataFrame({"code": ["AA", "UA"]})
        ... ).to_list()
        [1]
    """
    return rows_where(unmatched(child, parent, limits))


def _without_those_in_slices(
    keys: pl.DataFrame, others: pl.DataFrame, limits: KeyLimits
) -> pl.Series:
    """Return which of a few keys are in no slice of a large table."""
    missing = everywhere(keys.height, value=True)
    for _, part in slices(others, limits.part_rows):
        rows = rows_where(missing)
        missing = missing.scatter(rows, look_up(keys[rows], part))
    return missing


class _LargeTables:
    """Two tables that are both too large for a set of their keys in memory."""

    def __init__(self, keys: pl.DataFrame, others: pl.DataFrame, limits: KeyLimits) -> None:
        self._keys = keys
        self._others = others
        self._limits = limits
        self._missing = everywhere(keys.height, value=False)

    def unmatched(self) -> pl.Series:
        span = None
        if self._keys.width == 1:
            span = dense_range(
                (known.to_series() for _, known in self._other_slices()), self._limits
            )
        if span is None:
            self._mark_by_codes()
        else:
            self._mark_by_bits(*span)
        return self._missing

    def _slices(self) -> Iterator[tuple[int, pl.DataFrame, pl.DataFrame]]:
        """Yield the keys as they are and as they are compared."""
        none = self._others.head(0)
        for first, part in slices(self._keys, self._limits.slice_rows):
            yield first, part, _matched(part, none)[0]

    def _other_slices(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """Yield the other keys as they are compared."""
        none = self._keys.head(0)
        for first, part in slices(self._others, self._limits.slice_rows):
            yield first, _matched(none, part)[1]

    def _mark(self, first: int, missing: pl.Series) -> None:
        if missing.any():
            self._missing.scatter(rows_where(missing) + first, values=True)

    # --- a bit per possible key -------------------------------------------------------------

    def _mark_by_bits(self, low: int, high: int) -> None:
        there = everywhere(high - low + 1, value=False)
        for _, known in self._other_slices():
            values = known.to_series().to_physical()
            there.scatter(distances(values, low, high).drop_nulls(), values=True)
        for first, part, known in self._slices():
            values = known.to_series().to_physical()
            found = there.gather(distances(values, low, high)).fill_null(value=False)
            self._mark(first, ~found & part.to_series().is_not_null())

    # --- codes ------------------------------------------------------------------------------

    def _mark_by_codes(self) -> None:
        rows = max(self._keys.height, self._others.height)
        exact = is_exact(_matched(self._keys.head(0), self._others.head(0))[0].dtypes)
        with (
            Partitions(rows, self._limits, with_rows=True) as mine,
            Partitions(rows, self._limits, with_rows=not exact) as theirs,
        ):
            for first, part, known in self._slices():
                codes = coded(known, first)
                mine.add(codes)
                if codes.height < part.height:
                    self._mark_unknown(first, part, known)
            for first, known in self._other_slices():
                codes = coded(known, first)
                theirs.add(codes.select("code") if exact else codes)
            for ours, others in zip(mine, theirs, strict=True):
                self._mark_in_part(ours, others, exact=exact)

    def _mark_unknown(self, first: int, part: pl.DataFrame, known: pl.DataFrame) -> None:
        """Mark complete keys with a value that the dtype of the comparison does not have."""
        comparable = complete_rows(known)
        if comparable is not None:
            complete = complete_rows(part)
            self._mark(first, ~comparable if complete is None else ~comparable & complete)

    def _mark_in_part(self, ours: pl.DataFrame, others: pl.DataFrame, *, exact: bool) -> None:
        """Mark the keys of one part; their equals are in the same part of the other table."""
        candidates = others
        if others.height > 2 * self._limits.part_rows:  # there are keys that occur often
            candidates = others.clear()
            for _, piece in slices(others, self._limits.part_rows):
                candidates = pl.concat([candidates, piece]).unique(
                    "code", keep="first", maintain_order=True
                )
        if not exact and _has_repeated(candidates["code"]):
            candidates = candidates.unique("code", keep="first", maintain_order=True)
        for _, piece in slices(ours, self._limits.part_rows):
            if exact:
                missing = ~piece["code"].is_in(candidates["code"].implode())
                self._missing.scatter(piece["row"].filter(missing), values=True)
            else:
                self._mark_unequal(piece, candidates, others)

    def _mark_unequal(
        self, ours: pl.DataFrame, candidates: pl.DataFrame, others: pl.DataFrame
    ) -> None:
        """Mark the keys without an equal; mostly it is the first one with the same code.

        Args:
            ours: Codes and rows of the keys, by row.
            candidates: Those of the other keys, the first ones of their codes, by row.
            others: Those of all other keys.
        """
        pairs = (
            ours.with_row_index("mine")
            # Frames that are sorted by a column are joined on it 15 times as fast.
            .sort("code")
            .join(
                candidates.select("code").with_row_index("place").sort("code"),
                on="code",
                how="left",
                maintain_order="left",
            )
        )
        keys = rows_at(self._keys, ours["row"])
        candidate_keys = rows_at(self._others, candidates["row"])
        known, other_known = _matched(keys, candidate_keys)
        equal = pl.select(
            pl.all_horizontal(
                column.gather(pairs["mine"]).eq_missing(other.gather(pairs["place"]))
                for column, other in zip(known, other_known, strict=True)
            )
        ).to_series()
        missing = pairs["place"].is_null()
        self._missing.scatter(pairs["row"].filter(missing), values=True)
        suspects = pairs.filter(~(equal | missing))
        if suspects.height:
            codes = suspects["code"].unique()
            rows = others.filter(pl.col("code").is_in(codes.implode()))["row"]
            unequal = look_up(keys[suspects["mine"]], rows_at(self._others, rows))
            self._missing.scatter(suspects["row"].filter(unequal), values=True)


def _has_repeated(codes: pl.Series) -> bool:
    ordered = codes.sort()
    return bool((ordered == ordered.shift()).any())


def _matched(keys: pl.DataFrame, others: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return both as they are compared; that there is a way is known."""
    return cast("tuple[pl.DataFrame, pl.DataFrame]", match_keys(keys, others))
