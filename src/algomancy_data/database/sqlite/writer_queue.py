"""The queue of the writers of a SQLite file: the one that has waited longest is next.

SQLite's own waiters look whether the lock is free, and ever more rarely: of many, some wait for
long, since those who came later look more often. So writers take turns by a lock (``flock``) of the
write-ahead log, which everybody has who has the file open, and of which SQLite locks nothing. The
system hands it on in the order in which it was asked for, and takes it back from who is killed.

It says whose turn it is, and no more: what makes one writer of many is SQLite's own lock, also for
programs that know of no queue. Where nobody can queue, nobody waits for a turn.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Self
from weakref import WeakSet

from algomancy_data.database.adbc.interrupts import HandedOver
from algomancy_data.forks import after_fork

if TYPE_CHECKING:
    from collections.abc import Callable

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# As in adbc/interrupts.py.
_TICK: Final = 0.05


class Turn:
    """A turn to write to a file.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     log = pathlib.Path(folder, "data.db-wal")
        ...     log.touch()
        ...     turn = Turn.taken(str(log), 60)
        ...     print(Turn.taken(str(log), 0))
        ...     turn.end()
        None
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        _turns.add(self)

    @classmethod
    def taken(cls, log: str, seconds: float) -> Self | None:
        """Wait for a turn.

        Args:
            log: The file's write-ahead log.
            seconds: How long at most.

        Returns:
            The turn; None if nobody can queue, or it did not come in time.
        """
        if fcntl is None:
            return None
        try:
            descriptor = os.open(log, os.O_RDWR)
        except OSError:
            return None
        turn = cls(descriptor)
        lock = partial(fcntl.flock, descriptor)
        try:
            lock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return turn if turn._comes(partial(lock, fcntl.LOCK_EX), seconds) else None
        except OSError:
            turn.end()
            return None
        return turn

    def __del__(self) -> None:
        """End: Ctrl-C may come before anybody has it."""
        self.end()

    def end(self) -> None:
        """Let the next one write; once it has ended, and in a fork, do nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _comes(self, lock: Callable[[], None], seconds: float) -> bool:
        """Wait until it is there; if it does not come in time, end it.

        The wait for such a lock has no limit, so a thread does it, and ends what comes too late.
        """
        there = HandedOver(lambda: None)
        try:
            threading.Thread(
                target=self._wait, args=(lock, there), name="algomancy-data-turn", daemon=True
            ).start()
        except (RuntimeError, MemoryError):
            self.end()
            return False
        end = time.monotonic() + seconds
        try:
            while not there.has_ended and (left := end - time.monotonic()) > 0:
                there.wait(min(left, _TICK))
            return not there.take_back()
        except BaseException:
            if not there.take_back():
                self.end()
            raise

    def _wait(self, lock: Callable[[], None], there: HandedOver[None]) -> None:
        with suppress(OSError):
            lock()
        there.make()
        if not there.has_ended:  # too late
            self.end()


_turns: Final[WeakSet[Turn]] = WeakSet()


def _leave_to_parent() -> None:
    for turn in _turns:
        turn.end()


after_fork(_leave_to_parent)
