"""Thrift's compact protocol, read with suspicion: how Parquet files describe what is in them.

Only what is asked for is kept, since a footer has dozens of numbers for each column and each group
of rows.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple, TypeAlias

Bytes: TypeAlias = "bytes | memoryview"
# Which fields of a struct to keep, and what they must be: a number (None), texts (TEXTS), a struct
# (what is wanted of it), a list of structs. A field that is something else is left out.
Wanted: TypeAlias = "dict[int, Wanted | Structs | str | None]"
Struct: TypeAlias = "dict[int, Any]"


class Structs(NamedTuple):
    """A list of structs.

    Args:
        wanted: What is wanted of each.
        usual: How nearly all are written: what it matches is kept as the match, and not walked.
    """

    wanted: Wanted
    usual: re.Pattern[bytes] | None = None


TEXTS: Final = "texts"
_NOTHING: Final = ""

_TRUE, _FALSE, _BYTE, _DOUBLE, _TEXT, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS: Final = (4, 5, 6)
_NUMBERS: Final = frozenset(_INTEGERS)
_ORDER: Final = b"\x1c\0\0"
_LONG_LIST: Final = 15
_DEEPEST: Final = 16
_LONGEST_NUMBER: Final = 63


class ThriftError(ValueError):
    """Bytes are no Thrift struct."""


def read_struct(  # noqa: PLR0912  calls for each branch would take twice the time
    data: Bytes, at: int, wanted: Wanted, depth: int = 0
) -> tuple[Struct, int]:
    """Return the wanted fields of a struct by number, and where it ends.

    Raises:
        ThriftError: There is none at that position.
        IndexError: It goes on behind the end of the data.
    """
    if depth > _DEEPEST:
        msg = "nested too deeply"
        raise ThriftError(msg)
    fields: Struct = {}
    number = 0
    while head := data[at]:
        at += 1
        kind = head & 15
        if head > 15:  # noqa: PLR2004  how much higher the number is than the last one
            number += head >> 4
        else:
            number, at = _number(data, at)
        # What there is most of is not worth a call: short numbers, and what is passed over.
        inner = wanted.get(number, _NOTHING)
        if inner is _NOTHING:
            if kind in _NUMBERS:
                while data[at] & 0x80:
                    at += 1
                at += 1
            elif kind == _TEXT and data[at] < 0x80:  # noqa: PLR2004  a length of one byte
                at += 1 + data[at]
            else:
                at = _skipped(data, at, kind, depth)
        elif inner is None and kind in _NUMBERS:
            byte = data[at]
            if byte < 0x80:  # noqa: PLR2004  all of it
                fields[number] = (byte >> 1) ^ -(byte & 1)
                at += 1
            else:
                fields[number], at = _number(data, at)
        elif kind == _STRUCT and isinstance(inner, dict):
            fields[number], at = read_struct(data, at, inner, depth + 1)
        elif kind == _LIST and isinstance(inner, Structs | str):
            fields[number], at = _list(data, at, inner, depth)
        else:
            at = _skipped(data, at, kind, depth)
    return fields, at + 1


def _list(data: Bytes, at: int, inner: Structs | str, depth: int) -> tuple[list[Any], int]:
    count, kind, at = _list_head(data, at)
    items: list[Any] = []
    match = inner.usual.match if isinstance(inner, Structs) and inner.usual else None
    for _ in range(count):
        if kind == _STRUCT and match is not None and (found := match(data, at)):
            item, at = found, found.end()
        elif kind == _STRUCT and isinstance(inner, Structs):
            item, at = read_struct(data, at, inner.wanted, depth + 1)
        elif kind == _TEXT and isinstance(inner, str):
            item, at = _text(data, at)
        else:
            msg = "a list of other items than it has"
            raise ThriftError(msg)
        items.append(item)
    return items, at


def _list_head(data: Bytes, at: int) -> tuple[int, int, int]:
    head = data[at]
    count, at = head >> 4, at + 1
    if count == _LONG_LIST:
        count, at = read_varint(data, at)
    if count > len(data) - at:  # no item is shorter than a byte
        msg = "a list that goes on behind the end"
        raise ThriftError(msg)
    return count, head & 15, at


def _skipped(data: Bytes, at: int, kind: int, depth: int) -> int:
    """Return where a value of a field ends."""
    if kind in _NUMBERS:
        while data[at] & 0x80:
            at += 1
        return at + 1
    if kind in {_TRUE, _FALSE}:
        return at
    if kind == _TEXT:
        length, at = read_varint(data, at)
        return at + length
    if kind == _STRUCT:
        return read_struct(data, at, {}, depth + 1)[1]
    if kind in {_LIST, _SET}:
        count, item, at = _list_head(data, at)
        if item in {_TRUE, _FALSE}:
            return at + count
        # How each column of a Parquet file is ordered: as its type is.
        end = at + len(_ORDER) * count
        if item == _STRUCT and data[at:end] == _ORDER * count:
            return end
        for _ in range(count):
            at = _skipped(data, at, item, depth + 1)
        return at
    if kind not in {_BYTE, _DOUBLE} or depth > _DEEPEST:
        msg = "a value of an unknown kind"
        raise ThriftError(msg)
    return at + (1 if kind == _BYTE else 8)


def _text(data: Bytes, at: int) -> tuple[str, int]:
    length, at = read_varint(data, at)
    if at + length > len(data):
        raise IndexError
    return str(bytes(data[at : at + length]), "utf-8", "backslashreplace"), at + length


def _number(data: Bytes, at: int) -> tuple[int, int]:
    number, at = read_varint(data, at)
    return (number >> 1) ^ -(number & 1), at


def read_varint(data: Bytes, at: int) -> tuple[int, int]:
    """Return a number that has no sign, and where it ends.

    Raises:
        ThriftError: It has too many bits.
        IndexError: It goes on behind the end of the data.
    """
    byte = data[at]
    if byte < 0x80:  # noqa: PLR2004  most of them are one byte
        return byte, at + 1
    number = shift = 0
    while byte & 0x80:
        number |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if shift > _LONGEST_NUMBER:
            msg = "a number of too many bits"
            raise ThriftError(msg)
        byte = data[at]
    return number | byte << shift, at + 1


# --- structs as regular expressions, for those that nearly all writers write alike ----------------
# A footer has one struct for each column of each group of rows, and a page one before it, with
# dozens of fields of which a few are wanted. A regular expression passes over the others ten times
# as fast as code that looks at each (3.11: 1 µs instead of 10). It matches whole structs only, and
# nothing that read_struct would read otherwise; what it does not match is left to that.

# At most 10 bytes; all have a bit set that says that more follow, but for the last.
_VARINT: Final = rb"[\x80-\xff]{0,9}+[\x00-\x7f]"
# Longer texts are rare: the smallest and the largest value of a column are in its description.
_LONGEST_TEXT: Final = 48
_MOST_ITEMS: Final = 4


def _heads(*kinds: int) -> bytes:
    """Match the head of a field of a kind, whatever its number."""
    heads = (bytes([step << 4 | kind]) for step in range(1, 16) for kind in kinds)
    return b"[%b]" % b"".join(map(re.escape, heads))


def _items(item: bytes, *kinds: int) -> bytes:
    """Match a list of a few items of the same form."""
    counted = (
        b"[%b]" % b"".join(re.escape(bytes([count << 4 | kind])) for kind in kinds) + item * count
        for count in range(_MOST_ITEMS + 1)
    )
    return b"(?:%b)" % b"|".join(counted)


NUMBER: Final = b"(" + _VARINT + b")"
"""Matches a number, and keeps it for :class:`Numbers`."""

ANY_NUMBER: Final = _VARINT
TEXT: Final = b"(?:%b)" % b"|".join(
    re.escape(bytes([length])) + b".{%d}" % length for length in range(_LONGEST_TEXT + 1)
)
SOME_NUMBERS: Final = b"(?:" + _heads(*_INTEGERS) + _VARINT + b")*+"
"""Matches fields that are numbers, however many."""

NUMBER_LIST: Final = _items(_VARINT, *_INTEGERS)
_LEAVES: Final = (
    _heads(*_INTEGERS) + _VARINT,
    _heads(_TRUE, _FALSE),
    _heads(_TEXT) + TEXT,
    _heads(_LIST) + NUMBER_LIST,
)
SOME_LEAVES: Final = b"(?:" + b"|".join(_LEAVES) + b")*+"
"""Matches fields that are no structs and have none in them, however many."""

SOME_FIELDS: Final = b"(?:%b)*+" % b"|".join(
    [
        _heads(*_INTEGERS) + _VARINT,
        _heads(_STRUCT) + SOME_LEAVES + rb"\0",
        _heads(_LIST) + _items(SOME_NUMBERS + rb"\0", _STRUCT),
    ]
)
"""Matches numbers, structs of leaves, and lists of structs of numbers, however many."""


def form(*parts: bytes) -> re.Pattern[bytes]:
    """Return what matches parts that follow each other."""
    return re.compile(b"".join(parts), re.DOTALL)


class Numbers(dict[bytes, int]):
    r"""The numbers that were matched, by their bytes: for those that come again and again.

    Example:
        >>> Numbers()[b"\xac\x02"], Numbers()[b"\x01"]
        (150, -1)
    """

    def __missing__(self, written: bytes) -> int:
        """Return a number that was not asked for before."""
        number = self[written] = matched_number(written)
        return number


def matched_number(written: bytes) -> int:
    r"""Return a number that was matched: in a sixth of the time in which :class:`Numbers` keep it.

    Example:
        >>> (
        ...     matched_number(b"\xac\x02"),
        ...     matched_number(b"\x01"),
        ...     matched_number(b"\xff" * 4 + b"\x0f"),
        ... )
        (150, -1, -2147483648)
    """
    # All bytes but the last have their highest bit set, which is taken away at once.
    size = len(written)
    if size == 3:  # noqa: PLR2004  as lengths of pages are
        first, second, third = written
        number = first + (second << 7) + (third << 14) - 0x4080
    elif size == 4:  # noqa: PLR2004  as are places of pages
        first, second, third, fourth = written
        number = first + (second << 7) + (third << 14) + (fourth << 21) - 0x204080
    else:
        number = 0
        for byte in reversed(written):
            number = number << 7 | byte & 0x7F
    return (number >> 1) ^ -(number & 1)
