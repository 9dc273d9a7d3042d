"""Workers: who runs calls that this process submits."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from algomancy_data.errors import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Callable

AUTO: Final = "auto"
"""The word for as many processes as there are cores and memory for."""

_Result = TypeVar("_Result")


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Loss(Enum):
    """Why a call has no result, although it may be submitted again."""

    KILLED = "its worker was killed"
    UNTRIED = "its worker ended before it began"


class Workers(ABC):
    """Run submitted calls, several at the same time."""

    shares_memory: bool = False
    """Whether the calls run in threads of this process."""

    least_bytes: int = 0
    """Files of fewer bytes are read sooner without workers."""

    @property
    @abstractmethod
    def capacity(self) -> int:
        """How many calls may be pending at the same time."""

    @abstractmethod
    def submit(self, do: Callable[..., _Result], *given: Any) -> Future[_Result]:
        """Submit a call.

        Args:
            do: A function of a module.
            given: Its arguments, which can be pickled unless memory is shared.
        """

    @abstractmethod
    def collect(self, future: Future[_Result]) -> _Result | Loss:
        """Return the result, or why there is none.

        Args:
            future: A call that has ended.

        Raises:
            ExecutorError: There are no workers any longer.
            Exception: What the call raised, or why it or its result could not be pickled.
        """

    def abandon(self, future: Future[Any]) -> None:
        """Cancel a call, or ignore its result."""
        future.cancel()

    @abstractmethod
    def close(self, *, at_once: bool) -> None:
        """Release the workers.

        Args:
            at_once: Do not wait for pending calls.
        """


class Limited(Workers):
    """Workers of which only some are busy at the same time.

    Args:
        workers: The workers.
        most: How many of them.
    """

    def __init__(self, workers: Workers, most: int) -> None:
        self._workers = workers
        self._most = most
        self.shares_memory = workers.shares_memory
        self.least_bytes = workers.least_bytes

    @property
    def capacity(self) -> int:
        """How many calls may be pending at the same time."""
        return min(self._workers.capacity, self._most)

    def submit(self, do: Callable[..., _Result], *given: Any) -> Future[_Result]:
        """Submit a call."""
        return self._workers.submit(do, *given)

    def collect(self, future: Future[_Result]) -> _Result | Loss:
        """Return the result, or why there is none."""
        return self._workers.collect(future)

    def abandon(self, future: Future[Any]) -> None:
        """Cancel a call, or ignore its result."""
        self._workers.abandon(future)

    def close(self, *, at_once: bool) -> None:
        """Release the workers."""
        self._workers.close(at_once=at_once)


def at_most(workers: Workers, most: int | None) -> Workers:
    """Return workers of which at most so many are busy at the same time; None for all."""
    return workers if most is None else Limited(workers, most)


class Borrowed(Workers):
    """An executor of the caller's, which stays open.

    Args:
        executor: The executor.
        capacity: How many calls may be pending at the same time.
    """

    def __init__(self, executor: Executor, capacity: int) -> None:
        self._executor = executor
        self._capacity = capacity
        self._pending: set[Future[Any]] = set()
        self.shares_memory = type(executor).__name__ == "ThreadPoolExecutor"

    @property
    def capacity(self) -> int:
        """How many calls may be pending at the same time."""
        return self._capacity

    def submit(self, do: Callable[..., _Result], *given: Any) -> Future[_Result]:
        """Submit a call."""
        future = self._executor.submit(do, *given)
        self._pending.add(future)
        return future

    def collect(self, future: Future[_Result]) -> _Result | Loss:
        """Return the result.

        Raises:
            ExecutorError: The executor takes nothing any longer.
        """
        self._pending.discard(future)
        try:
            return future.result()
        except BrokenExecutor as error:
            msg = (
                f"The executor is broken: {error} Processes that this package starts itself, as "
                f"many as workers says, go on when one is killed."
            )
            raise ExecutorError(msg) from error
        except CancelledError:
            return Loss.KILLED

    def close(self, *, at_once: bool) -> None:
        """Cancel calls that have not begun."""
        for future in list(self._pending) if at_once else ():
            future.cancel()
