"""Keys of tables that are too large to be looked at as a whole, in memory that is bounded.

A large table may well be a mapped file, which needs no memory; what is made of it does. So it is
gone through in slices. What must be compared across slices is

- a bit per possible key, where keys are whole numbers or times that lie close together, or else
- a code of 64 bits per key, equal for equal keys. Codes are written to a scratch file, divided by
  their upper bits, and each part of them is looked at by itself.

The code of a whole number, time or float is that value in other bits, so that it decides. That of a
text, or of several columns, is a hash, which only finds suspects: their values decide.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache, reduce
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Final, Self

import polars as pl

from algomancy_data.frames.scratch import ScratchFile
from algomancy_data.memory import IN_MEMORY_BYTES

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from polars.datatypes import DataType as PolarsDataType

_CODE_BITS: Final = 64
_MOST_BITS: Final = 10
# Spans of up to so many bits per row are cheaper than codes.
_SPARSEST: Final = 16
_FACTOR: Final = pl.lit(0x9E37_79B9_7F4A_7C15, pl.UInt64)
_ALIGNMENT: Final = 8


@dataclass(frozen=True)
class KeyLimits:
    """From which size keys are looked at in slices, and in how large ones.

    Args:
        large: Up to so many rows a table is looked at as a whole.
        slice_rows: So many rows are looked at in one go.
        part_rows: So many codes are compared with each other in one go.
        widest_span: There is a bit for each possible key if they are no more than that.
    """

    large: int = 4_000_000
    slice_rows: int = 500_000
    part_rows: int = 1_500_000
    widest_span: int = 2**30

    @classmethod
    @cache
    def of(cls, in_memory_bytes: int) -> Self:
        """Return the limits that go with the size up to which a table is made in memory."""
        if in_memory_bytes >= IN_MEMORY_BYTES:
            return cls()
        shares = (getattr(cls, one.name) * in_memory_bytes for one in fields(cls))
        return cls(*(max(share // IN_MEMORY_BYTES, 1) for share in shares))


KEY_LIMITS: Final = KeyLimits()


def slices(frame: pl.DataFrame, rows: int) -> Generator[tuple[int, pl.DataFrame]]:
    """Yield the rows of a frame in slices, each with the number of its first row."""
    for first in range(0, frame.height, rows):
        yield first, frame.slice(first, rows)


def rows_at(frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """Return some rows of a frame, in one chunk.

    Ascending rows are taken chunk by chunk: 4 times as fast as Polars finds the chunk of each row,
    and what is made of one chunk later takes a tenth of the time.

    Args:
        frame: The frame.
        rows: Numbers of rows that are there.

    Example:
        >>> rows_at(pl.DataFrame({"a": ["x", "y", "z"]}), pl.Series([0, 2])).to_series().to_list()
        ['x', 'z']
    """
    if frame.n_chunks() == 1 or rows.is_empty() or not rows.is_sorted():
        return frame[rows].rechunk()
    lengths = frame.to_series(0).chunk_lengths()
    firsts = [0, *accumulate(lengths)]
    starts = rows.search_sorted(pl.Series(firsts, dtype=pl.Int64)).to_list()
    taken = [
        frame.slice(first, length)[rows.slice(start, end - start) - first]
        for first, length, (start, end) in zip(firsts, lengths, pairwise(starts), strict=False)
        if end > start
    ]
    return pl.concat(taken, rechunk=True)


# --- a bit per possible key -------------------------------------------------------------------


def dense_range(
    columns: Iterable[pl.Series], limits: KeyLimits, sparsest: int = _SPARSEST
) -> tuple[int, int] | None:
    """Return the lowest and highest value of a column that comes in slices, if they are close.

    None if there is no value, another dtype than whole numbers and times, or too wide a span.

    Args:
        columns: The slices.
        limits: The widest span.
        sparsest: How wide the span may be for each row.
    """
    lows: list[int] = []
    highs: list[int] = []
    rows = 0
    for column in columns:
        if not (column.dtype.is_integer() or column.dtype.is_temporal()):
            return None
        physical = column.to_physical()
        low, high = physical.min(), physical.max()
        rows += len(column)
        if isinstance(low, int) and isinstance(high, int):
            lows.append(low)
            highs.append(high)
    if not lows or max(highs) - min(lows) >= min(limits.widest_span, sparsest * rows):
        return None
    return min(lows), max(highs)


# --- codes ------------------------------------------------------------------------------------


def is_exact(dtypes: Iterable[PolarsDataType]) -> bool:
    """Tell whether equal codes mean equal keys: they have one column, of at most 64 bits."""
    dtype, *others = dtypes
    if others:
        return False
    is_wide = dtype in {pl.Int128(), pl.UInt128()}
    is_number = dtype.is_integer() or dtype.is_float() or dtype.is_temporal()
    return (is_number and not is_wide) or dtype == pl.Boolean


def coded(keys: pl.DataFrame, first: int = 0) -> pl.DataFrame:
    """Return a code for each complete key, the same for equal keys.

    NaN equals NaN, 0.0 equals -0.0.

    Args:
        keys: Key columns of comparable dtypes, named by their positions.
        first: Number of the first row.

    Returns:
        The columns ``code`` (UInt64) and ``row``, the number of the row.

    Example:
        >>> codes = coded(pl.DataFrame({"0": [0.0, None, -0.0]}), first=10)
        >>> codes["code"].n_unique(), codes["row"].to_list()
        (1, [10, 12])
    """
    if is_exact(keys.dtypes):
        # The factor is odd, so the product (modulo 2**64) is another one for each value.
        code = _bits(keys.columns[0], keys.dtypes[0]) * _FACTOR
    else:
        code = key_hash(keys.columns)
    row = pl.int_range(first, first + keys.height, dtype=pl.get_index_type())
    rows = keys.select(code.alias("code"), row.alias("row"))
    complete = pl.all_horizontal(pl.all().is_not_null())
    return rows.filter(keys.select(complete).to_series()) if _has_nulls(keys) else rows


def key_hash(names: Iterable[str]) -> pl.Expr:
    """Return the hash of a key (UInt64): in half the time that the hash of a struct takes."""
    hashes = (pl.col(name).hash() for name in names)
    return reduce(lambda one, other: one * _FACTOR + other, hashes)  # wraps around


def _has_nulls(keys: pl.DataFrame) -> bool:
    return any(column.null_count() for column in keys.iter_columns())


def _bits(name: str, dtype: PolarsDataType) -> pl.Expr:
    column = pl.col(name)
    if dtype.is_float():
        column = column.cast(pl.Float64)
        # One of the bits that are NaN, one of the two zeros.
        nan, zero = pl.lit(float("nan")), pl.lit(0.0)
        column = pl.when(column.is_nan()).then(nan).when(column == 0).then(zero).otherwise(column)
        return column.reinterpret(dtype=pl.UInt64)
    if dtype == pl.UInt64:
        return column
    return column.to_physical().cast(pl.Int64).reinterpret(dtype=pl.UInt64)


class Partitions:
    """Codes in a scratch file, divided by their upper bits, with the numbers of their rows.

    Args:
        rows: At most so many rows come.
        limits: How many of them one part should have.
        with_rows: Whether the rows have numbers.

    Raises:
        ScratchError: There is no room for them.

    Example:
        >>> with Partitions(2, KeyLimits(part_rows=1)) as parts:
        ...     parts.add(pl.DataFrame({"code": [2**63, 1, 2]}, schema={"code": pl.UInt64}))
        ...     [part["code"].to_list() for part in parts]
        [[1, 2], [9223372036854775808]]
    """

    def __init__(self, rows: int, limits: KeyLimits, *, with_rows: bool = False) -> None:
        schema = {"code": pl.UInt64(), "row": pl.get_index_type()}
        self._empty = pl.DataFrame(schema=schema if with_rows else {"code": pl.UInt64()})
        bits = min((max(rows - 1, 0) // limits.part_rows).bit_length(), _MOST_BITS)
        width = 2 ** (_CODE_BITS - bits)
        self._parts = [
            pl.col("code").is_between(
                pl.lit(start * width, pl.UInt64), pl.lit(start * width + width - 1, pl.UInt64)
            )
            for start in range(2**bits)
        ]
        # Of each part, where its blocks begin in the file, and how many rows they have.
        self._blocks: list[list[tuple[int, int]]] = [[] for _ in self._parts]
        self._file = ScratchFile()

    def add(self, rows: pl.DataFrame) -> None:
        """Append rows, each to its part.

        Raises:
            ScratchError: There is no room for them.
        """
        for is_inside, blocks in zip(self._parts, self._blocks, strict=True):
            part = rows if len(self._parts) == 1 else rows.filter(is_inside)
            if part.height:
                blocks.append((self._file.size, part.height))
                for column in part.rechunk():
                    self._write(column.to_arrow())

    def _write(self, values: Any) -> None:
        width = values.type.byte_width
        data = memoryview(values.buffers()[1])
        self._file.write(data[values.offset * width : (values.offset + len(values)) * width])
        self._file.write(bytes(-self._file.size % _ALIGNMENT))

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Give one part after the other, as frames whose memory is the file."""
        import pyarrow as pa  # noqa: PLC0415  0.1 s that only large tables have to pay

        mapped = pa.py_buffer(self._file.mapped())
        schema = self._empty.to_arrow().schema
        for blocks in self._blocks:
            batches: list[Any] = []
            for start, rows in blocks:
                arrays: list[Any] = []
                begin = start
                for dtype in schema.types:
                    size = rows * dtype.byte_width
                    arrays.append(
                        pa.Array.from_buffers(dtype, rows, [None, mapped.slice(begin, size)])
                    )
                    begin += size + -size % _ALIGNMENT
                batches.append(pa.record_batch(arrays, schema=schema))
            yield pl.DataFrame(pl.from_arrow(pa.Table.from_batches(batches, schema), rechunk=False))

    def __enter__(self) -> Self:
        """Return the parts."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the room back, as soon as no part is used any more."""
        self._file.close()
