"""The Arrow IPC files of a dataset: written once, mapped into memory, never changed."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.display.words import counted
from algomancy_data.engine_failures import reason_of
from algomancy_data.errors import UnstorableError
from algomancy_data.file.locations import bytes_of
from algomancy_data.folder.files import PIECE_BYTES, file_sums, synced_sums, write_synced
from algomancy_data.folder.manifest import StoredFile, TablePart
from algomancy_data.frames.arrow import arrow_schema, cast_frame
from algomancy_data.frames.arrow_layout import ArrowLayoutError, arrow_layout
from algomancy_data.memory import IN_MEMORY_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from polars.datatypes import DataType as PolarsDataType

MAGIC: Final = b"ARROW1"
# One batch maps to one chunk per column, which is what every operation is fastest on. A large frame
# may itself be mapped, and is not copied as a whole to be written.
_BATCHES_IN_MEMORY: Final = 4


# Versions of files that this process has verified.
_verified: set[tuple[object, ...]] = set()


class DamagedFileError(Exception):
    """A file is not what was written."""


def write_table(
    directory: Path,
    number: int,
    name: str,
    frame: pl.DataFrame,
    in_memory_bytes: int = IN_MEMORY_BYTES,
) -> TablePart:
    """Write the file of a table and wait until it is on disk.

    Args:
        directory: Where.
        number: The name of the file.
        name: Name of the table, for errors.
        frame: The table.
        in_memory_bytes: Up to which size it is written as one batch.

    Raises:
        UnstorableError: Polars cannot write the frame.
        OSError: The disk is full, or fails.
    """
    path = directory / f"{number}.arrow"
    in_arrow = cast_frame(frame, arrow_schema(frame.schema))
    try:
        rows = _batch_rows(frame, in_memory_bytes)
        in_arrow.write_ipc(path, compression="uncompressed", record_batch_size=rows)
    except (PolarsError, PanicException) as error:
        msg = f"Table {name!r} cannot be written as Arrow data: {reason_of(error)}"
        raise UnstorableError(msg) from error
    stored = StoredFile(path.name, path.stat().st_size, synced_sums(path))
    return TablePart(stored, frame.height, frame.width)


def _batch_rows(frame: pl.DataFrame, in_memory_bytes: int) -> int:
    """Return how many rows are written as one batch."""
    size, rows = int(frame.estimated_size()), frame.height
    if size > in_memory_bytes:
        rows = rows * (in_memory_bytes // _BATCHES_IN_MEMORY) // size
    return max(rows, 1)


def write_text(directory: Path, text: str) -> StoredFile:
    """Write a text and wait until it is on disk."""
    path = directory / "text"
    write_synced(path, text.encode())
    return StoredFile(path.name, path.stat().st_size, file_sums(path))


def map_part(path: Path, part: TablePart, schema: Mapping[str, PolarsDataType]) -> pl.DataFrame:
    """Return the frame of a file without reading it: its memory is the file.

    Only what the file says of its own layout is looked at, so that nothing lies outside it.

    Raises:
        DamagedFileError: The file is not what was written.
        OSError: It cannot be opened.
    """
    schema = pl.Schema(islice(schema.items(), part.width))
    in_arrow = arrow_schema(schema)
    try:
        frame = _map(path, in_arrow)
    except ArrowLayoutError as error:
        msg = f"its {error}"
        raise DamagedFileError(msg) from error
    except (PolarsError, PanicException, ValueError, NotImplementedError) as error:
        msg = f"it is no Arrow file that can be read ({reason_of(error)})"
        raise DamagedFileError(msg) from error
    if not schema:
        frame = pl.DataFrame(height=part.rows)
    if frame.schema != in_arrow or frame.height != part.rows:
        found = f"{counted(frame.height, 'row')} of {frame.schema}"
        msg = f"it has {found} instead of {part.rows:,} of {in_arrow}"
        raise DamagedFileError(msg)
    return cast_frame(frame, schema)


def check_file(path: Path, stored: StoredFile) -> None:
    """Make sure, without reading it, that a file is there and looks as it was written.

    Raises:
        DamagedFileError: It is another one, or no file.
        OSError: It cannot be opened.
    """
    # A link could lead out of the folder.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        size = os.fstat(descriptor).st_size
        if size != stored.bytes:
            msg = f"it has {size} bytes instead of {stored.bytes}"
            raise DamagedFileError(msg)
        if stored.file.endswith(".arrow"):
            ends = (os.pread(descriptor, len(MAGIC), at) for at in (0, size - len(MAGIC)))
            if any(end != MAGIC for end in ends):
                msg = "it does not begin and end as an Arrow file"
                raise DamagedFileError(msg)
    finally:
        os.close(descriptor)


def verify_file(path: Path, stored: StoredFile) -> None:
    """Read a file and compare its check sums.

    Raises:
        DamagedFileError: It is not what was written; the message says where.
        OSError: It cannot be read.
    """
    check_file(path, stored)
    found = file_sums(path)
    if len(found) != len(stored.crc32):
        sums = counted(len(stored.crc32), "check sum")
        msg = f"it has {sums} for {counted(len(found), 'piece')}"
        raise DamagedFileError(msg)
    for number, (now, noted) in enumerate(zip(found, stored.crc32, strict=True)):
        if now != noted:
            msg = f"the check sum of the bytes from {number * PIECE_BYTES} on is another one"
            raise DamagedFileError(msg)


def verify_once(path: Path, stored: StoredFile) -> None:
    """Verify a file, unless this process has done so since it was written.

    Raises:
        DamagedFileError: It is not what was written; the message says where.
        OSError: It cannot be read.
    """
    check_file(path, stored)
    found = path.stat()
    version = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, stored.crc32)
    if version not in _verified:
        verify_file(path, stored)
        _verified.add(version)


def _map(path: Path, schema: pl.Schema) -> pl.DataFrame:
    arrow_layout(bytes_of(path))
    if all(map(_is_known_to_pyarrow, schema.names(), schema.dtypes())):
        import pyarrow as pa  # noqa: PLC0415  0.1 s that only a first access has to pay

        with pa.memory_map(os.fsencode(path)) as source:
            table = pa.ipc.open_file(source).read_all()
        frame = cast("pl.DataFrame", pl.from_arrow(table, rechunk=False))
        if frame.width == len(schema):  # an empty name becomes "column_0"
            frame.columns = schema.names()
        if frame.schema == schema:
            return frame
    with path.open("rb") as stream:
        return pl.read_ipc(stream)


def _is_known_to_pyarrow(name: str, dtype: PolarsDataType) -> bool:
    """Tell whether pyarrow can map a column: a NUL in a name makes it end the process."""
    match dtype:
        case pl.Int128() | pl.UInt128():
            return False
        case pl.List() | pl.Array():
            return _is_known_to_pyarrow(name, cast("PolarsDataType", dtype.inner))
        case pl.Struct():
            return "\0" not in name and all(
                _is_known_to_pyarrow(field.name, cast("Any", field.dtype)) for field in dtype.fields
            )
        case pl.Enum():
            return "\0" not in name and not dtype.categories.str.contains("\0").any()
        case _:
            return "\0" not in name
