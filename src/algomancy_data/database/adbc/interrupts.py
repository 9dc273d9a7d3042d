"""Ctrl-C during a call of the driver: never lost, and passed on where possible.

The driver manager has a SIGINT handler of its own for calls on the main thread. It loses the
signal when the call ends before its watching thread has woken up, and the program goes on as if
nobody had pressed a key (measured: 3 of 60 writers that were interrupted while they wrote). On
any other thread it installs none, so the main thread leaves its calls to one and waits.
"""

from __future__ import annotations

import queue
import sys
import threading
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from algomancy_data.forks import after_fork

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

# Seconds. Polars' signal handler makes Python's waits for a lock go on after a signal
# (upstream.md), so that Ctrl-C is noticed when one ends.
_TICK: Final = 0.05


class _Worker:
    """A thread that makes calls for the main thread, one at a time."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, future: Future[_T], call: Callable[[], _T]) -> None:
        """Queue a call, which is made unless its future is cancelled first."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="adbc-calls", daemon=True)
            self._thread.start()
        self._calls.put(lambda: _make(call, future))

    def _work(self) -> None:
        while True:
            self._calls.get()()

    def forget(self) -> None:
        """Start over in a forked process, which has only the calling thread."""
        self.__init__()


def _make(call: Callable[[], _T], future: Future[_T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001  it is raised where the call was asked for
        future.set_exception(error)


_worker = _Worker()
after_fork(_worker.forget)


def interruptible(call: Callable[[], _T], cancel: Callable[[], object]) -> _T:
    """Make a call that may take long, and let Ctrl-C end the wait for it.

    Args:
        call: What to do. It has ended, or was never begun, when this function returns or raises.
        cancel: Asks it to end early; may raise if that cannot be done.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed, whatever became of the call.

    Example:
        >>> interruptible(lambda: 6 * 7, cancel=lambda: None)
        42
    """
    if threading.current_thread() is not threading.main_thread() or sys.is_finalizing():
        return call()
    future: Future[_T] = Future()
    try:
        _worker.submit(future, call)
        while not future.done():
            with suppress(TimeoutError):
                return future.result(_TICK)
        return future.result()
    except BaseException:
        if not future.cancel() and not future.done():
            with suppress(Exception):  # SQLite's driver cannot
                cancel()
            wait_for(future)
        raise
    finally:
        del future  # its exception's traceback holds this frame


def wait_for(future: Future[_T]) -> None:
    """Wait, also for impatient users: the connection is in use until the call has ended."""
    while not future.done():
        with suppress(KeyboardInterrupt):
            wait([future], _TICK)
