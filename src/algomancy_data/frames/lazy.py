"""Results of LazyFrames and filters: a frame in memory, or mapped from a file if large."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.frames.mapped import mapped_frame
from algomancy_data.memory import IN_MEMORY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SLICE_ROWS: Final = 250_000


def collected(query: pl.LazyFrame, in_memory_bytes: int = IN_MEMORY_BYTES) -> pl.DataFrame:
    """Return the result of a query, as its ``collect()`` does.

    It runs once, and its rows come some at a time. When they are more than memory should hold, they
    go to a scratch file, from which the frame is mapped. What such a file does not give back
    exactly, such as categories and integers of 128 bits, stays in memory, column by column.

    Args:
        query: The LazyFrame.
        in_memory_bytes: What is larger is more.

    Raises:
        ScratchError: There is no room for the file.
        PolarsError: The query fails.

    Example:
        >>> collected(pl.LazyFrame({"a": [1, 2, 3]}).filter(pl.col("a") > 1)).rows()
        [(2,), (3,)]
    """
    coming = query.collect_batches()
    first = next(coming, None)
    if first is None:
        return query.clear().collect()
    return gathered(chain([first], coming), in_memory_bytes)


def gathered(
    batches: Iterable[pl.DataFrame], in_memory_bytes: int = IN_MEMORY_BYTES
) -> pl.DataFrame:
    """Join batches into a frame, as :func:`collected` does.

    Args:
        batches: At least one; all of one schema.
        in_memory_bytes: What is larger is more than memory should hold.

    Raises:
        ScratchError: There is no room for the file.

    Example:
        >>> gathered([pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2]})], 8).rows()
        [(1,), (2,)]
    """
    coming = iter(batches)
    held: list[pl.DataFrame] = []
    held_bytes = 0
    for batch in coming:
        held.append(batch)
        held_bytes += int(batch.estimated_size())
        if held_bytes > in_memory_bytes:
            return mapped_frame(chain(_each_once(held), coming), in_memory_bytes)
    return pl.concat(held)


def kept_rows(
    frame: pl.DataFrame, kept: pl.Series, in_memory_bytes: int = IN_MEMORY_BYTES
) -> pl.DataFrame:
    """Return some rows of a frame, as :func:`collected` does if it is large.

    Args:
        frame: The frame.
        kept: A Boolean per row, never null.
        in_memory_bytes: Up to which size a frame is not large.

    Raises:
        ScratchError: There is no room for the file.

    Example:
        >>> kept_rows(pl.DataFrame({"a": [1, 2, 3]}), pl.Series([True, False, True])).rows()
        [(1,), (3,)]
    """
    if frame.estimated_size() <= in_memory_bytes:
        return frame.filter(kept)
    starts = range(0, frame.height, _SLICE_ROWS)
    parts = (
        frame.slice(start, _SLICE_ROWS).filter(kept.slice(start, _SLICE_ROWS)) for start in starts
    )
    return mapped_frame(parts, in_memory_bytes)


def _each_once(held: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield frames without keeping them."""
    held.reverse()
    while held:
        yield held.pop()
