"""Processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import BrokenExecutor, CancelledError, Future, ProcessPoolExecutor
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import TYPE_CHECKING, Any, Final, TypeVar

from algomancy_data.errors import ExecutorError
from algomancy_data.executors.workers import Loss, Workers, cores

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")
_THREADS: Final = "POLARS_MAX_THREADS"
# Starts that fail, one after the other: what ends by itself does so each time.
_MOST_ENDED: Final = 3
_MOST_KILLED: Final = 12
# A process takes one to two seconds until it works: in that time, so much CSV is read without it.
_LEAST_BYTES: Final = 2**24


class SpawnPool(Workers):
    """Processes of this machine, each with one call at a time.

    A process that is killed takes no other with it, and another one takes its place.

    Args:
        workers: How many there are at most.
    """

    least_bytes = _LEAST_BYTES

    def __init__(self, workers: int) -> None:
        self._most = workers
        self._threads = max(1, cores() // workers)
        self._free: list[_Process] = []
        self._busy: dict[Future[Any], _Process] = {}
        self._failed_starts = 0

    @property
    def capacity(self) -> int:
        """The maximum number of processes."""
        return self._most

    def submit(self, do: Callable[..., _Result], *given: Any) -> Future[_Result]:
        """Submit a call to a process that is free, or to a new one.

        Raises:
            ExecutorError: One process after the other ends while it starts.
        """
        while True:
            process = self._free.pop() if self._free else _Process(self._threads)
            try:
                future = process.submit(do, *given)
            except BrokenExecutor as error:  # it was killed while it was idle
                self._loss_of(process, error)
                continue
            self._busy[future] = process
            return future

    def collect(self, future: Future[_Result]) -> _Result | Loss:
        """Return the result, or why there is none.

        Raises:
            ExecutorError: One process after the other ends while it starts.
        """
        process = self._busy.pop(future)
        try:
            result = future.result()
        except (BrokenExecutor, CancelledError) as error:
            return self._loss_of(process, error)
        except Exception:
            self._free.append(process)
            raise
        self._free.append(process)
        self._failed_starts = 0
        return result

    def _loss_of(self, process: _Process, error: BaseException) -> Loss:
        """Forget a process that has ended, and tell whether it had begun to work."""
        process.close(at_once=False)  # then it is known how it ended
        if process.has_started:
            return Loss.KILLED
        self._failed_starts += 1
        most = _MOST_KILLED if process.is_killed else _MOST_ENDED
        if self._failed_starts < most:
            return Loss.UNTRIED
        msg = (
            "The processes that are to do the work end while they start; what they say is "
            "above. A program that has work done by processes begins it below "
            "'if __name__ == \"__main__\":'."
        )
        raise ExecutorError(msg) from error

    def abandon(self, future: Future[Any]) -> None:
        """Kill the process."""
        process = self._busy.pop(future)
        process.kill()
        process.close(at_once=True)

    def close(self, *, at_once: bool) -> None:
        """End the processes."""
        processes = [*self._free, *self._busy.values()]
        for process in processes:
            if at_once:
                process.kill()
        for process in processes:
            process.close(at_once=at_once)
        self._free.clear()


class _Process:
    """One process, fed by an executor of its own.

    Args:
        threads: How many threads Polars has there.
    """

    def __init__(self, threads: int) -> None:
        self._context = _Context(threads)
        self._executor = ProcessPoolExecutor(1, self._context, initializer=_begin)
        self._started = self._executor.submit(os.getpid)

    @property
    def has_started(self) -> bool:
        """Whether it once was ready to work."""
        return self._started.done() and self._started.exception() is None

    @property
    def is_killed(self) -> bool:
        """Whether a signal ended it."""
        return any((process.exitcode or 0) < 0 for process in self._context.started)

    def submit(self, do: Callable[..., _Result], *given: Any) -> Future[_Result]:
        """Submit a call."""
        return self._executor.submit(do, *given)

    def kill(self) -> None:
        """End it at once."""
        for process in self._context.started:
            process.kill()

    def close(self, *, at_once: bool) -> None:
        """End it once it is idle."""
        self._executor.shutdown(wait=not at_once, cancel_futures=at_once)


class _Context(SpawnContext):
    """Starts processes with a given number of Polars threads.

    Args:
        threads: How many.
    """

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._threads = str(threads)
        self.started: list[SpawnProcess] = []

    def Process(  # pyright: ignore[reportIncompatibleVariableOverride]  # noqa: N802  a class there
        self, *arguments: Any, **named: Any
    ) -> SpawnProcess:
        """Return a process that is yet to be started."""
        process = _SpawnProcess(*arguments, **named)
        process.threads = self._threads
        self.started.append(process)
        return process


class _SpawnProcess(SpawnProcess):
    threads: str = "1"

    def start(self) -> None:
        """Start; Polars reads the number of its threads when it is imported."""
        before = os.environ.get(_THREADS)
        os.environ.setdefault(_THREADS, self.threads)
        try:
            super().start()
        finally:
            if before is None:
                del os.environ[_THREADS]


def _begin() -> None:
    """Make a new process end with its parent, and leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)  # what was not committed is as if it had not been done

    threading.Thread(target=follow, name="algomancy-data-parent", daemon=True).start()
