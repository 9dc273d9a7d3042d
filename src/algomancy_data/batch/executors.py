"""Where jobs are done: a pool of processes, Dask, or any executor like the standard library's."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import suppress
from enum import Enum
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import TYPE_CHECKING, Any, Final, cast

from algomancy_data.batch.worker import execute
from algomancy_data.errors import BatchError, MissingExtraError

if TYPE_CHECKING:
    from algomancy_data.batch.job import Job
    from algomancy_data.batch.result import JobResult
    from algomancy_data.batch.worker import Task

_THREADS: Final = "POLARS_MAX_THREADS"
# Starts that fail, one after the other: what ends by itself does so each time.
_MOST_ENDED: Final = 3
_MOST_KILLED: Final = 12
_PATIENCE: Final = 5.0  # seconds in which a scheduler must answer
_ASKED_AGAIN: Final = 1.0  # seconds after which Dask is asked how many workers there are


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Loss(Enum):
    """Why a job has no result, although it may be handed out again."""

    KILLED = "its worker was killed"
    UNTRIED = "its worker ended before it began"


class Hands(ABC):
    """Whoever does jobs, as the coordinator sees them."""

    shares_memory: bool = False
    """Whether jobs are done in this process."""

    @property
    @abstractmethod
    def room(self) -> int:
        """How many jobs may be handed out at the same time."""

    @abstractmethod
    def submit(self, task: Task, job: Job) -> Future[JobResult]:
        """Hand a job out."""

    @abstractmethod
    def collect(self, future: Future[JobResult]) -> JobResult | Loss:
        """Return the result of a job, or why there is none.

        Args:
            future: What was handed out, and has ended.

        Raises:
            BatchError: There is no use in going on.
            Exception: The job could not be handed out, or its result not handed back.
        """

    def abandon(self, future: Future[JobResult]) -> None:
        """Give up a job that takes too long."""
        future.cancel()

    @abstractmethod
    def close(self, *, at_once: bool) -> None:
        """Let go of what was taken.

        Args:
            at_once: Do not wait for jobs that are being done.
        """


class Borrowed(Hands):
    """An executor of the caller's, which stays open.

    Args:
        executor: The executor.
        room: How many jobs to hand out at the same time.
    """

    def __init__(self, executor: Executor, room: int) -> None:
        self._executor = executor
        self._room = room
        self._handed: set[Future[JobResult]] = set()
        self.shares_memory = type(executor).__name__ == "ThreadPoolExecutor"

    @property
    def room(self) -> int:
        """How many jobs may be handed out at the same time."""
        return self._room

    def submit(self, task: Task, job: Job) -> Future[JobResult]:
        """Hand a job out."""
        future = self._executor.submit(execute, task, job)
        self._handed.add(future)
        return future

    def collect(self, future: Future[JobResult]) -> JobResult | Loss:
        """Return the result of a job.

        Raises:
            BatchError: The executor takes no jobs any longer.
        """
        self._handed.discard(future)
        try:
            return future.result()
        except BrokenExecutor as error:
            msg = (
                f"The executor is broken: {error} That of executor=None goes on when a process is "
                f"killed."
            )
            raise BatchError(msg) from error
        except CancelledError:
            return Loss.KILLED

    def close(self, *, at_once: bool) -> None:
        """Take back what is not being done."""
        for future in list(self._handed) if at_once else ():
            future.cancel()


class SpawnPool(Hands):
    """Processes of this machine, each of which does one job at a time.

    A process that is killed takes no other with it, and another one takes its place.

    Args:
        workers: How many there are at most.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._threads = max(1, cores() // workers)
        self._free: list[_Process] = []
        self._busy: dict[Future[JobResult], _Process] = {}
        self._failed_starts = 0

    @property
    def room(self) -> int:
        """How many processes there are at most."""
        return self._workers

    def submit(self, task: Task, job: Job) -> Future[JobResult]:
        """Hand a job to a process that is free, or to a new one."""
        process = self._free.pop() if self._free else _Process(self._threads)
        future = process.submit(task, job)
        self._busy[future] = process
        return future

    def collect(self, future: Future[JobResult]) -> JobResult | Loss:
        """Return the result of a job, or why there is none.

        Raises:
            BatchError: One process after the other ends while it starts.
        """
        process = self._busy.pop(future)
        try:
            result = future.result()
        except (BrokenExecutor, CancelledError) as error:
            process.close(at_once=False)  # then it is known how it ended
            if process.has_started:
                return Loss.KILLED
            self._failed_starts += 1
            most = _MOST_KILLED if process.is_killed else _MOST_ENDED
            if self._failed_starts < most:
                return Loss.UNTRIED
            msg = (
                "The processes that are to do the jobs end while they start; what they say is "
                "above. A program that calls run_batch() does so below "
                "'if __name__ == \"__main__\":'."
            )
            raise BatchError(msg) from error
        except Exception:
            self._free.append(process)
            raise
        self._free.append(process)
        self._failed_starts = 0
        return result

    def abandon(self, future: Future[JobResult]) -> None:
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
    """One process, which an executor of its own feeds.

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

    def submit(self, task: Task, job: Job) -> Future[JobResult]:
        """Let it do a job."""
        return self._executor.submit(execute, task, job)

    def kill(self) -> None:
        """End it at once."""
        for process in self._context.started:
            process.kill()

    def close(self, *, at_once: bool) -> None:
        """Let go of it."""
        self._executor.shutdown(wait=not at_once, cancel_futures=at_once)


class _Context(SpawnContext):
    """Starts processes in which Polars has as many threads as it should.

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
        """Return a process that is to be started."""
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
    """Make a new process one that ends with its parent, and leaves Ctrl-C to that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)  # what was not committed is as if it had not been done

    threading.Thread(target=follow, name="algomancy-data-parent", daemon=True).start()


class DaskCluster(Hands):
    """The workers of a Dask cluster.

    Args:
        client: A ``distributed.Client``, or the address of its scheduler.

    Raises:
        MissingExtraError: The extra ``dask`` is not installed.
        BatchError: There is no scheduler at the address.
    """

    def __init__(self, client: Any) -> None:
        try:
            import distributed  # noqa: PLC0415  an extra, and slow to import
        except ImportError as error:
            raise MissingExtraError.from_extra("Dask", "dask") from error
        self._distributed: Any = distributed
        self._own = None
        if isinstance(client, str):
            try:
                client = self._own = distributed.Client(
                    client, timeout=_PATIENCE, set_as_default=False
                )
            except (OSError, ValueError) as error:
                msg = f"There is no Dask scheduler at {client!r}: {error}."
                raise BatchError(msg) from error
        self._client: Any = client
        self._handed: dict[Future[JobResult], Any] = {}
        self._known = 0, 0.0

    @property
    def room(self) -> int:
        """How many threads the workers have at the moment."""
        count, asked = self._known
        if time.monotonic() - asked > _ASKED_AGAIN:
            with suppress(OSError):
                count = sum(self._client.nthreads().values())
            self._known = count, time.monotonic()
        return count

    def submit(self, task: Task, job: Job) -> Future[JobResult]:
        """Hand a job to the scheduler."""
        # Each time as something new: otherwise Dask would take two such for the same one.
        given = self._client.submit(execute, task, job, pure=False)
        future: Future[JobResult] = Future()
        self._handed[future] = given
        given.add_done_callback(lambda done: _pass_on(done, future))
        return future

    def collect(self, future: Future[JobResult]) -> JobResult | Loss:
        """Return the result of a job, or why there is none."""
        self._handed.pop(future, None)
        try:
            return future.result()
        except (CancelledError, OSError):
            return Loss.KILLED
        except Exception as error:
            if type(error).__module__.partition(".")[0] == "distributed":
                return Loss.KILLED
            raise

    def abandon(self, future: Future[JobResult]) -> None:
        """Take a job back; a worker that has begun it goes on."""
        given = self._handed.pop(future, None)
        if given is not None:
            with suppress(OSError):
                given.cancel(force=True)
        future.cancel()

    def close(self, *, at_once: bool) -> None:
        """Take back what is not done."""
        for future in list(self._handed) if at_once else ():
            self.abandon(future)
        self._handed.clear()
        if self._own is not None:
            self._own.close()


def _pass_on(given: Any, future: Future[JobResult]) -> None:
    """Give the result of a future of Dask's to one of the standard library."""
    try:
        if given.cancelled():
            error: BaseException | None = CancelledError()
        else:
            error = given.exception()
        if error is None:
            future.set_result(given.result())
        else:
            future.set_exception(error)
    except BaseException as failure:  # noqa: BLE001  the connection to the scheduler, for instance
        with suppress(Exception):
            future.set_exception(failure)


def hands_of(executor: object, workers: int | None, jobs: int) -> Hands:
    """Return whoever does the jobs.

    Args:
        executor: What :func:`run_batch` was given.
        workers: How many jobs are done at the same time; None for as many as there are cores.
        jobs: How many there are.

    Raises:
        BatchError: It is nothing that can do jobs.
        MissingExtraError: It is one of Dask, and the extra ``dask`` is not installed.
    """
    if workers is not None and workers < 1:
        msg = f"workers must be 1 or more, not {workers!r}."
        raise BatchError(msg)
    wanted = workers or cores()
    if executor is None:
        return SpawnPool(max(1, min(wanted, jobs)))
    if isinstance(executor, str) or type(executor).__module__.partition(".")[0] == "distributed":
        return DaskCluster(executor)
    if not callable(getattr(executor, "submit", None)):
        msg = (
            f"{executor!r:.80} is no executor. Give a concurrent.futures.Executor, a "
            f"distributed.Client or its address, or None for processes of this machine."
        )
        raise BatchError(msg)
    return Borrowed(cast("Executor", executor), wanted)
