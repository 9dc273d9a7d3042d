"""What a LazyFrame or a filter gives: a frame in memory, or in a mapped file if it is large."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl

from algomancy_data.frames.scratch import IN_MEMORY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from polars.datatypes import DataType as PolarsDataType

# A batch of the file is a chunk of the frame: neither many nor large.
_BATCH_BYTES: Final = 1 << 25
_SLICE_ROWS: Final = 250_000
_EXACT: Final = (
    *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
    *(pl.Float32, pl.Float64, pl.Decimal, pl.Boolean, pl.String, pl.Binary),
    *(pl.Date, pl.Datetime, pl.Duration, pl.Time),
)


def collected(query: pl.LazyFrame) -> pl.DataFrame:
    """Return what a query gives, as its ``collect()`` does.

    It runs once, and its rows come some at a time. When they are more than memory should hold, they
    go to a scratch file, from which the frame is mapped. What such a file does not give back
    exactly, such as categories and integers of 128 bits, stays in memory, column by column.

    Args:
        query: The LazyFrame.

    Raises:
        ScratchError: There is no room for the file.
        PolarsError: The query fails.

    Example:
        >>> collected(pl.LazyFrame({"a": [1, 2, 3]}).filter(pl.col("a") > 1)).rows()
        [(2,), (3,)]
    """
    coming = query.collect_batches()
    held: list[pl.DataFrame] = []
    held_bytes = 0
    for batch in coming:
        held.append(batch)
        held_bytes += int(batch.estimated_size())
        if held_bytes > IN_MEMORY_BYTES:
            return _mapped(_sized(chain(_each_once(held), coming)))
    return pl.concat(held) if held else query.clear().collect()


def kept_rows(
    frame: pl.DataFrame, kept: pl.Series, in_memory_bytes: int = IN_MEMORY_BYTES
) -> pl.DataFrame:
    """Return some rows of a frame; those of a large one as :func:`collected` does.

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
    return _mapped(
        _sized(
            frame.slice(start, _SLICE_ROWS).filter(kept.slice(start, _SLICE_ROWS))
            for start in starts
        )
    )


def _mapped(batches: Iterator[pl.DataFrame]) -> pl.DataFrame:
    from algomancy_data.frames.mapped import MappedFrames  # noqa: PLC0415  pyarrow takes 0.1 s

    names: list[str] = []
    in_memory: list[pl.DataFrame] = []
    with MappedFrames() as frames:
        for batch in batches:
            names = batch.columns
            columns = dict(zip(names, batch.get_columns(), strict=True))
            fitting = {name: one for name, one in columns.items() if _fits(name, one.dtype)}
            others = {name: one for name, one in columns.items() if name not in fitting}
            frames.write(pl.DataFrame(fitting))
            in_memory.append(pl.DataFrame(others).rechunk())
        both = [*frames.mapped(), *pl.concat(in_memory)]
    by_name = {column.name: column for column in both}
    # By a dict: Polars gives a column without a name one of its own.
    return pl.DataFrame({name: by_name[name] for name in names})


def _each_once(held: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield frames and let go of them."""
    held.reverse()
    while held:
        yield held.pop()


def _sized(batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield the rows of batches in larger ones: a filter may leave few in each."""
    pending: list[pl.DataFrame] = []
    size = 0
    for batch in batches:
        pending.append(batch)
        size += int(batch.estimated_size())
        if size >= _BATCH_BYTES:
            yield pl.concat(pending)
            pending, size = [], 0
    if pending:
        yield pl.concat(pending)


def _fits(name: str, dtype: PolarsDataType) -> bool:
    """Tell whether a mapped Arrow file gives a column back as it was."""
    if not name or "\0" in name:
        return False
    match dtype:
        case pl.List():
            return _fits(name, cast("PolarsDataType", dtype.inner))
        case pl.Array():
            return dtype.size > 0 and _fits(name, cast("PolarsDataType", dtype.inner))
        case pl.Struct():
            return bool(dtype.fields) and all(
                _fits(field.name, cast("Any", field.dtype)) for field in dtype.fields
            )
        case _:
            return isinstance(dtype, _EXACT)
