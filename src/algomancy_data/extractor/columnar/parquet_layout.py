"""What a Parquet file says of itself: the footer of its columns, and their pages of themselves.

(pyarrow shows it as well, but ends the process for some that are damaged, and takes 0.1 s to come.)

A reader that believes a page asks for as much memory as it says. So the head of each page is looked
at before any is read, against the footer and against the file; its check sum too, if it has one.
"""

from __future__ import annotations

import re
import struct
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from algomancy_data.extractor.columnar.thrift import (
    ANY_NUMBER,
    NUMBER,
    NUMBER_LIST,
    SOME_FIELDS,
    SOME_LEAVES,
    SOME_NUMBERS,
    TEXT,
    TEXTS,
    Bytes,
    Numbers,
    Structs,
    ThriftError,
    Wanted,
    form,
    read_struct,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_Match: TypeAlias = "re.Match[bytes]"

MAGIC: Final = b"PAR1"
TAIL: Final = struct.Struct("<I4s")
MOST_VALUES: Final = 2**31 - 1
_REPEATED: Final = 2
# Whoever has it writes Arrow types there, which readers believe more than Parquet's own.
_ARROW_SCHEMA: Final = b"ARROW:schema"

# A column that has a value or none for each row: its physical type, its name, and its converted and
# its logical type, if it has them. Between these may be a number by which writers know it.
_LOGICAL: Final = b"(%b)" % b"|".join(
    [
        rb"[\x1c\x6c]\0",  # texts, dates
        rb"\x8c[\x11\x12]\x1c[\x1c\x2c\x3c]\0\0\0",  # moments
        rb"\xac\x13[\x08\x10\x20\x40][\x11\x12]\0",  # integers
    ]
)
_FLAT: Final = form(
    rb"\x15" + NUMBER + rb"\x25[\0\x02]\x18" + TEXT,
    rb"(?:\x25" + NUMBER + rb"(?:\x35" + ANY_NUMBER + rb"(?:\x1c" + _LOGICAL + rb"\0)?",
    rb"|\x4c" + _LOGICAL + rb"\0)?",
    rb"|\x55" + ANY_NUMBER + rb"(?:\x1c" + _LOGICAL + rb"\0)?|\x6c" + _LOGICAL + rb"\0)?\0",
)
# How these types are written, up to where they differ; integers with their number of bits.
_TEXT, _DATE, _MOMENT, _INTEGER = b"\x1c", b"\x6c", b"\x8c", b"\xac\x13"
# Of each physical type that Polars reads exactly: by which converted types (as Parquet had them at
# first) and logical types, each of which may be missing.
_PLAIN: Final = (
    *((physical, {None}, {None}) for physical in (0, 1, 2, 4, 5, 6)),
    (6, {None, 0}, {None, _TEXT}),
    (1, {None, 6}, {None, _DATE}),
    (2, {None, 9, 10}, {None, _MOMENT}),
    (1, {None, 11, 15}, {None, _INTEGER + b"\x08"}),
    (1, {None, 12, 16}, {None, _INTEGER + b"\x10"}),
    (1, {None, 13, 17}, {None, _INTEGER + b"\x20"}),
    (2, {None, 14, 18}, {None, _INTEGER + b"\x40"}),
)
_NODE: Final[Wanted] = {3: None, 5: None}

# The pages of a column in one group of rows: its path, and the numbers below.
_NAMES, _VALUES, _LENGTH, _FIRST, _FIRST_DICTIONARY = 3, 5, 7, 9, 11
_CHUNK: Final[Wanted] = {
    3: {_NAMES: TEXTS, **dict.fromkeys((_VALUES, _LENGTH, _FIRST, _FIRST_DICTIONARY))},
    8: {},
}
_USUAL_CHUNK: Final = form(
    rb"\x26" + ANY_NUMBER + rb"\x1c\x15" + ANY_NUMBER + rb"\x19" + NUMBER_LIST,
    rb"\x19\x18(" + TEXT + rb")\x15" + ANY_NUMBER + rb"\x16" + NUMBER,
    rb"\x16" + ANY_NUMBER + rb"\x16" + NUMBER + rb"\x26" + NUMBER,
    rb"(?:\x26" + NUMBER + rb"|(?![\x10-\x2f]))" + SOME_FIELDS + rb"\0" + SOME_NUMBERS + rb"\0",
)
_FOOTER: Final[Wanted] = {
    2: Structs(_NODE, _FLAT),
    3: None,
    4: Structs({1: Structs(_CHUNK, _USUAL_CHUNK), 3: None}),
}

# The pages of a column in one group of rows: its path, where they begin and end, how many values
# they have. A class for these would take longer than all that is done with them.
Chunk: TypeAlias = "tuple[bytes | str, int, int, int]"
_DATA, _DICTIONARY, _DATA_2 = 0, 2, 3
# Which field of a page's head has its number of values, and which of that one's their encoding.
_DETAILS: Final = {_DATA: (5, 2), _DICTIONARY: (7, 2), _DATA_2: (8, 4)}
_PLAIN_ENCODING: Final = 0
# All that there are, by their numbers: Polars breaks down at others.
_ENCODINGS: Final = frozenset({0, *range(2, 10)})
_CHECK_SUM: Final = 4
_PAGE: Final[Wanted] = {
    **dict.fromkeys((1, 2, 3, _CHECK_SUM)),
    5: {1: None, 2: None},
    7: {1: None, 2: None},
    8: {1: None, 4: None},
}
# The unpacked and the packed length, a check sum, the number of values and their encoding.
_SIZES: Final = rb"\x15" + NUMBER + rb"\x15" + NUMBER
_USUAL_DATA: Final = form(
    rb"\x15\0" + _SIZES + rb"(?:\x2c|\x15" + NUMBER + rb"\x1c)\x15" + NUMBER,
    rb"\x15" + NUMBER + (rb"\x15" + ANY_NUMBER) * 2 + rb"(?:\x1c" + SOME_LEAVES + rb"\0)?\0\0",
)
_USUAL_DICTIONARY: Final = form(
    rb"\x15\x04" + _SIZES + rb"(?:\x4c|\x15" + NUMBER + rb"\x3c)\x15" + NUMBER,
    rb"\x15" + NUMBER + rb"[\x11\x12]?\0\0",
)


class ParquetLayoutError(ValueError):
    """A Parquet file contradicts itself; the message goes on after "its"."""

    @classmethod
    def from_pages(cls, path: bytes | str, how: str) -> ParquetLayoutError:
        """Return the error for the pages of a column that cannot be."""
        # As it was matched, it begins with its length.
        name = path if isinstance(path, str) else str(path[1:], "utf-8", "backslashreplace")
        return cls(f"column {name!r} {how}")


class ParquetLayout(NamedTuple):
    """What a Parquet file says of itself.

    Args:
        rows: How many rows it has.
        groups: Its groups of rows.
        is_flat: Which columns have a value for each row, those that are nested in others singly.
        is_plain: Every column is flat, and of a type that Polars reads exactly.
        has_arrow_types: What was written as another Arrow type may be read as that.
    """

    rows: int
    groups: list[dict[int, Any]]
    is_flat: list[bool]
    is_plain: bool
    has_arrow_types: bool

    @property
    def columns(self) -> int:
        """The number of columns, those that are nested in others counted singly."""
        return len(self.is_flat)

    def chunks(self, size: int, numbers: Numbers) -> Iterator[Chunk]:
        """Yield the columns of all groups of rows, if what they say can be true.

        Args:
            size: Length of the file.
            numbers: How to read what was matched.

        Raises:
            ParquetLayoutError: It cannot.
        """
        rows = 0
        for group in self.groups:
            its_rows = group.get(3, -1)
            rows += its_rows
            columns = group.get(1, ())
            if len(columns) != len(self.is_flat):
                msg = "groups of rows have not all columns"
                raise ParquetLayoutError(msg)
            for column, is_flat in zip(columns, self.is_flat, strict=True):
                if isinstance(column, re.Match):
                    path, written, length, first, dictionary = column.groups()
                    values = numbers[written]
                    chunk = _chunk(
                        path,
                        values,
                        numbers[length],
                        numbers[first],
                        0 if dictionary is None else numbers[dictionary],
                        size,
                    )
                else:
                    chunk = _chunk_of_fields(column, size)
                    path, values = chunk[0], chunk[-1]
                if is_flat and values != its_rows:
                    how = "has another number of values than there are rows"
                    raise ParquetLayoutError.from_pages(path, how)
                yield chunk
        if rows != self.rows:
            msg = "groups of rows have not as many rows as the whole"
            raise ParquetLayoutError(msg)


def parquet_layout(view: Bytes) -> ParquetLayout:
    """Return what a Parquet file says of itself.

    Args:
        view: The whole file; a mapped file is looked at without reading it.

    Raises:
        ParquetLayoutError: Its end is missing or damaged.
    """
    end = len(view) - TAIL.size
    length, magic = TAIL.unpack(view[end:]) if end > len(MAGIC) else (0, b"")
    if magic != MAGIC or not 0 < length <= end - len(MAGIC):
        msg = "end is missing: it was cut off, or not written to its end"
        raise ParquetLayoutError(msg)
    written = bytes(view[end - length : end])
    try:
        footer = read_struct(written, 0, _FOOTER)[0]
    except (ThriftError, IndexError) as error:
        msg = "footer is not readable"
        raise ParquetLayoutError(msg) from error
    rows: int = footer.get(3, -1)
    if rows < 0:
        msg = "footer does not say how many rows there are"
        raise ParquetLayoutError(msg)
    nodes = footer.get(2, [])
    return ParquetLayout(
        rows,
        footer.get(4, []),
        _flat_columns(nodes),
        _are_plain(nodes[1:]),
        _ARROW_SCHEMA in written,
    )


def _are_plain(nodes: list[dict[int, Any] | _Match]) -> bool:
    """Tell whether all nodes are flat columns of types that Polars reads exactly."""
    kinds = {node.groups() if isinstance(node, re.Match) else None for node in nodes}
    return bool(kinds) and all(kind is not None and _is_plain(kind) for kind in kinds)


@lru_cache(maxsize=64)
def _is_plain(kind: tuple[bytes | Any, ...]) -> bool:
    first, second, *logicals = kind
    numbers = Numbers()
    physical = numbers[first]
    converted = None if second is None else numbers[second]
    logical = next(filter(None, logicals), None)
    if logical is not None:
        logical = logical[: 3 if logical.startswith(_INTEGER) else 1]
    return any(
        physical == one and converted in its_converted and logical in its_logical
        for one, its_converted, its_logical in _PLAIN
    )


def _flat_columns(nodes: list[dict[int, Any] | _Match]) -> list[bool]:
    """Return which leaves of a schema are in nothing that is repeated, nor repeated themselves.

    Args:
        nodes: All nodes, each before its children: how often it is there, how many these are.
    """
    is_flat: list[bool] = []
    root = nodes[0] if nodes else None
    # How many children are still to come, and whether they are flat, from the root on.
    around = [[root.get(5, 0), True]] if isinstance(root, dict) else []
    for node in nodes[1:]:
        while around and around[-1][0] <= 0:
            around.pop()
        if not around:
            msg = "schema has columns that are nowhere"
            raise ParquetLayoutError(msg)
        innermost = around[-1]
        innermost[0] -= 1
        if isinstance(node, re.Match):
            is_flat.append(bool(innermost[1]))
            continue
        flat = bool(innermost[1]) and node.get(3) != _REPEATED
        if children := node.get(5, 0):
            around.append([children, flat])
        else:
            is_flat.append(flat)
    return is_flat


def _chunk_of_fields(column: dict[int, Any], size: int) -> Chunk:
    meta = column.get(3, {})
    if 8 in column and not meta:  # noqa: PLR2004  how it is encrypted
        msg = "columns are encrypted: decrypt them first. If not, the footer is not readable"
        raise ParquetLayoutError(msg)
    values, length, first = (meta.get(field, -1) for field in (_VALUES, _LENGTH, _FIRST))
    dictionary = meta.get(_FIRST_DICTIONARY, 0)
    return _chunk(".".join(meta.get(_NAMES, ())), values, length, first, dictionary, size)


def _chunk(
    path: bytes | str, values: int, length: int, first: int, dictionary: int, size: int
) -> Chunk:
    if not 0 <= values <= MOST_VALUES:
        raise ParquetLayoutError.from_pages(path, "has no place or no number of values")
    if values == 0:  # there may be no pages at all
        return path, 0, 0, 0
    if dictionary > first:
        raise ParquetLayoutError.from_pages(path, "has its dictionary behind its values")
    # Some writers say 0 for "no dictionary", some leave out where it is.
    start = min(dictionary or first, first)
    end = start + length
    if not len(MAGIC) <= start <= end <= size - TAIL.size:
        raise ParquetLayoutError.from_pages(path, "would lie outside the file")
    return path, start, end, values


class ParquetPages(NamedTuple):
    """What the pages of a file say of themselves.

    Args:
        unpacked_bytes: What all of them unpack to.
        encodings: How their values are written, by the numbers that Parquet has for that.
    """

    unpacked_bytes: int
    encodings: set[int]


def parquet_pages(view: Bytes, layout: ParquetLayout) -> ParquetPages:
    """Return what all pages say of themselves, if that can be true.

    Args:
        view: The whole file.
        layout: What its footer says.

    Raises:
        ParquetLayoutError: It cannot.
    """
    encodings: set[int] = set()
    numbers = Numbers()
    chunks = layout.chunks(len(view), numbers)
    unpacked = sum(_unpacked(view, chunk, numbers, encodings) for chunk in chunks)
    return ParquetPages(unpacked, encodings)


def _unpacked(view: Bytes, chunk: Chunk, numbers: Numbers, encodings: set[int]) -> int:
    """Return what the pages of a column unpack to, and note their encodings."""
    path, at, last, expected = chunk
    values = unpacked = 0
    while values < expected:
        found = _USUAL_DATA.match(view, at) or _USUAL_DICTIONARY.match(view, at)
        if found:
            kind = _DATA if found.re is _USUAL_DATA else _DICTIONARY
            start = found.end()
            written, packed, check, number, how = found.groups()
            size, end, count = numbers[written], start + numbers[packed], numbers[number]
            check_sum = None if check is None else numbers[check]
            encoding = numbers[how]
        else:
            kind, size, start, end, check_sum, count, encoding = _page(view, at, path)
        if size < 0:
            raise ParquetLayoutError.from_pages(path, "has a page that is none")
        if not start <= end <= last:
            raise ParquetLayoutError.from_pages(path, "has a page that would go on behind its end")
        if not 0 <= count <= MOST_VALUES or (kind == _DICTIONARY and count > size):
            raise ParquetLayoutError.from_pages(
                path, f"has a page that would have {count:,} values"
            )
        if check_sum is not None and zlib.crc32(view[start:end]) != check_sum & 0xFFFFFFFF:
            raise ParquetLayoutError.from_pages(path, "has a page whose check sum is another one")
        if encoding not in _ENCODINGS:
            raise ParquetLayoutError.from_pages(path, "has a page in an unknown encoding")
        if kind != _DICTIONARY:
            values += count
            encodings.add(encoding)
        unpacked += size
        at = end
    if values != expected:
        raise ParquetLayoutError.from_pages(
            path, f"has pages of {values:,} values instead of {expected:,}"
        )
    return unpacked


def _page(
    view: Bytes, at: int, path: bytes | str
) -> tuple[int | None, int, int, int, int | None, int, int]:
    """Return what the head of a page says, and where what follows it begins and ends."""
    try:
        head, start = read_struct(view, at, _PAGE)
    except (ThriftError, IndexError) as error:
        raise ParquetLayoutError.from_pages(path, "has a page that is none") from error
    kind = head.get(1)
    count: int | None = 0  # of a page of another kind, such as an index
    encoding = _PLAIN_ENCODING
    if kind in _DETAILS:
        field, encoded = _DETAILS[kind]
        details = head.get(field, {})
        count, encoding = details.get(1), details.get(encoded, _PLAIN_ENCODING)
    if count is None:
        raise ParquetLayoutError.from_pages(path, "has a page that is none")
    end = start + head.get(3, -1)
    return kind, head.get(2, -1), start, end, head.get(_CHECK_SUM), count, encoding
