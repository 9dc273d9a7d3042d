"""Forked processes, in which nothing of the parent can go on: they are refused at once.

A fork copies one thread. Polars' threads are not among those of the child, which waits for them for
ever; and a connection to a server would be one that two processes write to.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Self

from algomancy_data.errors import ForkedProcessError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_user: int | None = None
"""The process that made the first manager."""


class ProcessLock:
    """A lock that a thread may take several times, of the process that made it.

    Raises:
        ForkedProcessError: The process is a fork of one that has used the package.
    """

    def __init__(self) -> None:
        global _user  # noqa: PLW0603  one per process
        self._process = os.getpid()
        if _user is None:
            _user = self._process
        refuse_fork_of(_user)
        self._lock = threading.RLock()

    def check(self) -> None:
        """Refuse another process than the lock's.

        Raises:
            ForkedProcessError: It is one.
        """
        refuse_fork_of(self._process)

    def __enter__(self) -> Self:
        """Take the lock, or wait for it."""
        refuse_fork_of(self._process)
        self._lock.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of the lock."""
        self._lock.release()


def after_fork(call: Callable[[], object]) -> None:
    """Have something called in the child when this process is forked, where systems fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=call)


def refuse_fork_of(process: int) -> None:
    """Refuse to go on in a fork of a process.

    Raises:
        ForkedProcessError: This is another process.
    """
    if os.getpid() != process:
        raise ForkedProcessError.from_process(process)
