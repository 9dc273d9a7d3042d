"""Files on disk: complete or absent, one writer at a time, with a check sum per piece."""

from __future__ import annotations

import os
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from algomancy_data.errors import StoreBusyError, StoreError, UnsupportedSystemError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_PAUSE_SECONDS: Final = 0.01


@contextmanager
def writer_lock(path: Path, timeout: float) -> Generator[None]:
    """Be the only writer within a block.

    The lock belongs to the open file: it ends with the process, however that ends.

    Args:
        path: The lock file; it is created, and stays.
        timeout: Seconds to wait for another writer.

    Raises:
        StoreBusyError: Another process is still writing after that time.
        UnsupportedSystemError: The system has no such locks.
    """
    if fcntl is None:
        raise _no_locks()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        end = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise _busy(descriptor, path, timeout) from None
                time.sleep(_PAUSE_SECONDS)
        os.pwrite(descriptor, b"%-20d" % os.getpid(), 0)
        yield
    finally:
        os.close(descriptor)


def check_locks() -> None:
    """Make sure that the system has the locks that writers need.

    Raises:
        UnsupportedSystemError: It has none.
    """
    if fcntl is None:
        raise _no_locks()


def _no_locks() -> UnsupportedSystemError:
    return UnsupportedSystemError(
        "A folder of datasets needs locks of files that this system, such as Windows, does not "
        "have. Keep the datasets in a SQLite file there: DatabaseDataManager."
    )


def _busy(descriptor: int, path: Path, timeout: float) -> StoreBusyError:
    holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
    return StoreBusyError(
        f"Another process (id {holder}) is writing to the folder {str(path.parent.parent)!r} and "
        f"did not end within {timeout:g} s. Try again, or give a longer lock_timeout."
    )


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
    descriptor = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(descriptor).st_size
        starts = range(0, size, PIECE_BYTES)
        if len(starts) <= 1:
            return tuple(_piece_sum(descriptor, start, size) for start in starts)
        with ThreadPoolExecutor(_THREADS, "algomancy-data-sums") as pool:
            return tuple(pool.map(lambda start: _piece_sum(descriptor, start), starts))
    finally:
        os.close(descriptor)


def _piece_sum(descriptor: int, start: int, at_once: int = _READ_BYTES) -> int:
    # Read rather than mapped: a mapped file that somebody cuts short ends the process.
    crc, end = 0, start + PIECE_BYTES
    buffer = memoryview(bytearray(min(at_once, _READ_BYTES)))
    while start < end:
        count = os.preadv(descriptor, [buffer[: end - start]], start)
        if count == 0:
            break
        crc = zlib.crc32(buffer[:count], crc)
        start += count
    return crc


def synced_sums(path: Path) -> tuple[int, ...]:
    """Wait until a file is on disk; return its check sums, computed meanwhile.

    Of a small one they take less time than to start a thread.
    """
    if path.stat().st_size <= _READ_BYTES:
        sync(path)
        return file_sums(path)
    with ThreadPoolExecutor(1, "algomancy-data-sync") as pool:
        synced = pool.submit(sync, path)
        sums = file_sums(path)
        synced.result()
    return sums


def sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a directory, are on disk.

    Windows does so for files that may be written, and for no directory.
    """
    if fcntl is None and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDWR if fcntl is None else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_durable_directory(path: Path) -> None:
    """Make a directory, with its parents, and wait until its name is on disk.

    Each is named before there is anything in it. Also one that is there already: whoever made it
    may have been killed before that.
    """
    if not path.is_dir():
        make_durable_directory(path.parent)
        path.mkdir(exist_ok=True)
    with suppress(PermissionError):  # one that may be written to, but not read
        sync(path.parent)


def sync_together(*paths: Path) -> None:
    """Wait until files and directories are on disk; it takes about as long as for one."""
    with ThreadPoolExecutor(len(paths), "algomancy-data-sync") as pool:
        list(pool.map(sync, paths))


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file and wait until it is on disk."""
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def put_in_place(written: Path, target: Path, *, overwrite: bool) -> None:
    """Rename a written file into place, in one step.

    Raises:
        FileExistsError: Something has that name, and is not to be overwritten.
        OSError: It cannot be done.
    """
    if not overwrite:
        try:
            target.hardlink_to(written)  # which is refused where something came meanwhile
        except OSError:  # also that of a file system without hard links
            if target.exists():
                raise
        else:
            return
    written.replace(target)


def replace_whole(temporary: Path, target: Path) -> None:
    """Replace a file by a synced one, in one step; there need not be an old one.

    Whoever reads sees the old file or the new one. When this raises, the old one is there, unless
    the error says otherwise.

    Raises:
        OSError: The disk fails.
        StoreError: It fails twice, so that the new file is there, and may not be on the disk.
    """
    before = target.read_bytes() if target.exists() else None
    temporary.replace(target)
    try:
        sync(target.parent)
    except OSError as error:
        try:
            if before is None:
                target.unlink()
            else:
                write_synced(temporary, before)
                temporary.replace(target)
        except OSError:
            raise not_undone(target, error) from error
        raise


def not_undone(path: Path, error: OSError) -> StoreError:
    """Return the error for a change that is visible but perhaps not durable."""
    return StoreError(
        f"The disk failed when a change of {str(path)!r} was to be made safe, and again when it "
        f"was to be undone: {error}. The change is there, and may be gone when the machine "
        f"crashes. Check the disk, and do it again."
    )
