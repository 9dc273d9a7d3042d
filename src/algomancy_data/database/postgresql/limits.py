"""How much PostgreSQL takes: columns in a table, bytes in a row.

The numbers are those of a server with pages of 8 kB, which practically every server is built with
(https://www.postgresql.org/docs/current/limits.html,
https://www.postgresql.org/docs/current/storage-page-layout.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import polars as pl

from algomancy_data.errors import UnstorableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from algomancy_data.database.layout import ColumnLayout

MAX_COLUMNS: Final = 1600
"""MaxHeapAttributeNumber."""

MAX_ROW_BYTES: Final = 1_000_000_000
"""Of the values in a row: a row travels as one message, which can have 1 GiB in all."""

MAX_PAGE_BYTES: Final = 8160
"""Of a row with its header, after long values have moved out to the table's TOAST."""

_MAX_ALIGNMENT: Final = 8
_HEADER: Final = 23
# Any longer value is compressed, or moved out of the row, when the row does not fit otherwise. What
# is not moved has up to 24 bytes, and what is compressed begins at a multiple of 4.
_LONGEST_IN_PAGE: Final = 27
_FIXED: Final = {
    "smallint": 2,
    "integer": 4,
    "bigint": 8,
    "real": 4,
    "double precision": 8,
    "boolean": 1,
    "date": 4,
    "timestamp without time zone": 8,
    "timestamp with time zone": 8,
    "time without time zone": 8,
}


def check_limits(
    table: str,
    columns: Sequence[ColumnLayout],
    longest: Sequence[int],
    height: int,
    encode: Callable[[], pl.DataFrame],
) -> None:
    """Make sure that a frame fits into a table.

    Args:
        table: What to call it in an error.
        columns: How its columns lie in it.
        longest: Number of bytes of each column's longest value, if it has no fixed length.
        height: Number of rows.
        encode: Return the frame as it goes into the table; called in the rare doubtful case.

    Raises:
        UnstorableError: There are too many columns, or a row is too long.
    """
    if len(columns) > MAX_COLUMNS:
        msg = (
            f"Table {table!r} needs {len(columns):,} columns, but PostgreSQL has at most "
            f"{MAX_COLUMNS:,}. Split it, or unpivot it to rows. Nothing was written."
        )
        raise UnstorableError(msg)
    if not height:
        return
    # The cheap proof first: a row of the longest value of every column.
    if _longest_in_page(columns, longest) > MAX_PAGE_BYTES:
        _refuse_above(
            MAX_PAGE_BYTES, _bytes_in_page(encode(), columns, longest), table, "on a page"
        )
    if sum(longest) > MAX_ROW_BYTES:
        _refuse_above(MAX_ROW_BYTES, _bytes(encode()), table, "in a row")


def _longest_in_page(columns: Sequence[ColumnLayout], lengths: Sequence[int]) -> int:
    end = _aligned(_HEADER + -(-len(columns) // 8), _MAX_ALIGNMENT)
    for column, length in zip(columns, lengths, strict=True):
        fixed = _FIXED.get(column.sql_type)
        # In order, since a value begins at a multiple of its own length.
        if fixed is None:
            end += min(length + 1, _LONGEST_IN_PAGE)
        else:
            end = _aligned(end, fixed) + fixed
    return end


def _bytes_in_page(
    stored: pl.DataFrame, columns: Sequence[ColumnLayout], lengths: Sequence[int]
) -> pl.Series:
    """Return how many bytes each row takes, NULLs none but a bit for every column."""
    with_nulls = _aligned(_HEADER + -(-len(columns) // 8), _MAX_ALIGNMENT)
    nulls = stored.select(pl.any_horizontal(pl.nth(range(stored.width)).is_null())).to_series()
    header = _aligned(_HEADER, _MAX_ALIGNMENT)
    end = nulls.cast(pl.Int64) * (with_nulls - header) + header
    for series, column, length in zip(stored, columns, lengths, strict=True):
        fixed = _FIXED.get(column.sql_type)
        if fixed is not None:
            after = (end + (fixed - 1)) // fixed * fixed + fixed
        elif isinstance(series.dtype, pl.String | pl.Binary):
            after = end + (_lengths(series) + 1).clip(upper_bound=_LONGEST_IN_PAGE)
        else:
            after = end + min(length + 1, _LONGEST_IN_PAGE)
        end = after.zip_with(series.is_not_null(), end)
    return end


def _bytes(stored: pl.DataFrame) -> pl.Series:
    texts = stored.select(pl.selectors.string() | pl.selectors.binary())
    total = pl.Series([0], dtype=pl.Int64).new_from_index(0, stored.height)
    for series in texts:
        total += _lengths(series).fill_null(0)
    return total


def _lengths(series: pl.Series) -> pl.Series:
    bytes_of = series.str.len_bytes() if series.dtype == pl.String() else series.bin.size()
    return bytes_of.cast(pl.Int64)


def _refuse_above(limit: int, sizes: pl.Series, table: str, where: str) -> None:
    row = cast("int", sizes.arg_max())
    if sizes[row] > limit:
        msg = (
            f"Row {row:,} of table {table!r} takes {sizes[row]:,} bytes {where}, but PostgreSQL "
            f"has room for {limit:,}. Split the table, or unpivot it to rows. Nothing was written."
        )
        raise UnstorableError(msg)


def _aligned(end: int, alignment: int) -> int:
    return -(-end // alignment) * alignment
