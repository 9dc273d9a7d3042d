"""The coordinator: hands out jobs until each has an outcome, even if workers are killed."""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from algomancy_data.batch.job import Job
from algomancy_data.batch.key import input_files, job_key
from algomancy_data.batch.result import SKIPPED, BatchResult, JobResult, result_of
from algomancy_data.batch.worker import (
    MOST_KILLS,
    PUT_ASIDE,
    Done,
    Task,
    check_installed,
    execute,
    managers,
)
from algomancy_data.errors import AlgomancyDataError, BatchError, StoreError
from algomancy_data.executors.choice import least, workers_for_jobs
from algomancy_data.executors.workers import Loss, cores
from algomancy_data.logs import as_logger, tell
from algomancy_data.memory import IN_MEMORY_BYTES
from algomancy_data.store import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from concurrent.futures import Future

    from algomancy_data.batch.result import BatchListener
    from algomancy_data.datamanager import DataManager
    from algomancy_data.executors.workers import Workers

_TICK: Final = 0.2  # seconds between looks at the clock, and for Ctrl-C
_HOUR: Final = 3600.0
_MOST_PACKED: Final = 20  # how many times larger than its file content usually is, at most


def run_batch(
    jobs: Iterable[Job],
    make_manager: Callable[[], DataManager[Any]],
    executor: Any = None,
    *,
    workers: int | None = None,
    batch: str | None = None,
    resume: bool = False,
    retry_failed: bool = False,
    time_limit: float = _HOUR,
    tries: int = 5,
    progress: BatchListener | None = None,
) -> BatchResult:
    r"""Do jobs on several processes or machines, each of them exactly once.

    The transaction that writes a job's dataset also writes the attempt into the store's history.
    Whoever gets the job again finds it there and skips the job: a scheduler that retries it,
    another coordinator, the next night's batch. Jobs of one dataset are done one after the other,
    in the given order.

    SIGINT (Ctrl-C) and SIGTERM end the batch; unfinished jobs leave no trace in their datasets.

    Args:
        jobs: The jobs.
        make_manager: A function of a module, without arguments, that returns a started manager.
            Each worker calls it once, and so does this process.
        executor: None for processes of this machine; a ``distributed.Client``, or the address of
            its scheduler; or any executor with the interface of ``concurrent.futures``.
        workers: How many jobs are done at the same time. By default as many as there are cores, and
            memory for; with Dask, as many as there are workers. Never more than the database has
            connections for.
        batch: Name of the batch in the history, which several coordinators may share; a new name by
            default.
        resume: Go on with the last batch, if none is named. Jobs that it refused or put aside are
            not tried again.
        retry_failed: Try those again as well.
        time_limit: Seconds that a job may take once it is handed out. Then its worker is killed, if
            possible, and the job handed out once more.
        tries: How often to try a job that fails because the store or a file is locked or does not
            answer. Pauses grow to 20 seconds.
        progress: Told of each job's outcome.

    Returns:
        The result of each job. This returns whatever happens to workers.

    Raises:
        BatchError: The arguments do not fit together.
        ExecutorError: Nobody can do the jobs; those done so far are in the history.
        MissingExtraError: The extra ``batch`` is not installed.
        StoreError: The store cannot be opened.

    Example:
        >>> import tempfile
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> from pathlib import Path
        >>> from algomancy_data import Column, DataSource, DataType, Schema, SimpleETLFactory
        >>> from algomancy_data.database import DatabaseDataManager
        >>> class Sales(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "sales", "csv", "single"
        ...     ID = Column("id", DataType.INTEGER, primary_key=True)
        >>> folder = tempfile.TemporaryDirectory()
        >>> def make_manager():
        ...     url = f"sqlite:///{folder.name}/data.db"
        ...     manager = DatabaseDataManager(SimpleETLFactory, [Sales], url, "s", DataSource)
        ...     manager.startup()
        ...     return manager
        >>> path = Path(folder.name, "sales.csv")
        >>> _ = path.write_text("id\n1\n2\n")
        >>> jobs = [Job("delft", {"sales": path})]
        >>> with ThreadPoolExecutor(1) as executor:
        ...     for _ in range(2):
        ...         print(run_batch(jobs, make_manager, executor))
        1 job: 1 done; 2 rows
        1 job: 1 skipped; 0 rows
        >>> folder.cleanup()
    """
    given = _checked(jobs)
    check_installed()
    task = Task(uuid4().hex, batch or _new_name(), make_manager, tries, retry_failed)
    began = time.monotonic()
    with managers.using(task) as manager:
        if resume and batch is None:
            task = replace(task, batch=_last_batch(manager) or task.batch)
        pool = workers_for_jobs(
            executor,
            workers,
            least(len(given), manager.store.room_for_others()),
            partial(_fitting, given, manager),
        )
        is_shared = manager.store.history.is_shared
        if not (is_shared or pool.shares_memory):
            pool.close(at_once=True)
            raise BatchError.from_private_store(manager.store.location)
        try:
            coordinator = _Coordinator(given, manager, pool, task, time_limit, progress)
            if resume:
                coordinator.note_ended(Outcome.STOPPED)
            results = coordinator.run()
        finally:
            if is_shared:
                manager.close()
    return BatchResult(task.batch, results, time.monotonic() - began)


def _checked(jobs: Iterable[Job]) -> list[Job]:
    given = list(jobs)
    for job in given:
        if not isinstance(job, Job):  # pyright: ignore[reportUnnecessaryIsInstance]
            msg = f"A batch takes Job objects, not {job!r:.80}."
            raise BatchError(msg)
    return given


def _fitting(jobs: Sequence[Job], manager: DataManager[Any]) -> int | None:
    """Return how many processes fit into memory, each with one of the jobs."""
    memory = manager.store.memory
    found = memory.processes()
    if found is None or found >= min(cores(), len(jobs)) or memory.limit is not None:
        return found
    return memory.processes(max((_most_bytes(job, manager) for job in jobs), default=0))


def _most_bytes(job: Job, manager: DataManager[Any]) -> int:
    """Return an upper estimate of the size of a job's files once unpacked."""
    try:
        files = manager.prepare_files(file_items_with_path=job.paths)
    except AlgomancyDataError:  # the job says what is wrong with them
        return 0
    sizes = [file.stored_bytes() for file in files.values()]
    return sum(IN_MEMORY_BYTES if size is None else size * _MOST_PACKED for size in sizes)


def _new_name() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}-{uuid4().hex[:6]}"


def _last_batch(manager: DataManager[Any]) -> str | None:
    attempts = manager.store.history.attempts()
    return attempts[-1].batch if attempts else None


@dataclass(frozen=True)
class _Handed:
    """A job that is handed out.

    Args:
        number: Its place among the jobs.
        until: When to give up on it.
    """

    number: int
    until: float


class _Coordinator:
    """Hands out jobs, and collects their results.

    Args:
        jobs: The jobs.
        manager: A manager of this process, for the history.
        workers: Who does them.
        task: What they have in common.
        time_limit: Seconds that a job may take.
        progress: Told of each job's outcome.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        manager: DataManager[Any],
        workers: Workers,
        task: Task,
        time_limit: float,
        progress: BatchListener | None,
    ) -> None:
        self._jobs = jobs
        self._manager = manager
        self._workers = workers
        self._task = task
        self._time_limit = time_limit
        self._progress = progress
        self._logger = as_logger(manager.logger)
        self._results: dict[int, JobResult] = {}
        self._running: dict[Future[Done], _Handed] = {}
        self._losses: dict[int, int] = {}
        self._waiting: dict[str, deque[int]] = {}
        for number, job in enumerate(jobs):
            self._waiting.setdefault(job.dataset, deque()).append(number)
        # One job per dataset at a time, so that they are done in order.
        self._ready = deque(queue.popleft() for queue in self._waiting.values())
        self._is_stopped = False
        self._last_sign = time.monotonic()

    def run(self) -> list[JobResult]:
        """Hand out all jobs; return the result of each."""
        try:
            with self._signals():
                while (self._ready or self._running) and not self._is_stopped:
                    self._hand_out()
                    self._collect()
        except BaseException:
            self._is_stopped = True
            raise
        finally:
            self._workers.close(at_once=self._is_stopped or bool(self._running))
            self.note_ended(Outcome.STOPPED if self._is_stopped else Outcome.LOST)
        return [self._final(number) for number in range(len(self._jobs))]

    @contextmanager
    def _signals(self) -> Generator[None]:
        """Let SIGINT and SIGTERM end the batch within a block."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(*_: object) -> None:
            self._is_stopped = True

        before = {number: signal.signal(number, stop) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hand_out(self) -> None:
        capacity = self._workers.capacity
        while self._ready and len(self._running) < capacity and not self._is_stopped:
            number = self._ready.popleft()
            future = self._workers.submit(execute, self._task, self._jobs[number])
            self._running[future] = _Handed(number, time.monotonic() + self._time_limit)
        if self._running:
            self._last_sign = time.monotonic()
        elif time.monotonic() - self._last_sign > self._time_limit:
            self._is_stopped = True
            self._logger.error("There are no workers to do the jobs: the batch ends.")
        else:
            time.sleep(_TICK)

    def _collect(self) -> None:
        ended, _ = wait(self._running, timeout=_TICK, return_when=FIRST_COMPLETED)
        for future in ended:
            number = self._running.pop(future).number
            try:
                done = self._workers.collect(future)
            except AlgomancyDataError:
                self._ready.appendleft(number)
                raise
            except Exception as error:  # noqa: BLE001  of one job, the others go on
                said = f"{type(error).__name__}: {error}"
                done = Done(JobResult(self._jobs[number], str(Outcome.FAILED), error=said))
            match done:
                case Loss.UNTRIED:
                    self._ready.appendleft(number)
                case Loss():
                    self._lost(number, "Its worker was killed.")
                case Done(result, lines):
                    dataset = self._jobs[number].dataset
                    named = (line._replace(text=f"{dataset}: {line.text}") for line in lines)
                    tell(self._logger, named)
                    self._finish(number, self._counted_once(result))
        now = time.monotonic()
        for future in [one for one, handed in self._running.items() if handed.until < now]:
            number = self._running.pop(future).number
            self._workers.abandon(future)
            self._lost(number, f"It took longer than {self._time_limit:g} s.")

    def _lost(self, number: int, why: str) -> None:
        """Hand out a job again, unless it has been lost too often."""
        job = self._jobs[number]
        self._losses[number] = self._losses.get(number, 0) + 1
        self._logger.warning(f"The job for {job.dataset!r} has no result: {why}")
        self.note_ended(Outcome.LOST, job.dataset, why)
        if self._losses[number] < MOST_KILLS:
            self._ready.appendleft(number)
            return
        losses = self._losses[number]
        result = JobResult(job, str(Outcome.FAILED), "", losses, error=f"{PUT_ASIDE} {why}")
        self._finish(number, self._done_all_the_same(job) or result)

    def _finish(self, number: int, result: JobResult) -> None:
        """Record the result of a job, and release the next one of its dataset.

        None follows a failed job that was to replace the dataset: retried later, it would replace
        their rows.
        """
        self._note(number, result)
        queue = self._waiting[result.job.dataset]
        if result.is_success or result.job.mode == "append":
            if queue:
                self._ready.append(queue.popleft())
            return
        why = f"Not tried: an earlier job for the dataset was not done ({result.outcome})."
        while queue:
            following = queue.popleft()
            job = self._jobs[following]
            self._note(following, JobResult(job, str(result.outcome), error=why))

    def _counted_once(self, result: JobResult) -> JobResult:
        """Return the result of a job, which is skipped if it was given and done before."""
        is_again = result.outcome == Outcome.DONE and any(
            one.outcome == Outcome.DONE and one.key == result.key for one in self._results.values()
        )
        return replace(result, outcome=SKIPPED, rows=0, seconds=0.0) if is_again else result

    def _note(self, number: int, result: JobResult) -> None:
        self._results[number] = result
        if self._progress is not None:
            self._progress.job_finished(result, len(self._results), len(self._jobs))

    def _final(self, number: int) -> JobResult:
        """Return the result of a job at the end."""
        job = self._jobs[number]
        result = self._results.get(number)
        if result is None:
            said = "The batch was stopped before."
            return self._done_all_the_same(job) or JobResult(job, "stopped", error=said)
        return result

    def _done_all_the_same(self, job: Job) -> JobResult | None:
        """Return the result of a job whose lost worker had finished it; None if it had not."""
        with suppress(AlgomancyDataError):
            key = job_key(job, input_files(job, self._manager), self._manager, self._task.batch)
            attempts = self._manager.store.history.attempts(batch=self._task.batch, job=key)
            for one in attempts:
                if one.outcome == Outcome.DONE:
                    return result_of(job, one, tries=len(attempts))
        return None

    def note_ended(self, outcome: Outcome, dataset: str | None = None, why: str = "") -> None:
        """Record the end of attempts whose worker is gone.

        Args:
            outcome: Their outcome.
            dataset: Only those of this dataset.
            why: The reason.
        """
        history = self._manager.store.history
        try:
            for one in history.attempts(batch=self._task.batch):
                if one.outcome == Outcome.RUNNING and dataset in {None, one.dataset}:
                    history.end(one.ended(outcome, error=why))
        except StoreError as error:  # it is a note only
            self._logger.warning(str(error))


_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
