"""Progress of a command: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from algomancy_data.cli import opening
from algomancy_data.display.words import counted
from algomancy_data.metrics import recording

if TYPE_CHECKING:
    from collections.abc import Generator

    from algomancy_data.batch import BatchListener, JobResult
    from algomancy_data.cli.output import Output
    from algomancy_data.metrics import PhaseMetrics, Recording

# What takes less needs no bar, and has no speed worth a line.
_SHORT: Final = 0.001


@contextmanager
def shown_progress(output: Output) -> Generator[Recording]:
    """Show the progress of a block on standard error, and record it.

    Args:
        output: Where to show it.
    """
    if output.quiet or not output.errors.is_terminal:
        with recording(Lines(output)) as record:
            yield record
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[rows]}"),
        _Speed(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    opening.clear()
    with Progress(*columns, console=output.errors) as bars, recording(Bars(bars)) as record:
        yield record


@contextmanager
def shown_jobs(output: Output) -> Generator[BatchListener]:
    """Show the progress of a batch on standard error.

    Args:
        output: Where to show it.
    """
    if output.quiet or not output.errors.is_terminal:
        yield JobLines(output)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.completed} of {task.total} jobs"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[rows]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    opening.clear()
    with Progress(*columns, console=output.errors) as bars:
        yield JobBar(bars, JobLines(output))


class JobLines:
    """Writes a line for each job once it has an outcome.

    Args:
        output: Where the lines go.
    """

    def __init__(self, output: Output) -> None:
        self._output = output

    def job_finished(self, result: JobResult, finished: int, total: int) -> None:
        """Write the line."""
        rows = f", {counted(result.rows, 'row')}, {result.seconds:.3f} s" if result.rows else ""
        why = f": {result.error}" if result.error else ""
        name = result.job.dataset
        self._output.note(f"[{finished}/{total}] {name!r} {result.outcome}{rows}{why}")


class JobBar:
    """Shows the jobs as a bar with rows, rows per second and the time left.

    Args:
        bars: Where it is.
        lines: Tells of jobs that were not done.
    """

    def __init__(self, bars: Progress, lines: JobLines) -> None:
        self._bars = bars
        self._lines = lines
        self._rows = 0
        self._task = bars.add_task("jobs", total=None, rows="")

    def job_finished(self, result: JobResult, finished: int, total: int) -> None:
        """Move the bar."""
        self._rows += result.rows
        elapsed = self._bars.tasks[0].elapsed or 0.0
        speed = f", {self._rows / elapsed:,.0f} rows/s" if elapsed else ""
        rows = f"{counted(self._rows, 'row')}{speed}"
        self._bars.update(self._task, completed=finished, total=total, rows=rows)
        if not result.is_success:
            self._lines.job_finished(result, finished, total)


class Lines:
    """Writes a line for each phase once it has ended.

    Args:
        output: Where the lines go.
    """

    def __init__(self, output: Output) -> None:
        self._output = output

    def phase_started(self, phase: str) -> None:
        """Say nothing yet."""

    def phase_finished(self, metrics: PhaseMetrics) -> None:
        """Write the line."""
        self._output.note(_line(metrics))


class Bars:
    """Shows each phase as a bar with rows, rows per second and the time left.

    Args:
        bars: The bars.
    """

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks = dict[str, TaskID]()

    def phase_started(self, phase: str) -> None:
        """Add a bar whose length is not known yet."""
        self._tasks[phase] = self._bars.add_task(phase, total=None, rows="")

    def progressed(self, phase: str, done_rows: int, total_rows: int | None) -> None:
        """Move the bar."""
        if phase in self._tasks:
            of = "" if total_rows is None else f" of {total_rows:,}"
            self._bars.update(
                self._tasks[phase], completed=done_rows, total=total_rows, rows=f"{done_rows:,}{of}"
            )

    def phase_finished(self, metrics: PhaseMetrics) -> None:
        """Fill the bar."""
        rows, task = metrics.rows, self._tasks[metrics.phase]
        self._bars.update(task, total=rows or 1, completed=rows or 1, rows=counted(rows, "row"))
        self._bars.stop_task(task)


class _Speed(ProgressColumn):
    """Rows per second."""

    def render(self, task: Task) -> Text:
        """Return the speed, once there is one."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} rows/s" if speed else "")


def _line(metrics: PhaseMetrics) -> str:
    dataset = "" if metrics.dataset is None else f" {metrics.dataset!r}"
    speed = f", {metrics.rows_per_second:,.0f} rows/s" if metrics.seconds > _SHORT else ""
    rows = f"{counted(metrics.rows, 'row')}, " if metrics.rows else ""
    return f"{metrics.phase}{dataset}: {rows}{metrics.seconds:.3f} s{speed if rows else ''}"
