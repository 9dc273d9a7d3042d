"""The bytes of a payload as rows of ``algomancy_payload_chunks``.

No row is large, because neither SQLite nor PostgreSQL keeps a value of more than 1 GB, and because
a value is held in memory several times on its way through a driver.

Frames in it are Arrow IPC streams, made and read batch by batch. Polars writes and reads them, not
pyarrow, which knows no 128-bit integers and ends the process when the name of a column has a NUL.
The layout is the oldest that Polars writes: any Arrow library reads it, and a slice of nested texts
has its own texts in it and not those of the whole column.
"""

from __future__ import annotations

import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import polars as pl
import sqlalchemy as sa
from polars.exceptions import PanicException, PolarsError

from algomancy_data.database.models import payload_chunks_table
from algomancy_data.documents import expect, member
from algomancy_data.engine_failures import reason_of
from algomancy_data.errors import DamagedStoreError, SchemaDriftError
from algomancy_data.frames.arrow import arrow_schema, cast_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from concurrent.futures import Future

    from algomancy_data.frames.mapped import Gather


_T = TypeVar("_T")
_R = TypeVar("_R")


# Chosen by measurement: from 16 MiB on, reading takes half as long again.
_BATCH_BYTES: Final = 8 * 1024 * 1024


# Each batch repeats the categories of an Enum, which so make up a fifth of it at most.
_BATCH_TO_OVERHEAD: Final = 4


# A message begins with this marker and the length of its description (Arrow's IPC format).
_MARKER_BYTES: Final = 8
_MARKER: Final = 4
_END: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def encode(frame: pl.DataFrame) -> Generator[bytes | memoryview]:
    """Yield the stream of a frame: the schema, each batch with its dictionaries, the end.

    The next batch is made while the caller does something with one.
    """
    frame = cast_frame(frame, arrow_schema(frame.schema))
    schema, no_rows = _messages(frame.clear())
    yield schema
    limit = max(_BATCH_BYTES, _BATCH_TO_OVERHEAD * len(no_rows))
    yield from _one_ahead(lambda batch: _messages(batch)[1], _batches(frame, limit))
    yield _END


def decode(
    segments: Iterator[list[memoryview]], schema: pl.Schema, table: str, gather: Gather
) -> pl.DataFrame:
    """Return the frame of a stream that :func:`encode` yielded.

    Args:
        segments: What was yielded, each in pieces; it is decoded while the next one is fetched.
        schema: The frame's schema.
        table: What to call the table in an error.
        gather: Makes the frame of its batches.

    Raises:
        SchemaDriftError: The stream is none, or it has another schema.
    """
    in_arrow = arrow_schema(schema)
    head = next(segments, [])

    def decode_batch(batch: list[memoryview]) -> pl.DataFrame:
        if not all(bytes(part[0][:_MARKER]) == _END[:_MARKER] for part in (head, batch)):
            msg = f"The Arrow data of table {table!r} begin elsewhere than was noted."
            raise SchemaDriftError(msg)
        try:
            frame = pl.read_ipc_stream(b"".join([*head, *batch, _END]))
        except (PolarsError, PanicException) as error:
            reason = reason_of(error)
            msg = f"The Arrow data of table {table!r} cannot be read by this Polars: {reason}"
            raise SchemaDriftError(msg) from error
        if frame.schema != in_arrow:
            msg = (
                f"The Arrow data of table {table!r} have another schema than was noted: "
                f"{frame.schema} instead of {schema}."
            )
            raise SchemaDriftError(msg)
        return cast_frame(frame, schema)

    # The end may lie in two chunks, and no batch is as short.
    batches = (pieces for pieces in segments if sum(map(len, pieces)) > len(_END))
    with closing(_one_ahead(decode_batch, batches)) as frames:
        first = next(frames, None)
        return schema.to_frame() if first is None else gather(chain([first], frames))


def _messages(frame: pl.DataFrame) -> tuple[memoryview, memoryview]:
    """Return the schema message of a frame's stream, and the others without the end."""
    stream = frame.write_ipc_stream(None, compat_level=pl.CompatLevel.oldest()).getbuffer()
    length = _MARKER_BYTES + int.from_bytes(stream[_MARKER_BYTES // 2 : _MARKER_BYTES], "little")
    return stream[:length], stream[length : -len(_END)]


def _batches(frame: pl.DataFrame, limit: int) -> Generator[pl.DataFrame]:
    """Yield slices of a limited size, but of at least one row."""
    size = int(frame.estimated_size())
    if size <= limit:
        yield frame
        return
    rows = max(1, frame.height * limit // size)
    for part in frame.iter_slices(rows):
        # The rows here may be larger than elsewhere.
        if part.height > 1:
            yield from _batches(part, limit)
        else:
            yield part


def _one_ahead(produce: Callable[[_T], _R], items: Iterable[_T]) -> Generator[_R]:
    """Yield ``produce`` of each item; the next one is made in another thread."""
    with ThreadPoolExecutor(1, "algomancy-data-payload") as pool:
        coming: Future[_R] | None = None
        for item in items:
            ready, coming = coming, pool.submit(produce, item)
            if ready is not None:
                yield ready.result()
        if coming is not None:
            yield coming.result()


# Chosen by measurement on SQLite, beside 64 KiB to 32 MiB.
CHUNK_BYTES: Final = 2 * 1024 * 1024


@dataclass(frozen=True)
class PayloadKey:
    """The owner and version of a payload.

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
    """Which chunks hold one part of a payload.

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
    """Write the bytes of one part; return which chunks hold them."""
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
    """Yield the segments of a part, each after its check sum was compared.

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
    """Delete all chunks of a dataset, of any version."""
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
