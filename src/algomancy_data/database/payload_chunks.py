"""The bytes of a payload as rows of ``algomancy_payload_chunks``.

No row is large, because neither SQLite nor PostgreSQL keeps a value of more than 1 GB, and because
a value is held in memory several times on its way through a driver.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import sqlalchemy as sa

from algomancy_data.database.models import payload_chunks_table
from algomancy_data.documents import expect, member
from algomancy_data.errors import DamagedStoreError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

# Chosen by measurement on SQLite, beside 64 KiB to 32 MiB.
CHUNK_BYTES: Final = 2 * 1024 * 1024


@dataclass(frozen=True)
class PayloadKey:
    """Whose payload, and which writing of it.

    Args:
        session: The session.
        name: Name of the dataset.
        version: Version of its catalogue row.
    """

    session: str
    name: str
    version: str

    def damage(self, part: str, what: str) -> DamagedStoreError:
        """Return the error for a payload that is not what was written."""
        return DamagedStoreError(
            f"The payload of dataset {self.name!r} is damaged: {what} ({part!r} of version "
            f"{self.version!r}). Restore the database from a backup, or delete the dataset and "
            f"load it again."
        )


@dataclass(frozen=True)
class PartLayout:
    """How one part of a payload lies in the chunks.

    Args:
        part: Name of the part.
        segments: Lengths in bytes of what it consists of, one after the other.
        crc32: Check sum of each chunk.
    """

    part: str
    segments: tuple[int, ...]
    crc32: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the description as JSON."""
        return {"part": self.part, "segments": [*self.segments], "crc32": [*self.crc32]}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Return what :meth:`to_json` described.

        Raises:
            SerializationError: It is not what :meth:`to_json` describes.
        """
        segments, sums = (
            tuple(expect(int, number, name) for number in member(value, name, list))
            for name in ("segments", "crc32")
        )
        return cls(member(value, "part", str), segments, sums)


def write_part(
    connection: sa.Connection,
    key: PayloadKey,
    part: str,
    segments: Iterable[bytes | memoryview],
) -> PartLayout:
    """Write the bytes of one part; return how they lie in the chunks."""
    lengths: list[int] = []
    sums: list[int] = []
    pending = bytearray()

    def flush() -> None:
        row = {**_columns(key, part), "ordinal": len(sums), "chunk": bytes(pending)}
        connection.execute(sa.insert(payload_chunks_table), row)
        sums.append(zlib.crc32(pending))
        pending.clear()

    for segment in segments:
        lengths.append(len(segment))
        rest = memoryview(segment)
        while rest:
            room = CHUNK_BYTES - len(pending)
            pending += rest[:room]
            rest = rest[room:]
            if len(pending) == CHUNK_BYTES:
                flush()
    if pending:
        flush()
    return PartLayout(part, tuple(lengths), tuple(sums))


def read_segments(
    connection: sa.Connection, key: PayloadKey, layout: PartLayout
) -> Generator[list[memoryview]]:
    """Yield the segments of a part; no byte is handed out before its check sum was compared.

    A segment comes in the pieces that its chunks hold, so that whoever wants them side by side
    copies them once.

    Raises:
        StoreError: A chunk is missing or is not what was written.
    """
    chunks = _read_chunks(connection, key, layout)
    rest = memoryview(b"")
    for length in layout.segments:
        pieces: list[memoryview] = []
        missing = length
        while missing:
            if not rest:
                chunk = next(chunks, None)
                if chunk is None:
                    raise key.damage(layout.part, "bytes are missing at its end")
                rest = memoryview(chunk)
            pieces.append(rest[:missing])
            missing -= len(pieces[-1])
            rest = rest[len(pieces[-1]) :]
        yield pieces
    if rest or next(chunks, None) is not None:
        raise key.damage(layout.part, "there are bytes behind its end")


def delete_chunks(connection: sa.Connection, session: str, name: str) -> None:
    """Delete all chunks of a dataset, of whatever version."""
    columns = payload_chunks_table.c
    connection.execute(
        sa.delete(payload_chunks_table).where(columns.session_id == session, columns.name == name)
    )


def _read_chunks(
    connection: sa.Connection, key: PayloadKey, layout: PartLayout
) -> Generator[bytes]:
    columns = payload_chunks_table.c
    query = sa.select(columns.chunk).where(
        *(columns[name] == value for name, value in _columns(key, layout.part).items()),
        columns.ordinal == sa.bindparam("wanted"),
    )
    # One row at a time: most drivers hold a whole result in memory.
    for ordinal, crc32 in enumerate(layout.crc32):
        chunk = connection.scalar(query, {"wanted": ordinal})
        if chunk is None:
            raise key.damage(layout.part, f"chunk {ordinal} is missing")
        if zlib.crc32(chunk) != crc32:
            raise key.damage(layout.part, f"the check sum of chunk {ordinal} is another one")
        yield chunk


def _columns(key: PayloadKey, part: str) -> dict[str, str]:
    return {"session_id": key.session, "name": key.name, "version": key.version, "part": part}
