"""Which rows have a value, or a key, that occurs more than once.

A proof that there are no duplicates is far cheaper than finding them, so it is tried first: keys
that strictly increase (0.5 ms for 1,000,000 integers). Then hashes are sorted and compared with
their neighbours (20 ms for 1,000,000 keys of two columns), and only rows with a repeated hash are
compared as such (``is_duplicated`` alone takes 100 ms).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.frames.tabular import numbered
from algomancy_data.relations.keys import complete_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars.datatypes import DataType as PolarsDataType

_SAMPLE: Final = 1024
_HASH_FACTOR: Final = pl.lit(0x9E37_79B9_7F4A_7C15, pl.UInt64)


def columns_with_duplicates(frame: pl.DataFrame, columns: Sequence[str]) -> list[str]:
    """Return those of the columns in which a value, other than null, occurs more than once.

    Args:
        frame: The table.
        columns: Columns of comparable dtypes.
    """
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


def duplicate_rows(keys: pl.DataFrame) -> pl.Series:
    """Return the numbers of the rows whose complete key occurs more than once.

    Rows with a null in any key column have no complete key. NaN equals NaN, 0.0 equals -0.0.

    Args:
        keys: The key columns, of comparable dtypes.

    Returns:
        Row numbers from 0, ascending (UInt32 or UInt64): every member of each group.
    """
    complete = complete_rows(keys)
    if complete is None and _strictly_increasing(keys):
        return pl.Series("row", [], dtype=pl.get_index_type())
    by_number = numbered(keys)
    names = by_number.columns
    rows = by_number.with_row_index("row")
    if complete is not None:
        rows = rows.filter(complete)
    suspects = rows.filter(_has_repeated_hash(rows.select(names))).lazy()
    repeated = suspects.group_by(names).len("rows").filter(pl.col("rows") > 1)
    members = suspects.join(repeated, on=names, how="semi", nulls_equal=True)
    return members.select("row").collect().to_series().sort()


def _has_repeated_hash(keys: pl.DataFrame) -> pl.Series:
    """Return which rows have the hash of another row: all duplicates, and seldom some other row."""
    combined, *others = (pl.col(name).hash() for name in keys.columns)
    for other in others:
        # Wraps around. 5 ms where the hash of a struct takes 11.
        combined = combined * _HASH_FACTOR + other
    hashes = keys.select(combined).to_series()
    ordered = hashes.sort()
    repeated = ordered.filter(ordered == ordered.shift())
    return hashes.is_in(repeated.implode())


def _strictly_increasing(keys: pl.DataFrame) -> bool:
    """Tell whether each row's key, free of nulls, is greater than that of the row before it."""
    if not all(_is_ordered(dtype) for dtype in keys.dtypes):
        return False
    # Keys in no order are found out by the sample.
    return _increases(keys.head(_SAMPLE)) and _increases(keys)


def _increases(keys: pl.DataFrame) -> bool:
    pairs = keys.height - 1
    if pairs < 1:
        return True
    greater = pl.lit(value=False)
    for name in reversed(keys.columns):
        before, after = pl.col(name).slice(0, pairs), pl.col(name).slice(1)
        greater = (after > before) | ((after == before) & greater)
    return bool(keys.select(greater.all()).item())


def _is_ordered(dtype: PolarsDataType) -> bool:
    return dtype.is_numeric() or dtype.is_temporal() or isinstance(dtype, pl.String | pl.Boolean)
