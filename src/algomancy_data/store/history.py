"""The history of a store: its attempts at jobs, and their outcomes."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from algomancy_data.documents import expect, member
from algomancy_data.errors import JobDoneError, SerializationError
from algomancy_data.metrics import Metrics, PhaseMetrics
from algomancy_data.provenance import InputFile, files_from_list

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping


class Outcome(StrEnum):
    """The outcome of an attempt at a job."""

    RUNNING = "running"
    """It began, and nothing was heard of it since."""

    DONE = "done"
    """Its dataset was written, in the same transaction as this word."""

    REFUSED = "refused"
    """The data is not fit for the dataset."""

    FAILED = "failed"
    """Something else than the data was wrong."""

    LOST = "lost"
    """Its worker was killed, or took too long."""

    STOPPED = "stopped"
    """It was ended together with its batch."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Attempt:
    """One attempt at a job.

    Args:
        batch: The batch that the attempt belongs to.
        job: The job's key: what its files hold, and all that decides what becomes of it.
        dataset: Name of the dataset that the job is about.
        mode: ``"replace"``, ``"append"`` or ``"upsert"``.
        worker: Who tries.
        number: Which attempt at the job it is, from 1; 0 before the history has numbered it.
        outcome: What became of it.
        started_at: When it began, in UTC.
        finished_at: When it ended.
        dataset_id: Identity of the dataset, if it was done.
        files: What was to be read.
        rows: By table, how many rows were written.
        findings: How many findings there were, by severity.
        phases: What each phase took, but for that in which the dataset was written.
        error: Why it was not done.
        done_before: How many attempts at the job were done when this one began; not kept.

    Example:
        >>> attempt = Attempt("b", "k", "sales", "append", "host/7", number=1)
        >>> done = attempt.ended(Outcome.DONE, rows={"sales": 3})
        >>> done.outcome, done.total_rows, Attempt.from_dict(done.to_dict()) == done
        (<Outcome.DONE: 'done'>, 3, True)
    """

    batch: str
    job: str
    dataset: str
    mode: str
    worker: str
    number: int = 0
    outcome: Outcome = Outcome.RUNNING
    started_at: datetime = field(default_factory=_now)
    finished_at: datetime | None = None
    dataset_id: str = ""
    files: tuple[InputFile, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict[str, int])
    findings: Mapping[str, int] = field(default_factory=dict[str, int])
    phases: tuple[PhaseMetrics, ...] = ()
    error: str = ""
    done_before: int = field(default=0, compare=False)

    @property
    def total_rows(self) -> int:
        """Rows of all tables that were written."""
        return sum(self.rows.values())

    @property
    def seconds(self) -> float | None:
        """Wall time from start to end; None if it has not ended."""
        return (
            None
            if self.finished_at is None
            else (self.finished_at - self.started_at).total_seconds()
        )

    def ended(self, outcome: Outcome, **what: Any) -> Self:
        """Return the attempt with its outcome.

        Args:
            outcome: What became of it.
            what: Further fields.
        """
        return replace(self, outcome=outcome, finished_at=_now(), **what)

    @property
    def details(self) -> dict[str, Any]:
        """What has no column of its own in a table, as plain JSON values."""
        return {
            "files": [asdict(file) for file in self.files],
            "rows": dict(self.rows),
            "findings": dict(self.findings),
            "phases": [phase.to_dict() for phase in self.phases],
            "error": self.error,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "batch": self.batch,
            "job": self.job,
            "dataset": self.dataset,
            "mode": self.mode,
            "worker": self.worker,
            "number": self.number,
            "outcome": str(self.outcome),
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at and self.finished_at.isoformat(),
            "dataset_id": self.dataset_id,
            **self.details,
        }

    @classmethod
    def from_dict(cls, document: object) -> Self:
        """Return what :meth:`to_dict` described.

        Raises:
            SerializationError: It is not what :meth:`to_dict` describes.
        """
        known = expect(dict, document, "attempt")
        words = ("batch", "job", "dataset", "mode", "worker")
        phases = expect(list, known.get("phases", []), "phases")
        try:
            finished = known.get("finished_at")
            return cls(
                *(member(known, name, str) for name in words),
                number=member(known, "number", int),
                outcome=Outcome(member(known, "outcome", str)),
                started_at=datetime.fromisoformat(member(known, "started_at", str)),
                finished_at=None if finished is None else datetime.fromisoformat(finished),
                dataset_id=expect(str, known.get("dataset_id", ""), "dataset_id"),
                files=files_from_list(expect(list, known.get("files", []), "files")),
                rows=_counts(known.get("rows", {}), "rows"),
                findings=_counts(known.get("findings", {}), "findings"),
                phases=tuple(map(PhaseMetrics.from_dict, phases)),
                error=expect(str, known.get("error", ""), "error"),
            )
        except (TypeError, ValueError) as error:
            if isinstance(error, SerializationError):
                raise
            msg = f"it is no attempt: {error}"
            raise SerializationError(msg) from error

    @property
    def metrics(self) -> Metrics:
        """The sum of the phases."""
        return Metrics(self.phases)


def _counts(document: object, name: str) -> dict[str, int]:
    return {key: expect(int, count, name) for key, count in expect(dict, document, name).items()}


class History(ABC):
    """The attempts of a store, or of a session of a database.

    What :meth:`finishing` is given, the store keeps together with the dataset that it writes in
    the block: both, or neither.
    """

    is_shared: bool = True
    """Whether other processes see it."""

    _finished: Attempt | None = None

    @contextmanager
    def finishing(self, attempt: Attempt) -> Generator[None]:
        """Link the dataset that the block writes to an attempt.

        Args:
            attempt: The attempt, which is done with the dataset.

        Raises:
            JobDoneError: Another attempt was done since this one began; nothing is written.
        """
        self._finished = attempt
        try:
            yield
        finally:
            self._finished = None

    @abstractmethod
    def attempts(self, *, batch: str | None = None, job: str | None = None) -> list[Attempt]:
        """Return attempts, in the order in which they began.

        Args:
            batch: Only those of one batch.
            job: Only those at one job.

        Raises:
            StoreError: The store fails.
        """

    @abstractmethod
    def begin(self, attempt: Attempt, *, first: bool = False) -> Attempt:
        """Record that an attempt begins; return it with its number.

        Args:
            attempt: The attempt.
            first: Only if it is the first at its job; otherwise it is returned as it is, with the
                number 0.

        Raises:
            StoreError: The store fails.
        """

    @abstractmethod
    def end(self, attempt: Attempt) -> None:
        """Note how an attempt ended, unless it was done.

        Raises:
            StoreError: The store fails.
        """


def begun(attempt: Attempt, earlier: Iterable[Attempt]) -> Attempt:
    """Return an attempt that begins now, numbered after earlier ones at the same job."""
    number = max((one.number for one in earlier), default=0) + 1
    return replace(attempt, number=number, started_at=_now())


def refuse_repetition(attempt: Attempt, earlier: Iterable[Attempt]) -> None:
    """Refuse to finish an attempt if another one succeeded since it began.

    Args:
        attempt: The attempt.
        earlier: The attempts at its job.

    Raises:
        JobDoneError: One was.
    """
    done = [one for one in earlier if one.outcome == Outcome.DONE]
    if len(done) > attempt.done_before:
        raise JobDoneError.from_attempt(attempt.dataset, done[-1].worker)


class MemoryHistory(History):
    """Attempts that are forgotten when the process ends.

    Example:
        >>> history = MemoryHistory()
        >>> attempt = history.begin(Attempt("b", "k", "sales", "append", "host/7"))
        >>> with history.finishing(attempt.ended(Outcome.DONE)):
        ...     pass  # write the dataset
        >>> [(one.number, str(one.outcome)) for one in history.attempts()]
        [(1, 'done')]
    """

    is_shared = False

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._kept: dict[tuple[str, int], Attempt] = {}

    @contextmanager
    def finishing(self, attempt: Attempt) -> Generator[None]:
        """Record that an attempt is done once its dataset is written."""
        with self._lock:
            refuse_repetition(attempt, self.attempts(job=attempt.job))
            yield
            self._kept[attempt.job, attempt.number] = attempt

    def attempts(self, *, batch: str | None = None, job: str | None = None) -> list[Attempt]:
        """Return attempts, in the order in which they began."""
        with self._lock:
            return [
                one
                for one in self._kept.values()
                if batch in {None, one.batch} and job in {None, one.job}
            ]

    def begin(self, attempt: Attempt, *, first: bool = False) -> Attempt:
        """Note that an attempt begins; return it with its number."""
        with self._lock:
            earlier = self.attempts(job=attempt.job)
            if first and earlier:
                return attempt
            now = begun(attempt, earlier)
            self._kept[now.job, now.number] = now
            return now

    def end(self, attempt: Attempt) -> None:
        """Note how an attempt ended, unless it was done."""
        with self._lock:
            place = (attempt.job, attempt.number)
            if self._kept[place].outcome != Outcome.DONE:
                self._kept[place] = attempt
