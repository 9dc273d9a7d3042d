"""Ends the wait for a server that does not answer.

libpq waits for an answer as long as the connection lives. If the server is frozen or unreachable,
that is forever. Shutting down the socket ends the wait: the statement fails, as if the server had
closed the connection.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from algomancy_data.forks import after_fork

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_OWN_FILES: Final = Path("/proc/self/fd")
# Seconds: how exact a limit is, and how long the thread stays when there is none.
_TICK: Final = 0.2
_IDLE: Final = 10.0


class OpenSocket(NamedTuple):
    """A socket of this process.

    Args:
        descriptor: Its number.
        name: What it is called there, so that another one of the same number is not taken for it.
    """

    descriptor: int
    name: str

    def shut(self) -> None:
        """Wake whoever waits for data on it, as if the other end had closed it."""
        if _name(self.descriptor) != self.name:
            return
        with socket.socket(fileno=os.dup(self.descriptor)) as copy:
            copy.shutdown(socket.SHUT_RDWR)


def open_sockets() -> set[OpenSocket]:
    """Return the sockets of this process; none if the system does not tell."""
    try:
        descriptors = [int(entry.name) for entry in _OWN_FILES.iterdir()]
    except OSError:
        return set()
    found = {OpenSocket(number, _name(number)) for number in descriptors}
    return {one for one in found if one.name.startswith("socket:")}


def _name(descriptor: int) -> str:
    try:
        return str((_OWN_FILES / str(descriptor)).readlink())
    except OSError:
        return ""


class _Clock:
    """A thread that makes calls when they are due, and ends when idle for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: dict[object, tuple[float, Callable[[], None]]] = {}
        self._runs = False

    def set(self, key: object, seconds: float, call: Callable[[], None]) -> None:
        """Schedule a call, unless its key is cleared first."""
        with self._lock:
            self._due[key] = time.monotonic() + seconds, call
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._run, name="adbc-answers", daemon=True).start()

    def clear(self, key: object) -> None:
        """Cancel a scheduled call."""
        with self._lock:
            self._due.pop(key, None)

    def _run(self) -> None:
        last = time.monotonic()
        while True:
            now = time.monotonic()
            with self._lock:
                if self._due:
                    last = now
                elif now - last > _IDLE:
                    self._runs = False
                    return
                due = [key for key, (moment, _) in self._due.items() if moment <= now]
                calls = [self._due.pop(key)[1] for key in due]
            for call in calls:
                call()
            time.sleep(_TICK)

    def forget(self) -> None:
        """Start over in a forked process, which has only the calling thread."""
        self.__init__()


_clock = _Clock()
after_fork(_clock.forget)


@contextmanager
def limited(seconds: float, expired: Callable[[], None]) -> Generator[None]:
    """Make a call in another thread if a block takes longer than a number of seconds.

    Example:
        >>> with limited(60, lambda: print("too late")):
        ...     pass
    """
    key = object()
    _clock.set(key, seconds, expired)
    try:
        yield
    finally:
        _clock.clear(key)


@contextmanager
def watched(
    seconds: float, answers: Callable[[], bool], lost: Callable[[], None]
) -> Generator[None]:
    """Check repeatedly during a block whether the other side still answers.

    Args:
        seconds: Time between two questions.
        answers: Whether it does; called in a thread of its own.
        lost: Called when it does not.
    """
    key = object()
    is_over = threading.Event()

    def ask() -> None:
        if not answers() and not is_over.is_set():
            lost()
        elif not is_over.is_set():
            _clock.set(key, seconds, begin)
            if is_over.is_set():
                _clock.clear(key)

    def begin() -> None:
        threading.Thread(target=ask, name="adbc-question", daemon=True).start()

    _clock.set(key, seconds, begin)
    try:
        yield
    finally:
        is_over.set()
        _clock.clear(key)
