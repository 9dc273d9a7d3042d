"""Flatbuffers, read with suspicion: the form in which Arrow files describe what is in them.

Every position is checked before it is followed, so a wrong one is an error and nothing else.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_POSITION: Final = struct.Struct("<I")
_OFFSET: Final = struct.Struct("<i")
_SHORT: Final = struct.Struct("<H")
_FORMATS: Final = {code: struct.Struct(f"<{code}") for code in "?bBhHiIqQ"}


class FlatbufferError(ValueError):
    """Bytes are no flatbuffer."""


class Flatbuffer:
    """The bytes of one flatbuffer.

    Args:
        data: The bytes.
    """

    def __init__(self, data: bytes | memoryview) -> None:
        self.data = data
        # Positions only lead forward, but two may lead to the same place, again and again.
        self._tables_left = len(data) // 4

    def root(self) -> Table:
        """Return the table that everything else hangs on."""
        return self.table_at(self.position(0))

    def table_at(self, position: int) -> Table:
        """Return the table at a position."""
        self._tables_left -= 1
        if self._tables_left < 0:
            msg = "more tables than there is room for"
            raise FlatbufferError(msg)
        return Table(self, position)

    def position(self, at: int) -> int:
        """Return the position that is noted at another one, relative to it."""
        return at + self.number(_POSITION, at)

    def number(self, form: struct.Struct, at: int) -> int:
        """Return a number."""
        if at < 0:  # Python would count from the end
            msg = "a position before the start"
            raise FlatbufferError(msg)
        try:
            return form.unpack_from(self.data, at)[0]
        except struct.error as error:
            msg = "a position behind the end"
            raise FlatbufferError(msg) from error

    def vector(self, at: int, item_bytes: int) -> tuple[int, int]:
        """Return where the items of a vector begin, and how many there are."""
        count = self.number(_POSITION, at)
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
    """

    def __init__(self, buffer: Flatbuffer, position: int) -> None:
        self._buffer = buffer
        self._position = position
        self._slots = position - buffer.number(_OFFSET, position)
        self._slots_bytes = buffer.number(_SHORT, self._slots)

    def number(self, field: int, code: str, default: int = 0) -> int:
        """Return a number; ``code`` says how it is written, as in :mod:`struct`."""
        at = self._at(field)
        return default if at is None else self._buffer.number(_FORMATS[code], at)

    def table(self, field: int) -> Table | None:
        """Return a table, or None if there is none."""
        at = self._at(field)
        return None if at is None else self._buffer.table_at(self._buffer.position(at))

    def tables(self, field: int) -> Iterator[Table]:
        """Yield the tables of a vector."""
        at = self._at(field)
        if at is None:
            return
        start, count = self._buffer.vector(self._buffer.position(at), _POSITION.size)
        for item in range(start, start + count * _POSITION.size, _POSITION.size):
            yield self._buffer.table_at(self._buffer.position(item))

    def structs(self, field: int, code: str) -> list[tuple[int, ...]]:
        """Return the items of a vector of structs; ``code`` says how one is written."""
        at = self._at(field)
        if at is None:
            return []
        form = struct.Struct(f"<{code}")
        start, count = self._buffer.vector(self._buffer.position(at), form.size)
        return list(form.iter_unpack(self._buffer.data[start : start + count * form.size]))

    def text(self, field: int) -> str:
        """Return a text; the empty one if it is absent."""
        at = self._at(field)
        if at is None:
            return ""
        start, count = self._buffer.vector(self._buffer.position(at), 1)
        try:
            return bytes(self._buffer.data[start : start + count]).decode()
        except UnicodeDecodeError as error:
            msg = "a name that is no text"
            raise FlatbufferError(msg) from error

    def _at(self, field: int) -> int | None:
        slot = 2 * (field + 2)
        if slot + 2 > self._slots_bytes:
            return None
        offset = self._buffer.number(_SHORT, self._slots + slot)
        return self._position + offset if offset else None
