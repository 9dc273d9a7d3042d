"""Refuses to work in forked processes.

A fork copies only one thread. The child lacks Polars' threads and would wait for them forever, and
it would share connections to servers with its parent.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Self

from algomancy_data.errors import ForkedProcessError

if TYPE_CHECKING:
    from collections.abc import Callable

_user: int | None = None
"""The process that made the first manager."""


class ProcessLock:
    """A reentrant lock that only the process that made it can use.

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
        """Refuse any other process.

        Raises:
            ForkedProcessError: It is one.
        """
        refuse_fork_of(self._process)

    def __enter__(self) -> Self:
        """Take the lock, waiting for it."""
        refuse_fork_of(self._process)
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        """Release the lock."""
        self._lock.release()


def after_fork(call: Callable[[], object]) -> None:
    """Call something in the child when this process is forked, if the system forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=call)


def refuse_fork_of(process: int) -> None:
    """Refuse to go on in a fork of a process.

    Raises:
        ForkedProcessError: This is another process.
    """
    if os.getpid() != process:
        raise ForkedProcessError.from_process(process)
