"""A worker: does jobs with a manager that it makes once and keeps."""

from __future__ import annotations

import atexit
import logging
import os
import socket
import threading
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from algomancy_data.batch.key import input_files, job_key
from algomancy_data.batch.result import SKIPPED, JobResult, result_of
from algomancy_data.components import note_of
from algomancy_data.datamanager.attempts import done_by
from algomancy_data.errors import (
    TEMPORARY,
    AlgomancyDataError,
    DatasetNotFoundError,
    MissingExtraError,
    StoreError,
    UnstorableError,
)
from algomancy_data.findings import count_by_severity
from algomancy_data.logs import LogLine
from algomancy_data.masking import mask
from algomancy_data.store import Attempt, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from algomancy_data.batch.job import Job
    from algomancy_data.datamanager import DataManager
    from algomancy_data.etl import ETLResult
    from algomancy_data.store import History

MOST_KILLS: Final = 2
"""A job whose workers were killed so often is not tried again."""

PUT_ASIDE: Final = f"Put aside: its worker was killed, or took too long, {MOST_KILLS} times."

_MOST_LINES: Final = 100
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 20.0


def worker_name() -> str:
    """Return the name of this process in the history."""
    return f"{socket.gethostname()}/{os.getpid()}"


@dataclass(frozen=True)
class Task:
    """What all jobs of a run of a batch share.

    Args:
        run: What tells it from others.
        batch: Name of the batch.
        make_manager: Makes a started manager.
        tries: How often to try what fails for a reason that may go away.
        again: Do what was refused in the batch, or put aside, once more.
        coordinator: The process that hands jobs out, as the history calls it.
    """

    run: str
    batch: str
    make_manager: Callable[[], DataManager[Any]]
    tries: int
    again: bool
    coordinator: str = field(default_factory=worker_name)


class _Managers:
    """The managers of this process, one per run of a batch, made when first needed.

    A worker may serve several runs. Those that nobody is using are closed when another run begins.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[tuple[int, str], DataManager[Any]] = {}
        self._users: Counter[tuple[int, str]] = Counter()
        atexit.register(self.close)

    @contextmanager
    def using(self, task: Task) -> Generator[DataManager[Any]]:
        """Use the manager of a run within a block."""
        place = (os.getpid(), task.run)  # what a parent made is of no use to a fork
        with self._lock:
            if place not in self._made:
                self._close(one for one in self._made if not self._users[one])
                self._made[place] = task.make_manager()
            self._users[place] += 1
        try:
            yield self._made[place]
        finally:
            with self._lock:
                self._users[place] -= 1

    def close(self) -> None:
        """Close all of this process."""
        self._close(self._made)

    def _close(self, places: Iterable[tuple[int, str]]) -> None:
        for place in list(places):
            manager = self._made.pop(place)
            if place[0] == os.getpid():
                manager.close()


managers: Final = _Managers()


class _Warnings(logging.Handler):
    """Keeps this thread's log lines from WARNING up, since a worker's own log is rarely read."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[LogLine] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line, unless there are enough already."""
        if record.thread == self._thread and len(self.lines) < _MOST_LINES:
            method = "warning" if record.levelno < logging.ERROR else "error"
            self.lines.append(LogLine(method, record.getMessage()))


class Done(NamedTuple):
    """The result of a job, and what its worker logged meanwhile."""

    result: JobResult
    lines: Sequence[LogLine] = ()


def execute(task: Task, job: Job) -> Done:
    """Do a job, unless it is done; retry temporary failures, with growing pauses."""
    if task.coordinator == worker_name():
        return Done(_execute(task, job))
    kept, logger = _Warnings(), logging.getLogger("algomancy_data")
    logger.addHandler(kept)
    try:
        return Done(_execute(task, job), kept.lines)
    finally:
        logger.removeHandler(kept)


def _execute(task: Task, job: Job) -> JobResult:
    tenacity = _tenacity()
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TEMPORARY),
        stop=tenacity.stop_after_attempt(task.tries),
        wait=tenacity.wait_random_exponential(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE),
        reraise=True,
    )
    try:
        with managers.using(task) as manager:
            return retrying(_try, task, job, manager)
    except Exception as error:  # noqa: BLE001  of no job, others go on
        is_temporary = isinstance(error, TEMPORARY)
        return JobResult(job, str(Outcome.FAILED), error=_said(error), is_temporary=is_temporary)


def check_installed() -> None:
    """Make sure that a batch's dependencies are installed.

    Raises:
        MissingExtraError: It is not.
    """
    _tenacity()


def _tenacity() -> Any:
    try:
        import tenacity  # noqa: PLC0415  an extra
    except ImportError as error:
        raise MissingExtraError.from_extra("A batch", "batch") from error
    return tenacity


def _try(task: Task, job: Job, manager: DataManager[Any]) -> JobResult:
    history = manager.store.history
    files = input_files(job, manager)
    key = job_key(job, files, manager, task.batch)
    wanted = Attempt(task.batch, key, job.dataset, job.mode, worker_name(), files=files)
    attempt, own = history.begin(wanted, first=True), list[Attempt]()
    if not attempt.number:  # somebody tried it before
        earlier = history.attempts(job=key)
        own = [one for one in earlier if one.batch == task.batch]
        known = _known(task, job, manager, earlier, own)
        if known is not None:
            return known
        done_before = sum(one.outcome == Outcome.DONE for one in earlier)
        attempt = history.begin(replace(wanted, done_before=done_before))
    failure: Exception | None = None
    try:
        ended = _load(job, manager, attempt)
    except Exception as error:  # noqa: BLE001  it becomes the outcome
        failure, ended = error, _ended_by(attempt, error)
    if ended.outcome != Outcome.DONE:
        ended = _noted(history, ended)
        if isinstance(failure, TEMPORARY) and ended.outcome != Outcome.DONE:
            raise failure
    return result_of(job, ended, tries=len(own) + 1)


def _known(
    task: Task,
    job: Job,
    manager: DataManager[Any],
    earlier: Sequence[Attempt],
    own: Sequence[Attempt],
) -> JobResult | None:
    """Return the result that a job has already; None if it has to be done."""
    tries = len(own)
    for one in own:
        if one.outcome == Outcome.DONE:
            return result_of(job, one, tries=tries)
    done = [one for one in earlier if one.outcome == Outcome.DONE]
    if done:
        # Of a dataset that somebody replaced or deleted since, the job is done again.
        with suppress(DatasetNotFoundError):
            present = manager.describe(job.dataset).ds_id
            if present in {one.dataset_id for one in done}:
                return result_of(job, done[-1], SKIPPED, tries)
    if task.again:
        return None
    for one in own:
        if one.outcome == Outcome.REFUSED:
            return result_of(job, one, tries=tries)
    killed = [one for one in own if one.outcome in {Outcome.RUNNING, Outcome.LOST}]
    if len(killed) >= MOST_KILLS:
        return result_of(job, killed[-1].ended(Outcome.FAILED, error=PUT_ASIDE), tries=tries)
    return None


def _load(job: Job, manager: DataManager[Any], attempt: Attempt) -> Attempt:
    """Load the files of a job; return the ended attempt."""
    result = manager.etl_data(
        manager.prepare_files(file_items_with_path=job.paths),
        job.dataset,
        mode=job.mode,
        repeated=job.repeated,
        halt_on=job.halt_on,
        quarantine=job.quarantine,
        attempt=attempt,
    )
    history = manager.store.history
    if isinstance(result.raised, TEMPORARY):
        raise result.raised
    if result.is_failure:
        findings = count_by_severity(result.messages)
        return attempt.ended(Outcome.REFUSED, findings=findings, error=_reason(result))
    ended = done_by(attempt, result)
    if result.skipped and result.load is None:  # the dataset had all of it: nothing was written
        ended = attempt.ended(Outcome.DONE, dataset_id=manager.describe(job.dataset).ds_id)
        history.end(ended)
    return ended


def _ended_by(attempt: Attempt, error: Exception) -> Attempt:
    """Return an attempt that ended with an exception."""
    is_refused = isinstance(error, AlgomancyDataError) and (
        isinstance(error, UnstorableError) or not isinstance(error, (StoreError, *TEMPORARY))
    )
    return attempt.ended(Outcome.REFUSED if is_refused else Outcome.FAILED, error=_said(error))


def _noted(history: History, ended: Attempt) -> Attempt:
    """Record a failed attempt; return it, or another one that succeeded meanwhile."""
    with suppress(StoreError):  # what keeps the dataset out may keep this out as well
        attempts = history.attempts(job=ended.job)
        done = [one for one in attempts if one.outcome == Outcome.DONE]
        if len(done) > ended.done_before:
            # Whoever did the job at the same time may be why it was refused here.
            why = f"Done by {done[-1].worker} meanwhile."
            history.end(ended.ended(Outcome.STOPPED, error=why))
            return done[-1]
        history.end(ended)
    return ended


def _reason(result: ETLResult) -> str:
    if result.raised is not None:
        return _said(result.raised)
    messages = result.messages
    if not messages:
        return "The data is refused."
    worst = max(messages, key=lambda message: message.severity.rank)
    return mask(str(worst))


def _said(error: BaseException) -> str:
    is_ours = isinstance(error, AlgomancyDataError)
    said = str(error) if is_ours else f"{type(error).__name__}: {error}"
    note = note_of(error)
    if note is not None:
        said += f" {note}" if said.endswith(".") else f". {note}"
    return mask(said)
