"""The interface to whoever does work for this process."""

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


class Hands(ABC):
    """Whoever does submitted calls."""

    shares_memory: bool = False
    """Whether the work is done in this process."""

    least_bytes: int = 0
    """From how many bytes on it is worth while to hand out what has to be read."""

    @property
    @abstractmethod
    def room(self) -> int:
        """How many calls may be submitted at the same time."""

    @abstractmethod
    def submit(self, do: Callable[..., _Result], *given: Any) -> Future[_Result]:
        """Hand something out.

        Args:
            do: A function of a module.
            given: Its arguments, which can be pickled unless memory is shared.
        """

    @abstractmethod
    def collect(self, future: Future[_Result]) -> _Result | Loss:
        """Return the result, or why there is none.

        Args:
            future: What was handed out, and has ended.

        Raises:
            ExecutorError: There is no use in going on.
            Exception: What was to be done has failed, could not be handed out, or its result not
                be handed back.
        """

    def abandon(self, future: Future[Any]) -> None:
        """Give something up."""
        future.cancel()

    @abstractmethod
    def close(self, *, at_once: bool) -> None:
        """Let go of what was taken.

        Args:
            at_once: Do not wait for what is being done.
        """


class Limited(Hands):
    """Hands of which only some may be busy at the same time.

    Args:
        hands: Whoever that is.
        most: How many.
    """

    def __init__(self, hands: Hands, most: int) -> None:
        self._hands = hands
        self._most = most
        self.shares_memory = hands.shares_memory
        self.least_bytes = hands.least_bytes

    @property
    def room(self) -> int:
        """How much may be handed out at the same time."""
        return min(self._hands.room, self._most)

    def submit(self, do: Callable[..., _Result], *given: Any) -> Future[_Result]:
        """Hand something out."""
        return self._hands.submit(do, *given)

    def collect(self, future: Future[_Result]) -> _Result | Loss:
        """Return the result, or why there is none."""
        return self._hands.collect(future)

    def abandon(self, future: Future[Any]) -> None:
        """Give something up."""
        self._hands.abandon(future)

    def close(self, *, at_once: bool) -> None:
        """Let go of what was taken."""
        self._hands.close(at_once=at_once)


def at_most(hands: Hands, most: int | None) -> Hands:
    """Return hands of which at most so many are busy at the same time; None for all."""
    return hands if most is None else Limited(hands, most)


class Borrowed(Hands):
    """An executor of the caller's, which stays open.

    Args:
        executor: The executor.
        room: How much to hand out at the same time.
    """

    def __init__(self, executor: Executor, room: int) -> None:
        self._executor = executor
        self._room = room
        self._handed: set[Future[Any]] = set()
        self.shares_memory = type(executor).__name__ == "ThreadPoolExecutor"

    @property
    def room(self) -> int:
        """How much may be handed out at the same time."""
        return self._room

    def submit(self, do: Callable[..., _Result], *given: Any) -> Future[_Result]:
        """Hand something out."""
        future = self._executor.submit(do, *given)
        self._handed.add(future)
        return future

    def collect(self, future: Future[_Result]) -> _Result | Loss:
        """Return the result.

        Raises:
            ExecutorError: The executor takes nothing any longer.
        """
        self._handed.discard(future)
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
        """Take back what is not being done."""
        for future in list(self._handed) if at_once else ():
            future.cancel()
