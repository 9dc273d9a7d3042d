"""Which rows have a value, or a key, that occurs more than once.

A proof that there are no duplicates is far cheaper than finding them, so it is tried first: keys
that strictly increase (0.5 ms for 1,000,000 integers). Whole numbers and times that lie close
together have a place each, which remembers the last row with that value (7 ms). The codes of other
keys are sorted and compared with their neighbours (20 ms), and where a code is a hash, rows that
share one are compared as such (``is_duplicated`` alone takes 50 to 100 ms).

Large tables are looked at in slices: see :mod:`algomancy_data.relations.partitions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.frames.tabular import numbered
from algomancy_data.relations.keys import complete_rows, distances, everywhere, rows_where
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
    from collections.abc import Iterable, Iterator, Sequence

    from polars.datatypes import DataType as PolarsDataType

_SAMPLE: Final = 1024
# Places of up to so many per row are cheaper than sorted codes.
_SPARSEST: Final = 4
# Of so many repeated codes each row's is looked up; of more, all rows are divided again.
_FEW_CODES: Final = 500_000


def columns_with_duplicates(
    frame: pl.DataFrame, columns: Sequence[str], limits: KeyLimits = KEY_LIMITS
) -> list[str]:
    """Return the columns in which a value, other than null, occurs more than once.

    Args:
        frame: The table.
        columns: Columns of comparable dtypes.
        limits: From which size the table is looked at in slices.
    """
    if frame.height > limits.large:
        by_column = ((c, duplicate_rows(frame.select(c), limits)) for c in columns)
        return [column for column, rows in by_column if len(rows)]
    doubtful = [
        column
        for column in columns
        if frame[column].null_count() or not _strictly_increasing(frame.select(column))
    ]
    if not doubtful:
        return []
    # n_unique counts null as one more value.
    distinct = frame.select(pl.col(doubtful).n_unique().cast(pl.Int64)).row(0)
    return [
        column
        for column, count in zip(doubtful, distinct, strict=True)
        if count - (frame[column].null_count() > 0) < frame.height - frame[column].null_count()
    ]


def duplicate_rows(keys: pl.DataFrame, limits: KeyLimits = KEY_LIMITS) -> pl.Series:
    """Return the numbers of the rows whose complete key occurs more than once.

    Rows with a null in any key column have no complete key. NaN equals NaN, 0.0 equals -0.0.

    Args:
        keys: The key columns, of comparable dtypes.
        limits: From which size they are looked at in slices.

    Returns:
        Row numbers from 0, ascending (UInt32 or UInt64): every member of each group.

    Raises:
        ScratchError: They are many, and there is no room for scratch files.
    """
    if keys.height > limits.large:
        return _of_large(numbered(keys), limits)
    if complete_rows(keys) is None and _strictly_increasing(keys):
        return pl.Series("row", [], dtype=pl.get_index_type())
    span = dense_range([keys.to_series()], limits, _SPARSEST) if keys.width == 1 else None
    if span is not None:
        return rows_where(_by_places(keys.to_series(), *span)).alias("row")
    by_number = numbered(keys)
    codes = coded(by_number)
    suspects = codes["row"].filter(_is_repeated(codes["code"]))
    if suspects.is_empty() or is_exact(keys.dtypes):
        return suspects
    values = rows_at(by_number, suspects)
    return _members(values.with_columns(suspects), _repeated([values])).sort()


def _by_places(column: pl.Series, low: int, high: int) -> pl.Series:
    """Return which rows of a column are duplicates, by a place per possible value."""
    places = distances(column.to_physical(), low, high)
    rows = pl.int_range(len(places), dtype=pl.get_index_type(), eager=True)
    is_complete = places.is_not_null()
    last = pl.repeat(0, high - low + 1, dtype=rows.dtype, eager=True)
    last.scatter(places.filter(is_complete), rows.filter(is_complete))
    # Rows whose place remembers a later one: all but one of each group.
    again = places.filter(last.gather(places) != rows)
    if again.is_empty():
        return everywhere(len(places), value=False)
    duplicate = everywhere(high - low + 1, value=False)
    duplicate.scatter(again, values=True)
    return duplicate.gather(places).fill_null(value=False)


def _is_repeated(codes: pl.Series) -> pl.Series:
    """Return which codes occur more than once."""
    return codes.is_in(_repeats(codes).implode())


def _repeats(codes: pl.Series) -> pl.Series:
    """Return the codes that occur more than once, each as often as it occurs but for once."""
    ordered = codes.sort()
    return ordered.filter(ordered == ordered.shift())


def _repeated(pieces: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return the keys that occur more than once in all pieces together."""
    counts = pl.DataFrame()
    for piece in pieces:
        more = piece.group_by(piece.columns).len("rows")
        if counts.width:
            more = pl.concat([counts, more]).group_by(piece.columns).agg(pl.col("rows").sum())
        counts = more
    return counts.filter(pl.col("rows") > 1).drop("rows")


def _members(rows: pl.DataFrame, keys: pl.DataFrame) -> pl.Series:
    """Return the numbers of the rows with one of the keys."""
    members = rows.join(keys, on=keys.columns, how="semi", nulls_equal=True)
    return members["row"]


# --- large tables -----------------------------------------------------------------------------


def _of_large(keys: pl.DataFrame, limits: KeyLimits) -> pl.Series:
    if _increases_in_slices(keys, limits):
        return pl.Series("row", [], dtype=pl.get_index_type())
    columns = (part.to_series() for _, part in slices(keys, limits.slice_rows))
    span = dense_range(columns, limits) if keys.width == 1 else None
    duplicate = _by_codes(keys, limits) if span is None else _by_bits(keys, *span, limits)
    return rows_where(duplicate).alias("row")


def _increases_in_slices(keys: pl.DataFrame, limits: KeyLimits) -> bool:
    if complete_rows(keys) is not None or not _strictly_increasing(keys.head(_SAMPLE)):
        return False
    return all(
        _increases(keys.slice(max(first - 1, 0), limits.slice_rows + 1))
        for first, _ in slices(keys, limits.slice_rows)
    )


def _by_bits(keys: pl.DataFrame, low: int, high: int, limits: KeyLimits) -> pl.Series:
    """Return which rows of a column are duplicates, by a bit per possible value."""

    def positions() -> Iterator[pl.Series]:
        for _, part in slices(keys, limits.slice_rows):
            yield distances(part.to_series().to_physical(), low, high)

    span = high - low + 1
    once = everywhere(span, value=False)
    values = 0
    for found in positions():
        there = found.drop_nulls()
        values += len(there)
        once.scatter(there, values=True)
    if once.sum() == values:
        return everywhere(keys.height, value=False)
    once, again = everywhere(span, value=False), everywhere(span, value=False)
    for found in positions():
        there = found.drop_nulls()
        earlier, values = once.gather(there), once.sum() + len(there)
        once.scatter(there, values=True)
        if once.sum() < values:
            again.scatter(there.filter(earlier | there.is_duplicated()), values=True)
    return pl.concat(
        [again.gather(found).fill_null(value=False) for found in positions()]
    ).rechunk()


def _by_codes(keys: pl.DataFrame, limits: KeyLimits) -> pl.Series:
    """Return which rows are duplicates, by codes that are partitioned on disk."""
    duplicate = everywhere(keys.height, value=False)
    repeated: pl.Series | None = None
    with Partitions(keys.height, limits) as parts:
        for _, part in slices(keys, limits.slice_rows):
            parts.add(coded(part).select("code"))
        repeated = _repeated_codes((part["code"] for part in parts), limits)
    if repeated is not None and repeated.is_empty():
        return duplicate
    with Partitions(keys.height, limits, with_rows=True) as parts:
        for first, part in slices(keys, limits.slice_rows):
            suspects = coded(part, first)
            if repeated is not None:
                suspects = suspects.filter(pl.col("code").is_in(repeated.implode()))
            parts.add(suspects)
        for suspects in parts:
            for rows in _in_part(suspects, keys, limits):
                duplicate.scatter(rows, values=True)
    return duplicate


def _repeated_codes(parts: Iterable[pl.Series], limits: KeyLimits) -> pl.Series | None:
    """Return the codes that occur more than once, or None if there are too many."""
    found: list[pl.Series] = []
    for codes in parts:
        if len(codes) > 2 * limits.part_rows:  # no part is that large if most codes differ
            return None
        found.append(_repeats(codes).unique())
        if sum(map(len, found)) > _FEW_CODES:
            return None
    return pl.concat(found)


def _in_part(suspects: pl.DataFrame, keys: pl.DataFrame, limits: KeyLimits) -> Iterator[pl.Series]:
    """Yield the duplicate rows of one part, which has all rows with its keys."""
    if suspects.height <= limits.part_rows:
        suspects = suspects.filter(suspects["code"].is_duplicated())
        if suspects.is_empty():
            return

    def pieces() -> Iterator[pl.DataFrame]:
        for _, piece in slices(suspects, limits.part_rows):
            if is_exact(keys.dtypes):
                yield piece
            else:
                values = rows_at(keys, piece["row"])
                yield values.with_columns(piece["row"])

    repeated = _repeated(piece.drop("row") for piece in pieces())
    for piece in pieces():
        yield _members(piece, repeated)


def _strictly_increasing(keys: pl.DataFrame) -> bool:
    """Tell whether each row's key, without nulls, is greater than that of the row before."""
    if not all(_is_ordered(dtype) for dtype in keys.dtypes):
        return False
    # Keys in no order are found out by the sample.
    return _increases(keys.head(_SAMPLE)) and (keys.height <= _SAMPLE or _increases(keys))


def _increases(keys: pl.DataFrame) -> bool:
    pairs = keys.height - 1
    if pairs < 1:
        return True
    greater: pl.Series | None = None
    # Without a query: to plan it takes ten times as long as to compare a thousand keys.
    for column in reversed(keys.get_columns()):
        before, after = column.head(pairs), column.slice(1)
        by_this = after > before
        greater = by_this if greater is None else by_this | ((after == before) & greater)
    return greater is not None and greater.all()


def _is_ordered(dtype: PolarsDataType) -> bool:
    return dtype.is_numeric() or dtype.is_temporal() or isinstance(dtype, pl.String | pl.Boolean)
