"""CRC-32 check sums of files, one per piece, so that damage has a place."""

from __future__ import annotations

import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

PIECE_BYTES: Final = 16 * 1024 * 1024
"""How many bytes of a file have a check sum of their own."""

# Small enough to stay in the processor's cache between the read and the sum.
_READ_BYTES: Final = 256 * 1024
_THREADS: Final = 4


def file_sums(path: Path) -> tuple[int, ...]:
    """Return the check sum of each piece of a file.

    Example:
        >>> import pathlib, tempfile, zlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "x")
        ...     _ = path.write_bytes(b"abc")
        ...     file_sums(path) == (zlib.crc32(b"abc"),)
        True
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        starts = range(0, os.fstat(descriptor).st_size, PIECE_BYTES)
        if len(starts) <= 1:
            return tuple(_piece_sum(descriptor, start) for start in starts)
        with ThreadPoolExecutor(_THREADS, "algomancy-data-sums") as pool:
            return tuple(pool.map(lambda start: _piece_sum(descriptor, start), starts))
    finally:
        os.close(descriptor)


def _piece_sum(descriptor: int, start: int) -> int:
    # Read rather than mapped: a mapped file that somebody cuts short ends the process.
    crc, end = 0, start + PIECE_BYTES
    buffer = memoryview(bytearray(_READ_BYTES))
    while start < end:
        count = os.preadv(descriptor, [buffer[: end - start]], start)
        if count == 0:
            break
        crc = zlib.crc32(buffer[:count], crc)
        start += count
    return crc
