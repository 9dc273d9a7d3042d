"""What a Parquet file says of itself: its groups of rows, and the pages of each of their columns.

A reader that believes a page asks for as much memory as it says. So the head of each page is looked
at before any is read, against the footer and against the file; its check sum too, if it has one.
(pyarrow shows the footer as well, but ends the process for some that are damaged.)
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from algomancy_data.extractor.thrift import TEXTS, ThriftError, Wanted, read_struct

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC: Final = b"PAR1"
_TAIL: Final = struct.Struct("<I4s")
_DATA, _DICTIONARY, _DATA_2 = 0, 2, 3
# Which field of a page's head says how many values it has.
_DETAILS: Final = {_DATA: 5, _DICTIONARY: 7, _DATA_2: 8}
_MOST_VALUES: Final = 2**31 - 1
_CHECK_SUM: Final = 4
_PAGE: Final[Wanted] = {
    **dict.fromkeys((1, 2, 3, _CHECK_SUM)),
    5: {1: None, 2: None},
    7: {1: None},
    8: {1: None, 4: None},
}
# Of the footer: rows; groups of rows with their rows; their columns with the path, the number of
# values, the length, and where the pages begin; the number of values and rows of the schema.
_NAMES, _VALUES, _LENGTH, _FIRST, _FIRST_DICTIONARY = 3, 5, 7, 9, 11
_CHUNK: Final[Wanted] = {
    _NAMES: TEXTS,
    **dict.fromkeys((_VALUES, _LENGTH, _FIRST, _FIRST_DICTIONARY)),
}
_FOOTER: Final[Wanted] = {2: [{3: None, 5: None}], 3: None, 4: [{1: [{3: _CHUNK, 8: {}}], 3: None}]}
_REPEATED: Final = 2


class ParquetLayoutError(ValueError):
    """A Parquet file contradicts itself; the message goes on after "its"."""


class ParquetLayout(NamedTuple):
    """What a Parquet file says of itself.

    Args:
        rows: How many rows it has.
        groups: Its groups of rows.
        is_flat: Which columns have a value for each row, those that are nested in others singly.
    """

    rows: int
    groups: list[dict[int, Any]]
    is_flat: list[bool]

    @property
    def columns(self) -> int:
        """The number of columns, those that are nested in others counted singly."""
        return len(self.is_flat)

    def unpacked_bytes(self, view: memoryview) -> int:
        """Return what all pages unpack to, if what they say of themselves can be true.

        Raises:
            ParquetLayoutError: It cannot.
        """
        return sum(_check_pages(view, chunk) for chunk in self._chunks(len(view)))

    def _chunks(self, size: int) -> Iterator[_Chunk]:
        rows = 0
        for group in self.groups:
            its_rows = group.get(3, -1)
            rows += its_rows
            columns = group.get(1, ())
            if len(columns) != len(self.is_flat):
                msg = "groups of rows have not all columns"
                raise ParquetLayoutError(msg)
            for column, is_flat in zip(columns, self.is_flat, strict=True):
                chunk = _chunk(column, size)
                if is_flat and chunk.values != its_rows:
                    raise _damaged(chunk, "has another number of values than there are rows")
                yield chunk
        if rows != self.rows:
            msg = "groups of rows have not as many rows as the whole"
            raise ParquetLayoutError(msg)


class _Chunk(NamedTuple):
    """The pages of one column in one group of rows."""

    column: str
    start: int
    end: int
    values: int


def parquet_layout(view: memoryview) -> ParquetLayout:
    """Return what a Parquet file says of itself.

    Args:
        view: The whole file; a mapped file is looked at without reading it.

    Raises:
        ParquetLayoutError: Its end is missing or damaged.
    """
    end = len(view) - _TAIL.size
    length, magic = _TAIL.unpack(view[end:]) if end > len(_MAGIC) else (0, b"")
    if magic != _MAGIC or not 0 < length <= end - len(_MAGIC):
        msg = "end is missing: it was cut off, or not written to its end"
        raise ParquetLayoutError(msg)
    try:
        footer = read_struct(bytes(view[end - length : end]), 0, _FOOTER)[0]
    except (ThriftError, IndexError) as error:
        msg = "footer is not readable"
        raise ParquetLayoutError(msg) from error
    rows: int = footer.get(3, -1)
    if rows < 0:
        msg = "footer does not say how many rows there are"
        raise ParquetLayoutError(msg)
    return ParquetLayout(rows, footer.get(4, []), _flat_columns(footer.get(2, [])))


def _flat_columns(nodes: list[dict[int, Any]]) -> list[bool]:
    """Return which leaves of a schema are in nothing that is repeated, nor repeated themselves.

    Args:
        nodes: All nodes, each before its children: how often it is there, how many these are.
    """
    is_flat: list[bool] = []
    # How many children are still to come, and whether they are flat, from the root on.
    around = [[nodes[0].get(5, 0), True]] if nodes else []
    for node in nodes[1:]:
        while around and around[-1][0] <= 0:
            around.pop()
        if not around:
            msg = "schema has columns that are nowhere"
            raise ParquetLayoutError(msg)
        around[-1][0] -= 1
        flat = bool(around[-1][1]) and node.get(3) != _REPEATED
        if children := node.get(5, 0):
            around.append([children, flat])
        else:
            is_flat.append(flat)
    return is_flat


def _chunk(column: dict[int, Any], size: int) -> _Chunk:
    meta = column.get(3, {})
    name = ".".join(meta.get(_NAMES, ()))
    if 8 in column and not meta:  # noqa: PLR2004  how it is encrypted
        msg = "columns are encrypted: decrypt them first. If not, the footer is not readable"
        raise ParquetLayoutError(msg)
    values: int = meta.get(_VALUES, -1)
    length: int = meta.get(_LENGTH, -1)
    first: int = meta.get(_FIRST, -1)
    if not 0 <= values <= _MOST_VALUES:
        msg = f"column {name!r} has no place or no number of values"
        raise ParquetLayoutError(msg)
    if values == 0:  # there may be no pages at all
        return _Chunk(name, 0, 0, 0)
    # Some writers say 0 for "no dictionary", some leave out where it is.
    start: int = min(meta.get(_FIRST_DICTIONARY) or first, first)
    end = start + length
    if not len(_MAGIC) <= start <= end <= size - _TAIL.size:
        msg = f"column {name!r} would lie outside the file"
        raise ParquetLayoutError(msg)
    return _Chunk(name, start, end, values)


def _check_pages(view: memoryview, chunk: _Chunk) -> int:
    """Return what the pages of a column unpack to."""
    at, values, unpacked = chunk.start, 0, 0
    while values < chunk.values:
        try:
            head, start = read_struct(view, at, _PAGE)
        except (ThriftError, IndexError) as error:
            raise _damaged(chunk, "has a page that is none") from error
        kind, size, packed = head.get(1), head.get(2, -1), head.get(3, -1)
        count: int | None = 0
        if kind in _DETAILS:
            count = head.get(_DETAILS[kind], {}).get(1)
        if count is None or size < 0:
            raise _damaged(chunk, "has a page that is none")
        end = start + packed
        if not start <= end <= chunk.end:
            raise _damaged(chunk, "has a page that would go on behind its end")
        if not 0 <= count <= _MOST_VALUES or (kind == _DICTIONARY and count > size):
            raise _damaged(chunk, f"has a page that would have {count:,} values")
        check_sum = head.get(_CHECK_SUM)
        if check_sum is not None and zlib.crc32(view[start:end]) != check_sum & 0xFFFFFFFF:
            raise _damaged(chunk, "has a page whose check sum is another one")
        if kind in {_DATA, _DATA_2}:
            values += count
        unpacked += size
        at = end
    if values != chunk.values:
        raise _damaged(chunk, f"has pages of {values:,} values instead of {chunk.values:,}")
    return unpacked


def _damaged(chunk: _Chunk, how: str) -> ParquetLayoutError:
    return ParquetLayoutError(f"column {chunk.column!r} {how}")
