"""What the footer of a Parquet file says of its columns and of where their pages are.

(pyarrow shows it as well, but ends the process for some that are damaged, and takes 0.1 s to come.)
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from algomancy_data.extractor.columnar.thrift import (
    ANY_NUMBER,
    NUMBER,
    NUMBER_LIST,
    SOME_FIELDS,
    SOME_NUMBERS,
    TEXT,
    TEXTS,
    Bytes,
    Numbers,
    Structs,
    ThriftError,
    Wanted,
    form,
    matched_number,
    read_struct,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_Match: TypeAlias = "re.Match[bytes]"

MAGIC: Final = b"PAR1"
TAIL: Final = struct.Struct("<I4s")
MOST_VALUES: Final = 2**31 - 1
_REQUIRED, _REPEATED = 0, 2
_OPTIONAL: Final = b"\x02"
_NOT_PACKED: Final = b"\0"
# Where it is, it holds Arrow types, which readers believe more than Parquet's own.
_ARROW_SCHEMA: Final = b"ARROW:schema"
# Polars breaks down if that is followed by nothing, or by less than a schema can be.
_SURE_SCHEMA: Final = form(_ARROW_SCHEMA, rb"\x18(?:[\x10-\x7f]|[\x80-\xff][\x01-\xff])")

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
    rb"\x15" + NUMBER + rb"\x25([\0\x02])\x18" + TEXT,
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
# The physical type of texts and bytes of any length.
_TEXTS: Final = b"\x0c"
_NODE: Final[Wanted] = {3: None, 5: None}

# The pages of a column in one group of rows: its path, and the numbers below.
_NAMES, _CODEC, _VALUES, _LENGTH, _FIRST, _FIRST_DICTIONARY = 3, 4, 5, 7, 9, 11
_CHUNK: Final[Wanted] = {
    3: {_NAMES: TEXTS, **dict.fromkeys((_CODEC, _VALUES, _LENGTH, _FIRST, _FIRST_DICTIONARY))},
    8: {},
}
_USUAL_CHUNK: Final = form(
    rb"\x26" + ANY_NUMBER + rb"\x1c\x15" + ANY_NUMBER + rb"\x19" + NUMBER_LIST,
    rb"\x19\x18(" + TEXT + rb")\x15" + NUMBER + rb"\x16" + NUMBER,
    rb"\x16" + ANY_NUMBER + rb"\x16" + NUMBER + rb"\x26" + NUMBER,
    rb"(?:\x26" + NUMBER + rb"|(?![\x10-\x2f]))" + SOME_FIELDS + rb"\0" + SOME_NUMBERS + rb"\0",
)
_FOOTER: Final[Wanted] = {
    2: Structs(_NODE, _FLAT),
    3: None,
    4: Structs({1: Structs(_CHUNK, _USUAL_CHUNK), 3: None}),
}

# Which group of the pattern says where its dictionary begins.
_DICTIONARY_GROUP: Final = 6

# How many bits the levels of a column have, of repetition (lists) and of definition (nulls).
Widths: TypeAlias = "tuple[int, int]"
# The pages of a column in one group of rows: its path, where they begin and end, how many values
# they have, whether they are packed, the widths of their levels. A class for these would take
# longer than all that is done with them.
Chunk: TypeAlias = "tuple[bytes | str, int, int, int, bool, Widths]"


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
        widths: How many bits the levels of each column have, those nested in others singly.
        is_plain: Every column is flat, and of a type that Polars reads exactly.
        are_texts: Which columns have texts or bytes, if all are plain.
        has_arrow_types: What was written as another Arrow type may be read as that.
        is_sure: What says so is not such that Polars breaks down at it.
    """

    rows: int
    groups: list[dict[int, Any]]
    widths: list[Widths]
    is_plain: bool
    are_texts: list[bool]
    has_arrow_types: bool
    is_sure: bool

    @property
    def columns(self) -> int:
        """The number of columns, those that are nested in others counted singly."""
        return len(self.widths)

    @property
    def group_rows(self) -> list[int]:
        """How many rows each group has."""
        return [group.get(3, 0) for group in self.groups]

    @property
    def has_dictionary(self) -> list[bool]:
        """Whether a column has a dictionary in any group of rows, for each column."""
        groups = (map(_has_dictionary, group.get(1, ())) for group in self.groups)
        return [any(column) for column in zip(*groups, strict=True)] or [False] * self.columns

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Yield the columns of all groups of rows, if what they say can be true.

        Args:
            size: Length of the file.

        Raises:
            ParquetLayoutError: It cannot.
        """
        numbers = Numbers()
        rows = 0
        for group in self.groups:
            its_rows = group.get(3, -1)
            rows += its_rows
            columns = group.get(1, ())
            if len(columns) != len(self.widths):
                msg = "groups of rows have not all columns"
                raise ParquetLayoutError(msg)
            for column, widths in zip(columns, self.widths, strict=True):
                if isinstance(column, re.Match):
                    path, codec, written, length, first, dictionary = column.groups()
                    values = numbers[written]
                    start, end = _place(
                        path,
                        values,
                        matched_number(length),
                        matched_number(first),
                        0 if dictionary is None else matched_number(dictionary),
                        size,
                    )
                    is_packed = codec != _NOT_PACKED
                else:
                    path, values, start, end, is_packed = _place_of_fields(column, size)
                if values != its_rows and not widths[0]:
                    how = "has another number of values than there are rows"
                    raise ParquetLayoutError.from_pages(path, how)
                yield path, start, end, values, is_packed, widths
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
    is_plain = _are_plain(nodes[1:])
    has_arrow_types = _ARROW_SCHEMA in written
    return ParquetLayout(
        rows,
        footer.get(4, []),
        _widths(nodes),
        is_plain,
        [node[1] == _TEXTS for node in nodes[1:]] if is_plain else [],
        has_arrow_types,
        not has_arrow_types or _SURE_SCHEMA.search(written) is not None,
    )


def _are_plain(nodes: list[dict[int, Any] | _Match]) -> bool:
    """Tell whether all nodes are flat columns of types that Polars reads exactly."""
    kinds = {node.groups() if isinstance(node, re.Match) else None for node in nodes}
    return bool(kinds) and all(kind is not None and _is_plain(kind) for kind in kinds)


@lru_cache(maxsize=64)
def _is_plain(kind: tuple[bytes | Any, ...]) -> bool:
    first, _, second, *logicals = kind
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


def _widths(nodes: list[dict[int, Any] | _Match]) -> list[Widths]:
    """Return how many bits the levels of each leaf of a schema have.

    Args:
        nodes: All nodes, each before its children: how often it is there, how many these are.
    """
    widths: list[Widths] = []
    root = nodes[0] if nodes else None
    # How many children are still to come, and the highest levels around them, from the root on.
    around = [[root.get(5, 0), 0, 0]] if isinstance(root, dict) else []
    for node in nodes[1:]:
        while around and around[-1][0] <= 0:
            around.pop()
        if not around:
            msg = "schema has columns that are nowhere"
            raise ParquetLayoutError(msg)
        innermost = around[-1]
        innermost[0] -= 1
        _, repetition, definition = innermost
        if isinstance(node, re.Match):
            definition += node[2] == _OPTIONAL
        else:
            how_often = node.get(3)
            repetition += how_often == _REPEATED
            definition += how_often != _REQUIRED
            if children := node.get(5, 0):
                around.append([children, repetition, definition])
                continue
        widths.append((repetition.bit_length(), definition.bit_length()))
    return widths


def _has_dictionary(column: re.Match[bytes] | dict[int, Any]) -> bool:
    if isinstance(column, re.Match):
        return column[_DICTIONARY_GROUP] is not None
    return _FIRST_DICTIONARY in column.get(3, {})


def _place_of_fields(column: dict[int, Any], size: int) -> tuple[str, int, int, int, bool]:
    """Return the path of a column, how many values it has, where they are, if they are packed."""
    meta = column.get(3, {})
    if 8 in column and not meta:  # noqa: PLR2004  how it is encrypted
        msg = "columns are encrypted: decrypt them first. If not, the footer is not readable"
        raise ParquetLayoutError(msg)
    path = ".".join(meta.get(_NAMES, ()))
    values, length, first = (meta.get(field, -1) for field in (_VALUES, _LENGTH, _FIRST))
    start, end = _place(path, values, length, first, meta.get(_FIRST_DICTIONARY, 0), size)
    return path, values, start, end, meta.get(_CODEC) != 0


def _place(
    path: bytes | str, values: int, length: int, first: int, dictionary: int, size: int
) -> tuple[int, int]:
    """Return where the pages of a column begin and end."""
    if not 0 <= values <= MOST_VALUES:
        raise ParquetLayoutError.from_pages(path, "has no place or no number of values")
    if values == 0:  # there may be no pages at all
        return 0, 0
    if dictionary > first:
        raise ParquetLayoutError.from_pages(path, "has its dictionary behind its values")
    # Some writers say 0 for "no dictionary", some leave out where it is.
    start = min(dictionary or first, first)
    end = start + length
    if not len(MAGIC) <= start <= end <= size - TAIL.size:
        raise ParquetLayoutError.from_pages(path, "would lie outside the file")
    return start, end
