"""The results of a batch, and of each of its jobs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from algomancy_data.display.grid import Grid
from algomancy_data.display.objects import Display, Displayed
from algomancy_data.display.words import counted
from algomancy_data.findings import counts_text
from algomancy_data.store import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from algomancy_data.batch.job import Job
    from algomancy_data.store import Attempt

SKIPPED: Final = "skipped"
"""What a job's outcome is called that an earlier batch had done."""

ORDER: Final = ("done", "skipped", "refused", "failed", "stopped")
"""The outcomes of jobs."""

_REFUSED: Final = 1
_UNREACHABLE: Final = 3
_FAILED: Final = 4
_STOPPED: Final = 130


@dataclass(frozen=True)
class JobResult:
    """The result of a job.

    Args:
        job: The job.
        outcome: ``"done"``; ``"skipped"``, since an earlier batch had done it; ``"refused"``, since
            its data is not fit; ``"failed"``; or ``"stopped"``, if the batch ended before.
        key: The job's key in the history; empty if nobody knows it.
        attempts: How many attempts there were in the batch.
        rows: How many rows were written.
        findings: How many findings there were, by severity.
        seconds: How long the last attempt took.
        error: Why it was not done.
        is_temporary: Whether that may go away by itself, so that the job may be tried again.
    """

    job: Job
    outcome: str
    key: str = ""
    attempts: int = 0
    rows: int = 0
    findings: Mapping[str, int] = field(default_factory=dict[str, int])
    seconds: float = 0.0
    error: str = ""
    is_temporary: bool = False

    @property
    def is_success(self) -> bool:
        """Whether the dataset has the job's rows."""
        return self.outcome in {Outcome.DONE, SKIPPED}

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "dataset": self.job.dataset,
            "files": dict(self.job.paths),
            "mode": self.job.mode,
            "outcome": str(self.outcome),
            "key": self.key,
            "attempts": self.attempts,
            "rows": self.rows,
            "findings": dict(self.findings),
            "seconds": self.seconds,
            "error": self.error,
            "is_temporary": self.is_temporary,
        }


class BatchListener(Protocol):
    """Told of the progress of a batch, in the process that runs it."""

    def job_finished(self, result: JobResult, finished: int, total: int) -> None:
        """Note the outcome of a job.

        Args:
            result: What became of it.
            finished: How many have theirs.
            total: How many jobs there are.
        """
        ...


@dataclass(frozen=True, repr=False)
class BatchResult(Displayed):
    """The result of a batch.

    Args:
        batch: The name of the batch in the history.
        jobs: What became of each job, in the order in which they were given.
        seconds: How long the batch took.

    Example:
        >>> from algomancy_data.batch import Job
        >>> job = Job("march", {"orders": "orders.csv"})
        >>> result = BatchResult("b", [JobResult(job, "done", rows=3)], 0.5)
        >>> result.done, result.exit_code, str(result)
        (1, 0, '1 job: 1 done; 3 rows')
    """

    batch: str
    jobs: Sequence[JobResult]
    seconds: float

    @property
    def counts(self) -> dict[str, int]:
        """Number of jobs by outcome."""
        found = Counter(str(job.outcome) for job in self.jobs)
        return {outcome: found[outcome] for outcome in ORDER if found[outcome]}

    @property
    def done(self) -> int:
        """Jobs that were done."""
        return self.counts.get("done", 0)

    @property
    def skipped(self) -> int:
        """Jobs that an earlier batch had done."""
        return self.counts.get("skipped", 0)

    @property
    def refused(self) -> int:
        """Jobs whose data did not pass the checks."""
        return self.counts.get("refused", 0)

    @property
    def failed(self) -> int:
        """Jobs that failed for another reason."""
        return self.counts.get("failed", 0)

    @property
    def stopped(self) -> int:
        """Jobs that were not done when the batch was stopped."""
        return self.counts.get("stopped", 0)

    @property
    def rows(self) -> int:
        """Rows that were written."""
        return sum(job.rows for job in self.jobs)

    @property
    def exit_code(self) -> int:
        """The exit code for a program, that of the worst job.

        0 if all is done, 1 if data was refused, 3 if jobs failed of what may go away by itself, 4
        if one failed otherwise, 130 if the batch was stopped.
        """
        if self.stopped:
            return _STOPPED
        failed = [job for job in self.jobs if str(job.outcome) == Outcome.FAILED]
        if failed:
            return _UNREACHABLE if all(job.is_temporary for job in failed) else _FAILED
        return _REFUSED if self.refused else 0

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "batch": self.batch,
            "seconds": self.seconds,
            "rows": self.rows,
            "counts": self.counts,
            "jobs": [job.to_dict() for job in self.jobs],
        }

    def to_html(self, *, title: str = "Batch") -> str:
        """Return a page with the results of the jobs, the worst first.

        Args:
            title: Its heading.

        Raises:
            MissingExtraError: The extra ``report`` is not installed.
        """
        from algomancy_data.batch.report import page_of  # noqa: PLC0415  it needs an extra

        return page_of(self, title)

    def _grid(self) -> Grid:
        shown = [job for job in self.jobs if not job.is_success]
        return Grid.from_rows(
            ("dataset", "outcome", "attempts", "seconds", "findings", "why"),
            [
                (
                    job.job.dataset,
                    str(job.outcome),
                    job.attempts,
                    round(job.seconds, 3),
                    counts_text(job.findings) if job.findings else "",
                    job.error,
                )
                for job in shown
            ],
        )

    def __str__(self) -> str:
        """Return the number of jobs by outcome."""
        counts = ", ".join(f"{count:,} {outcome}" for outcome, count in self.counts.items())
        return f"{counted(len(self.jobs), 'job')}: {counts or 'none'}; {counted(self.rows, 'row')}"

    def __repr__(self) -> str:
        """Show the name and the counts."""
        return f"<BatchResult {self.batch!r}: {self}>"

    def _display(self) -> Display:
        return Display(f"Batch {self.batch}", [str(self)], (self._grid(),))


def result_of(job: Job, attempt: Attempt, outcome: str | None = None, tries: int = 1) -> JobResult:
    """Return the result of a job according to its last attempt.

    Args:
        job: The job.
        attempt: The attempt.
        outcome: What to call it, if not as the attempt does.
        tries: How many attempts there were in the batch.
    """
    is_new = outcome is None
    return JobResult(
        job,
        str(attempt.outcome) if outcome is None else outcome,
        attempt.job,
        tries,
        attempt.total_rows if is_new and attempt.outcome == Outcome.DONE else 0,
        attempt.findings,
        attempt.seconds or 0.0,
        attempt.error,
    )
