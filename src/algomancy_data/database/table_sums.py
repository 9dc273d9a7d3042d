"""The check sums of a table: computed while it is written, compared when it is read."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow as pa

from algomancy_data.database import nested
from algomancy_data.database.block_sums import BLOCK_ROWS, block_sums, changed_rows
from algomancy_data.display.words import counted
from algomancy_data.frames.tabular import numbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from algomancy_data.database.layout import ColumnLayout, TableLayout

MOST_ROWS_TOGETHER: Final = BLOCK_ROWS // 10
"""Up to how many rows it is worth while to sum several tables together."""

_MOST_ROWS_NAMED: Final = 10
_TEXTS: Final = (pa.large_string(), pa.large_binary())


def values_to_sum(
    frame: pl.DataFrame, stored: pl.DataFrame, columns: Sequence[ColumnLayout]
) -> pl.DataFrame:
    """Return what the check sums cover: the texts of nested values, and all other values.

    Args:
        frame: The columns.
        stored: The same rows, encoded.
        columns: Layouts of the columns.
    """
    texts = {
        str(number): _plain(stored[column.physical])
        for number, column in enumerate(columns)
        if column.storage in nested.WORDS
    }
    return numbered(frame).with_columns(**texts) if texts else frame


def texts_to_sum(rows: Any, columns: Sequence[ColumnLayout]) -> dict[int, Any]:
    """Return text and binary columns that are in Arrow already, by number.

    Args:
        rows: The encoded rows, as an Arrow table of one chunk.
        columns: Layouts of the columns.
    """
    return {
        number: rows.column(column.physical).chunk(0)
        for number, column in enumerate(columns)
        if isinstance(column.dtype, pl.String | pl.Binary | pl.Categorical)
        and rows.schema.field(column.physical).type in _TEXTS
    }


def _plain(texts: pl.Series) -> pl.Series:
    # One driver marks JSON as an extension, another has no type for nothing but nulls.
    plain = texts.ext.storage() if isinstance(texts.dtype, pl.BaseExtension) else texts
    return plain.cast(pl.String)


class RowBlocks:
    """Cuts rows that arrive in parts of any size into blocks.

    Args:
        rows: How many rows a block has; the last one may have fewer.
    """

    def __init__(self, rows: int = BLOCK_ROWS) -> None:
        self._rows = rows
        self._rest: list[pl.DataFrame] = []

    @property
    def has_rest(self) -> bool:
        """Whether a block is incomplete."""
        return bool(self._rest)

    def add(self, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Take the next rows, and yield the complete blocks."""
        self._rest.append(rows)
        if sum(part.height for part in self._rest) < self._rows:
            return
        together = pl.concat(self._rest) if len(self._rest) > 1 else rows
        whole = together.height // self._rows * self._rows
        self._rest = [together.slice(whole)] if whole < together.height else []
        yield from together.head(whole).iter_slices(self._rows)

    def end(self) -> Iterator[pl.DataFrame]:
        """Yield the rows that are left, if there are any."""
        rest, self._rest = self._rest, []
        if rest and (together := pl.concat(rest)).height:
            yield together


class TableSums:
    """The check sums of a table that is being written.

    Args:
        width: Number of columns.
        before: The sums of each column's whole blocks before these rows, as returned by
            :func:`sums_before`; None if there are none.
    """

    def __init__(self, width: int, before: Sequence[bytes] | None = None) -> None:
        self._blocks = RowBlocks()
        self._sums: list[list[bytes]] = []
        self._before = before or [b""] * width

    def add(self, values: pl.DataFrame, texts: Mapping[int, Any]) -> None:
        """Add the next rows.

        Args:
            values: What :func:`values_to_sum` returns for them.
            texts: What :func:`texts_to_sum` returns for them.
        """
        if self._blocks.has_rest:
            texts = {}
        for number, block in enumerate(self._blocks.add(values)):
            start = number * BLOCK_ROWS
            own = {at: array.slice(start, BLOCK_ROWS) for at, array in texts.items()}
            self._sums.append(block_sums(block, own))

    def to_texts(self) -> tuple[str, ...]:
        """Return the sums of each column, as the catalogue keeps them."""
        self._sums += map(block_sums, self._blocks.end())
        by_column = zip(*self._sums, strict=True) if self._sums else [()] * len(self._before)
        return tuple(
            base64.b64encode(b"".join([before, *sums])).decode()
            for before, sums in zip(self._before, by_column, strict=True)
        )


def sums_together(frames: Sequence[pl.DataFrame]) -> list[tuple[str, ...]]:
    """Return the sums of frames of a few rows, each as :meth:`TableSums.to_texts` returns them.

    What sums of few rows cost is to be asked for, so those of one height are asked for together.

    Args:
        frames: What :func:`values_to_sum` returns; each has rows, at most
            :data:`MOST_ROWS_TOGETHER`.

    Example:
        >>> small = [pl.DataFrame({"x": [1, 2]}), pl.DataFrame({"x": [3], "y": ["a"]})]
        >>> one_by_one = []
        >>> for frame in small:
        ...     sums = TableSums(frame.width)
        ...     sums.add(frame, {})
        ...     one_by_one.append(sums.to_texts())
        >>> sums_together(small) == one_by_one
        True
    """
    alike: dict[int, list[pl.DataFrame]] = {}
    for frame in frames:
        alike.setdefault(frame.height, []).append(frame)
    found = {height: iter(block_sums(_side_by_side(some))) for height, some in alike.items()}
    return [
        tuple(base64.b64encode(one).decode() for one in islice(found[frame.height], frame.width))
        for frame in frames
    ]


def _side_by_side(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    columns = chain.from_iterable(frames)
    return pl.DataFrame([column.alias(str(number)) for number, column in enumerate(columns)])


def joined_sums(parts: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Join the sums of a table's parts; all but the last part are whole blocks.

    Args:
        parts: What :meth:`TableSums.to_texts` returned for each part; only the last may end with
            less than a block.
    """
    return tuple(
        base64.b64encode(b"".join(map(base64.b64decode, texts))).decode()
        for texts in zip(*parts, strict=True)
    )


def sums_before(layout: TableLayout, blocks: int) -> list[bytes]:
    """Return the sums of the first blocks of each column of a table.

    Args:
        layout: The table; it has sums.
        blocks: How many blocks, all of them whole.
    """
    return [b"".join(_blocks_of(text, _count(layout))[:blocks]) for text in layout.sums or ()]


def layout_from(layout: TableLayout, block: int) -> TableLayout:
    """Return the layout of a table that begins with one of the blocks.

    Args:
        layout: The table; it has sums.
        block: Number of the block, from 0.
    """
    texts = (b"".join(_blocks_of(text, _count(layout))[block:]) for text in layout.sums or ())
    return replace(
        layout,
        height=layout.height - block * BLOCK_ROWS,
        sums=tuple(base64.b64encode(text).decode() for text in texts),
    )


def _count(layout: TableLayout) -> int:
    return -(-layout.height // BLOCK_ROWS)


class TableComparison:
    """The values of a table, compared with its check sums.

    Args:
        layout: The table; it has sums.
        columns: Which of its columns are compared.
    """

    def __init__(self, layout: TableLayout, columns: Sequence[ColumnLayout]) -> None:
        self._height = layout.height
        self._columns = columns
        sums = dict(zip((one.name for one in layout.columns), layout.sums or (), strict=True))
        self._noted = [_blocks_of(sums[column.name], _count(layout)) for column in columns]
        self._blocks = RowBlocks()
        self._seen = 0
        self._changed: dict[int, list[int | range]] = {}

    def add(self, values: pl.DataFrame) -> None:
        """Add the next rows: what :func:`values_to_sum` returns for them."""
        for block in self._blocks.add(values):
            self._compare(block)

    def problems(self) -> list[str]:
        """Return what is wrong with each column that has changed, once all rows are added."""
        for block in self._blocks.end():
            self._compare(block)
        if self._seen != self._height:
            return [f"it has {counted(self._seen, 'row')} instead of {self._height:,}"]
        return [
            f"column {self._columns[number].name!r} has other values than were written, in "
            f"{_named(places)}"
            for number, places in sorted(self._changed.items())
        ]

    def _compare(self, values: pl.DataFrame) -> None:
        first, block = self._seen, self._seen // BLOCK_ROWS
        self._seen += values.height
        if self._seen > self._height:
            return
        for number, (column, noted) in enumerate(zip(values, self._noted, strict=True)):
            sums = noted[block] if block < len(noted) else b""
            rows = changed_rows(column, sums)
            if rows is None:
                self._changed.setdefault(number, []).append(range(first, self._seen))
            elif rows:
                self._changed.setdefault(number, []).extend(first + row for row in rows)


def _blocks_of(text: str, blocks: int) -> list[bytes]:
    """Return the sums of each block; a damaged text gives sums that match no values."""
    try:
        sums = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return []
    size = len(sums) // max(blocks, 1)
    return [sums[at * size : (at + 1) * size] for at in range(blocks)]


def _named(places: Sequence[int | range]) -> str:
    shown = [
        f"some of the rows {place[0]:,} to {place[-1]:,}"
        if isinstance(place, range) and len(place) > 1
        else f"row {place[0] if isinstance(place, range) else place:,}"
        for place in places[:_MOST_ROWS_NAMED]
    ]
    more = len(places) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
