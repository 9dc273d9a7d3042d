"""A write-ahead log on its way to the disk while a transaction still adds to it.

A commit waits until all of the log is on disk. The system itself begins to write only once a tenth
of the memory is waiting, or after half a minute: up to then nothing would happen before the commit.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final

_STEP: Final = 32 * 1024 * 1024  # bytes


class LogSync:
    """Has a log written to disk, in a thread, as often as there is much more of it.

    Whether all of it got there is for SQLite to find out, which waits for that in the commit.

    Args:
        path: The log.
        step: After how many bytes.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile() as log:
        ...     sync = LogSync(log.name, step=100)
        ...     for _ in range(5):
        ...         _ = log.write(bytes(50))
        ...         log.flush()
        ...         sync.note(50)
        ...     sync.close()
    """

    def __init__(self, path: str, step: int = _STEP) -> None:
        self._path = path
        self._step = step
        self._new = 0
        self._pool = ThreadPoolExecutor(1, "algomancy-data-log")
        self._running: Future[None] | None = None

    def note(self, size: int) -> None:
        """Note that about so many more bytes were written; does not wait."""
        self._new += size
        if self._new >= self._step and (self._running is None or self._running.done()):
            self._new = 0
            self._running = self._pool.submit(self._sync)

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown()

    def _sync(self) -> None:
        # SQLite's locks are on other files than the log, so that to close it ends none of them.
        with suppress(OSError):
            log = os.open(self._path, os.O_RDONLY)
            try:
                os.fdatasync(log)
            finally:
                os.close(log)
