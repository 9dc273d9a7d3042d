"""Safe reading of flatbuffers, the form in which Arrow files describe their content.

Every position is checked before it is followed, so a wrong one is only an error:
:class:`struct.error` past the end, which costs nothing for valid data, else FlatbufferError.
"""

from __future__ import annotations

import struct
from typing import Final

_POSITION: Final = struct.Struct("<I")
_OFFSET: Final = struct.Struct("<i")
_SHORT: Final = struct.Struct("<H")
_FORMATS: Final = {code: struct.Struct(f"<{code}") for code in "?bBhHiIqQ"}
# How many fields of a table can be asked for.
_MOST_FIELDS: Final = 16
_ABSENT: Final = (0,) * _MOST_FIELDS


class FlatbufferError(ValueError):
    """Bytes are not a flatbuffer."""


class Flatbuffer:
    """The bytes of one flatbuffer.

    Args:
        data: The bytes; they are copied, since looking into a view takes twice the time.
    """

    def __init__(self, data: bytes | memoryview) -> None:
        self.data = bytes(data)
        # Positions only lead forward, but two may lead to the same place, again and again.
        self._tables_left = len(data) // 4
        # Tables of a kind share the list of where their fields are: offsets by its position.
        self._offsets: dict[int, tuple[int, ...]] = {}

    def root(self) -> Table:
        """Return the root table."""
        return self.table_at(self.position(0))

    def table_at(self, position: int) -> Table:
        """Return the table at a position."""
        self._tables_left -= 1
        if self._tables_left < 0:
            msg = "more tables than there is room for"
            raise FlatbufferError(msg)
        slots = position - _OFFSET.unpack_from(self.data, position)[0]
        offsets = self._offsets.get(slots)
        if offsets is None:
            offsets = self._offsets[slots] = self._offsets_at(slots)
        return Table(self, position, offsets)

    def _offsets_at(self, slots: int) -> tuple[int, ...]:
        # Before them are the lengths of the list and of the table.
        if slots < 0:  # Python would count from the end; all other positions are sums
            msg = "a position before the start"
            raise FlatbufferError(msg)
        count = min(_SHORT.unpack_from(self.data, slots)[0] // _SHORT.size - 2, _MOST_FIELDS)
        first = slots + 2 * _SHORT.size
        numbers = range(first, first + count * _SHORT.size, _SHORT.size)
        return (*(_SHORT.unpack_from(self.data, at)[0] for at in numbers), *_ABSENT)

    def position(self, at: int) -> int:
        """Return the position that another one refers to, relative to itself."""
        return at + _POSITION.unpack_from(self.data, at)[0]

    def vector(self, at: int, item_bytes: int) -> tuple[int, int]:
        """Return where the items of a vector begin, and how many there are."""
        count = _POSITION.unpack_from(self.data, at)[0]
        start = at + _POSITION.size
        if start + count * item_bytes > len(self.data):
            msg = "a vector that goes on behind the end"
            raise FlatbufferError(msg)
        return start, count


class Table:
    """A table of a flatbuffer: fields by number, each of which may be absent.

    Args:
        buffer: What it is in.
        position: Where.
        offsets: Where its fields are from there on; 0 for one that is absent.
    """

    __slots__ = ("_buffer", "_offsets", "_position")

    def __init__(self, buffer: Flatbuffer, position: int, offsets: tuple[int, ...]) -> None:
        self._buffer = buffer
        self._position = position
        self._offsets = offsets

    def has(self, field: int) -> bool:
        """Tell whether a field is there."""
        return self._offsets[field] != 0

    def number(self, field: int, code: str, default: int = 0) -> int:
        """Return a number; ``code`` says how it is written, as in :mod:`struct`."""
        offset = self._offsets[field]
        if not offset:
            return default
        return _FORMATS[code].unpack_from(self._buffer.data, self._position + offset)[0]

    def table(self, field: int) -> Table | None:
        """Return a table, or None if there is none."""
        if not self._offsets[field]:
            return None
        return self._buffer.table_at(self._at(field))

    def tables(self, field: int) -> list[Table]:
        """Return the tables of a vector."""
        if not self._offsets[field]:
            return []
        buffer = self._buffer
        start, count = buffer.vector(self._at(field), _POSITION.size)
        items = range(start, start + count * _POSITION.size, _POSITION.size)
        return [buffer.table_at(buffer.position(item)) for item in items]

    def structs(self, field: int, code: str) -> list[tuple[int, ...]]:
        """Return the items of a vector of structs; ``code`` says how one is written."""
        if not self._offsets[field]:
            return []
        form = struct.Struct(f"<{code}")
        start, count = self._buffer.vector(self._at(field), form.size)
        return list(form.iter_unpack(self._buffer.data[start : start + count * form.size]))

    def text(self, field: int) -> str:
        """Return a text; the empty one if it is absent."""
        if not self._offsets[field]:
            return ""
        start, count = self._buffer.vector(self._at(field), 1)
        try:
            return self._buffer.data[start : start + count].decode()
        except UnicodeDecodeError as error:
            msg = "a name that is no text"
            raise FlatbufferError(msg) from error

    def _at(self, field: int) -> int:
        """Return where a field that is there leads to."""
        at = self._position + self._offsets[field]
        return at + _POSITION.unpack_from(self._buffer.data, at)[0]
