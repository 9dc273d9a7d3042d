"""Work divided among workers, with results in order."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from algomancy_data.errors import ExecutorError
from algomancy_data.executors.workers import Loss
from algomancy_data.forks import ProcessLock
from algomancy_data.logs import LogLine, LogLines, tell
from algomancy_data.memory import MemoryBudget

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from algomancy_data.executors.workers import Workers
    from algomancy_data.logs import Logger

_Result = TypeVar("_Result")

_TICK: Final = 0.2  # seconds between looks for Ctrl-C, and for workers
_PATIENCE: Final = 60.0  # seconds for which there may be no worker at all
_MOST_KILLS: Final = 2
# Finished shares wait for earlier ones; meanwhile only so many more are begun per worker.
_AHEAD: Final = 4

_told: ContextVar[list[LogLine] | None] = ContextVar("algomancy_data.told", default=None)


@contextmanager
def workers_of(executor: object, memory: MemoryBudget | None = None) -> Generator[Workers | None]:
    """Yield the workers of an executor, and release them after the block.

    Args:
        executor: See :func:`~algomancy_data.executors.choice.workers_for_load`.
        memory: How much memory each process should take, if set.

    Raises:
        ExecutorError: It is not an executor.
        MissingExtraError: It is one of Dask, and the extra ``dask`` is not installed.
    """
    workers = None
    if executor is not None:
        # What starts processes is slow to import.
        from algomancy_data.executors.choice import workers_for_load  # noqa: PLC0415

        workers = workers_for_load(executor, memory or MemoryBudget())
    is_done = False
    try:
        yield workers
        is_done = True
    finally:
        if workers is not None:
            workers.close(at_once=not is_done)


class Share(NamedTuple):
    """A part of the work.

    Args:
        name: What it is, for errors: "Part 'a.csv' of file 'orders'".
        given: The arguments.
        prepare: Called before it is submitted, if it needs preparation.
    """

    name: str
    given: tuple[Any, ...]
    prepare: Callable[[], object] | None = None


@dataclass(frozen=True)
class _Failure:
    """An exception on its way back, since executors treat some exceptions specially."""

    error: Exception


@dataclass(frozen=True)
class _Done(Generic[_Result]):
    """The result of a share, and what was logged meanwhile."""

    result: _Result | _Failure
    lines: Sequence[LogLine]


class ReturnedLog(LogLines):
    """A worker's logger, whose lines go to the logger of the process that shared the work.

    It can be pickled, and does nothing outside of a share.
    """

    def _take(self, line: LogLine) -> None:
        lines = _told.get()
        if lines is not None:
            lines.append(line)


def each_in_order(
    workers: Workers,
    do: Callable[..., _Result],
    shares: Sequence[Share],
    logger: Logger | None = None,
) -> Generator[_Result]:
    """Yield what a function returns for each share of the work, in order.

    Shares of killed workers are done again.

    Args:
        workers: Who does the work.
        do: A function of a module.
        shares: The work.
        logger: Gets the lines of :class:`ReturnedLog`, share by share.

    Raises:
        ExecutorError: One share killed two workers, there are no workers, or the work cannot be
            pickled.
        Exception: What the function raises for the first share that fails.
    """
    pending = _Pending[_Result](workers, do, shares)
    try:
        for number in range(len(shares)):
            done = pending.result(number)
            if logger is not None:
                tell(logger, done.lines)
            if isinstance(done.result, _Failure):
                raise done.result.error
            yield done.result
    finally:
        pending.abandon()


class _Pending(Generic[_Result]):
    """Shares that were submitted, and results whose turn has not come.

    Args:
        workers: Who does the work.
        do: A function of a module.
        shares: The work.
    """

    def __init__(
        self, workers: Workers, do: Callable[..., _Result], shares: Sequence[Share]
    ) -> None:
        self._workers = workers
        self._do = do
        self._shares = shares
        self._waiting = list(range(len(shares)))[::-1]
        self._running: dict[Future[_Done[_Result]], int] = {}
        self._results: dict[int, _Done[_Result]] = {}
        self._kills = [0] * len(shares)

    def result(self, number: int) -> _Done[_Result]:
        """Wait for the result of a share."""
        last_sign = time.monotonic()
        while number not in self._results:
            capacity = self._workers.capacity
            while (
                self._waiting
                and len(self._running) < capacity
                and (self._waiting[-1] - number < _AHEAD * capacity)
            ):
                self._submit(self._waiting.pop())
            if self._running:
                last_sign = time.monotonic()
                self._collect()
            elif time.monotonic() - last_sign > _PATIENCE:
                msg = f"There was no worker for {_PATIENCE:g} seconds. Start one, and try again."
                raise ExecutorError(msg)
            else:
                time.sleep(_TICK)
        return self._results.pop(number)

    def abandon(self) -> None:
        """Give up all shares that are being done."""
        for future in self._running:
            self._workers.abandon(future)
        self._running.clear()

    def _submit(self, number: int) -> None:
        share = self._shares[number]
        if share.prepare is not None:
            share.prepare()
        future = self._workers.submit(_done, self._do, *share.given)
        self._running[future] = number

    def _collect(self) -> None:
        ended, _ = wait(self._running, timeout=_TICK, return_when=FIRST_COMPLETED)
        for future in ended:
            number = self._running.pop(future)
            name = self._shares[number].name
            try:
                result = self._workers.collect(future)
            except ExecutorError:
                raise
            except Exception as error:
                msg = (
                    f"{name} cannot be handed to another process, or its result not back: {error}. "
                    f"What it needs, such as its schema, must be in a module that can be imported."
                )
                raise ExecutorError(msg) from error
            if not isinstance(result, Loss):
                self._results[number] = result
                continue
            self._kills[number] += result is Loss.KILLED
            if self._kills[number] >= _MOST_KILLS:
                msg = (
                    f"{name}: the worker that was busy with it was killed, {_MOST_KILLS} times. "
                    f"Give workers more memory, or look at what it holds."
                )
                raise ExecutorError(msg)
            self._waiting.append(number)


def _done(do: Callable[..., _Result], *given: Any) -> _Done[_Result]:
    """Do a share, in whatever process this is."""
    lines: list[LogLine] = []
    token = _told.set(lines)
    try:
        ProcessLock()  # no fork of a process that has used the package
        return _Done(do(*given), lines)
    except Exception as error:  # noqa: BLE001  the caller's process raises it
        return _Done(_Failure(error), lines)
    finally:
        _told.reset(token)
