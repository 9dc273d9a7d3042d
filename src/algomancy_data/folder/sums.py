"""CRC-32 check sums of files, one per piece, so that damage has a place."""

from __future__ import annotations

import os
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from pathlib import Path

PIECE_BYTES: Final = 16 * 1024 * 1024
"""How many bytes of a file have a check sum of their own."""

# Small enough to stay in the processor's cache between the read and the sum.
_READ_BYTES: Final = 256 * 1024
_PAUSE_SECONDS: Final = 0.001
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


class SumsBehind:
    """The check sums of a file that is being appended to, made in a thread behind the writer.

    Use it as a context manager; call :meth:`end` when all is written, then :meth:`result`.

    Args:
        path: The file; it exists.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._complete = threading.Event()
        self._pool = ThreadPoolExecutor(1, "algomancy-data-sums")
        self._sums = self._pool.submit(self._follow)

    def __enter__(self) -> Self:
        """Follow the writer."""
        return self

    def __exit__(self, *_: object) -> None:
        """End, whether or not all was written."""
        self._complete.set()
        self._pool.shutdown()
        os.close(self._descriptor)

    def end(self) -> None:
        """Say that all is written."""
        self._complete.set()

    def result(self) -> tuple[int, ...]:
        """Return the check sum of each piece, once all is written."""
        return self._sums.result()

    def _follow(self) -> tuple[int, ...]:
        sums: list[int] = []
        crc, position = 0, 0
        buffer = memoryview(bytearray(_READ_BYTES))
        while True:
            is_complete = self._complete.is_set()  # before the read that may find nothing more
            count = os.preadv(self._descriptor, [buffer], position)
            if count:
                count = min(count, PIECE_BYTES - position % PIECE_BYTES)
                crc = zlib.crc32(buffer[:count], crc)
                position += count
                if position % PIECE_BYTES == 0:
                    sums.append(crc)
                    crc = 0
            elif is_complete:
                return (*sums, crc) if position % PIECE_BYTES else tuple(sums)
            else:
                self._complete.wait(_PAUSE_SECONDS)


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
