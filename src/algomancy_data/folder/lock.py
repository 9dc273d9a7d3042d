"""One writer at a time, among all processes on a machine; readers never wait."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from algomancy_data.errors import StoreBusyError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_PAUSE_SECONDS: Final = 0.01


@contextmanager
def writer_lock(path: Path, timeout: float) -> Generator[None]:
    """Be the only writer for the length of a block.

    The lock belongs to the open file: it ends with the process, however that ends.

    Args:
        path: The lock file; it is created, and stays.
        timeout: Seconds to wait for another writer.

    Raises:
        StoreBusyError: Another process is still writing after that time.
    """
    import fcntl  # noqa: PLC0415  not on Windows, where the rest of the package can be imported

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
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


def _busy(descriptor: int, path: Path, timeout: float) -> StoreBusyError:
    holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
    return StoreBusyError(
        f"Another process (id {holder}) is writing to the folder {str(path.parent.parent)!r} and "
        f"did not end within {timeout:g} s. Try again, or give a longer lock_timeout."
    )
