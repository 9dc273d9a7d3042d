"""Frames as Arrow IPC streams, made and read batch by batch.

Polars writes and reads them, not pyarrow, which knows no 128-bit integers and ends the process
when the name of a column has a NUL. The layout is the oldest that Polars writes: any Arrow library
reads it, and a slice of nested texts has its own texts in it and not those of the whole column.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.engine_failures import reason_of
from algomancy_data.errors import SchemaDriftError
from algomancy_data.frames.arrow import arrow_schema, cast_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from concurrent.futures import Future

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


def decode(segments: Iterator[list[memoryview]], schema: pl.Schema, table: str) -> pl.DataFrame:
    """Return the frame of a stream that :func:`encode` yielded.

    Args:
        segments: What was yielded, each in pieces; it is decoded while the next one is fetched.
        schema: The frame's schema.
        table: What to call the table in an error.

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
    frames = list(_one_ahead(decode_batch, batches))
    return pl.concat(frames) if frames else schema.to_frame()


def _messages(frame: pl.DataFrame) -> tuple[memoryview, memoryview]:
    """Return the schema message of a frame's stream, and the others without the end."""
    stream = frame.write_ipc_stream(None, compat_level=pl.CompatLevel.oldest()).getbuffer()
    length = _MARKER_BYTES + int.from_bytes(stream[_MARKER_BYTES // 2 : _MARKER_BYTES], "little")
    return stream[:length], stream[length : -len(_END)]


def _batches(frame: pl.DataFrame, limit: int) -> Generator[pl.DataFrame]:
    """Yield slices of at most as many bytes, but of one row at least."""
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
    """Yield what ``produce`` makes of each item; the next one is made in another thread."""
    with ThreadPoolExecutor(1, "algomancy-data-payload") as pool:
        coming: Future[_R] | None = None
        for item in items:
            ready, coming = coming, pool.submit(produce, item)
            if ready is not None:
                yield ready.result()
        if coming is not None:
            yield coming.result()
