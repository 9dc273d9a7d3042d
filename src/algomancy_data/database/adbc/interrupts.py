"""Ctrl-C during a call of the driver: never lost, and passed on where possible.

The driver manager has a SIGINT handler of its own for calls on the main thread. It loses the
signal when the call ends before its watching thread has woken up, and the program goes on as if
nobody had pressed a key (measured: 3 of 60 writers that were interrupted while they wrote). On
any other thread it installs none, so the main thread leaves its calls to one and waits.
"""

from __future__ import annotations

import _thread
import queue
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from algomancy_data.forks import after_fork

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

# Seconds. Polars' signal handler makes Python's waits for a lock go on after a signal
# (upstream.md), so that Ctrl-C is noticed when one ends.
_TICK: Final = 0.05


class HandedOver(Generic[_T]):
    """A call that one thread hands over to another, which makes it, or finds it taken back.

    Ctrl-C may come after any step of Python, also when a ``Future`` has just taken its lock: nobody
    would get that any more. So each step here is one call of C that may be made again.

    Args:
        call: The call.

    Example:
        >>> one, other = HandedOver(lambda: 6 * 7), HandedOver(lambda: 6 * 7)
        >>> one.make(), one.take_back(), one.result()
        (None, False, 42)
        >>> other.take_back(), other.make(), other.has_ended
        (True, None, False)
    """

    def __init__(self, call: Callable[[], _T]) -> None:
        self._call = call
        self._owner: dict[str, str] = {}
        self._outcome: list[tuple[_T | None, BaseException | None]] = []
        self._running = threading.Lock()
        self._running.acquire()

    def make(self) -> None:
        """Make the call, unless it was taken back."""
        if self._owner.setdefault("is", "maker") != "maker":
            return
        try:
            outcome = self._call(), None
        except BaseException as error:  # noqa: BLE001  it is raised where the call was asked for
            outcome = None, error
        self._outcome.append(outcome)
        self._running.release()

    def take_back(self) -> bool:
        """Return whether the call was not begun, and never will be."""
        return self._owner.setdefault("is", "giver") == "giver"

    @property
    def has_ended(self) -> bool:
        """Whether there is a result or an exception."""
        return bool(self._outcome)

    @property
    def has_failed(self) -> bool:
        """Whether there is an exception."""
        return self.has_ended and self._outcome[0][1] is not None

    def wait(self, seconds: float) -> None:
        """Wait until the call has ended, but not longer than that."""
        self._running.acquire(timeout=seconds)

    def abandon(self, cancel: Callable[[], object] = lambda: None) -> None:
        """Take the call back, or wait until it has ended: it uses a connection till then.

        Args:
            cancel: Asks it to end early; may raise if that cannot be done.
        """
        while True:
            try:
                if self.take_back() or self.has_ended:
                    return
                with suppress(Exception):
                    cancel()
                while not self.has_ended:
                    self.wait(_TICK)
            except KeyboardInterrupt:  # of an impatient user
                continue
            return

    def result(self) -> _T:
        """Return what a call that has ended returned, or raise what it raised."""
        result, error = self._outcome[0]
        try:
            if error is not None:
                raise error
            return cast("_T", result)
        finally:
            del error, self  # its traceback holds this frame


class _Worker:
    """A thread that makes calls for the main thread, one at a time."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._has_thread = False

    def submit(self, call: Callable[[], None]) -> None:
        """Queue a call, which raises nothing."""
        if not self._has_thread:
            _thread.start_new_thread(self._work, ())  # in one step, unlike a Thread
            self._has_thread = True
        self._calls.put(call)

    def _work(self) -> None:
        while True:
            self._calls.get()()

    def forget(self) -> None:
        """Start over in a forked process, which has only the calling thread."""
        self.__init__()


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
    handed_over = HandedOver(call)
    try:
        _worker.submit(handed_over.make)
        while not handed_over.has_ended:
            handed_over.wait(_TICK)
        return handed_over.result()
    except BaseException:
        handed_over.abandon(cancel)
        raise
    finally:
        del handed_over  # its exception's traceback holds this frame
