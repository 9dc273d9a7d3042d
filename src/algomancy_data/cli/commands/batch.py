"""Many datasets at once: ``batch`` loads them, each exactly once, ``jobs`` shows what was tried."""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from algomancy_data.batch import read_jobs, run_batch
from algomancy_data.cli.command import Command, command
from algomancy_data.cli.extras import require_extra
from algomancy_data.cli.findings import (
    HaltOn,
    Report,
    SetAside,
    Severity,
    check_report,
    write_text,
)
from algomancy_data.cli.output import moment
from algomancy_data.cli.progress import shown_jobs
from algomancy_data.cli.stores import ManagerMaker
from algomancy_data.display.grid import Grid
from algomancy_data.display.words import counted
from algomancy_data.errors import CommandLineError
from algomancy_data.etl.settings import INHERIT
from algomancy_data.findings import counts_text

if TYPE_CHECKING:
    from algomancy_data.batch import Attempt, BatchResult, Job

_SHORT: Final = 12  # characters of a key, which tell it from others
_SHOWN: Final = 50


class Action(StrEnum):
    """What to do with the history."""

    LS = "ls"
    SHOW = "show"


@command("store", "session", "schemas", "factory", "read_limits", "memory_limit", "keys")
def batch(
    command: Command,
    jobs: Annotated[
        Path,
        typer.Argument(
            metavar="JOBS",
            help="A file such as jobs.toml, or a folder that has a folder of files per dataset.",
        ),
    ],
    dask: Annotated[
        str | None,
        typer.Option(
            "--dask",
            metavar="ADDRESS",
            help="Let a Dask cluster do the jobs: the address of its scheduler, tcp://host:8786.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            min=1,
            help="Processes; else as many as there are cores and memory for.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the last batch, which did not come to its end."),
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed", help="With --resume, try again what was refused or has failed."
        ),
    ] = False,
    time_limit: Annotated[
        float,
        typer.Option("--time-limit", metavar="SECONDS", min=1, help="How long a job may take."),
    ] = 3600.0,
    halt_on: HaltOn = Severity.ERROR,
    quarantine: SetAside = False,
    report: Report = None,
) -> None:
    """Load many datasets on several processes, or on a Dask cluster, each exactly once.

    What was loaded before is skipped. What is refused or fails does not keep the others back. Run
    the command again after whatever ended it.

    Example: `algomancy-data batch inbox/ --schemas schemas.py -s sqlite:///data.db`
    """
    check_report(report)
    require_extra("batch" if dask is None else "dask", "A batch" if dask is None else "--dask")
    address, output = command.address, command.output
    command.settings.require("schemas")
    if not jobs.exists():
        msg = f"There is no file or folder {str(jobs)!r}. Check the path."
        raise CommandLineError(msg)
    given = [_set(job, halt_on, quarantine=quarantine) for job in read_jobs(jobs)]
    if not given:
        output.note(f"{str(jobs)!r} has no folders of files: there is nothing to do.")
    make_manager = ManagerMaker(command.settings.anchor())
    with shown_jobs(output) as progress:
        result = run_batch(
            given,
            make_manager,
            dask,
            workers=workers,
            resume=resume or retry_failed,
            retry_failed=retry_failed,
            time_limit=time_limit,
            progress=progress,
        )
    if report is not None:
        _write_report(report, result)
    output.result(
        {**address.to_dict(), **result.to_dict()},
        *_shown(result),
        f"{result} in {result.seconds:,.1f} s.",
        exit_code=result.exit_code,
    )


def _set(job: Job, halt_on: Severity, *, quarantine: bool) -> Job:
    """Return a job with the command line's settings where it has none of its own."""
    aside = True if quarantine and job.quarantine is INHERIT else job.quarantine
    return replace(job, halt_on=job.halt_on or halt_on.level, quarantine=aside)


def _shown(result: BatchResult) -> list[Grid | str]:
    """Return a row for each job that was not done."""
    rows = [
        (job.job.dataset, job.outcome, job.attempts, counts_text(job.findings), job.error)
        for job in result.jobs
        if not job.is_success
    ]
    if not rows:
        return []
    return [Grid.from_rows(("dataset", "outcome", "attempts", "findings", "why"), rows), ""]


def _write_report(path: Path, result: BatchResult) -> None:
    text = (
        json.dumps(result.to_dict(), indent=2, ensure_ascii=False)
        if path.suffix == ".json"
        else result.to_html()
    )
    write_text(path, text)


@command("store", "session")
def jobs(
    command: Command,
    action: Annotated[
        Action,
        typer.Argument(metavar="ACTION", help="ls lists attempts, show tells those at one job."),
    ],
    job: Annotated[
        str | None,
        typer.Argument(metavar="JOB", help="The first characters of the job's key."),
    ] = None,
    of_batch: Annotated[
        str | None, typer.Option("--batch", metavar="NAME", help="Only those of one batch.")
    ] = None,
    show_all: Annotated[
        bool, typer.Option("--all", help=f"All, and not only the last {_SHOWN}.")
    ] = False,
) -> None:
    """Show which jobs were tried, and what became of them.

    Example: `algomancy-data jobs ls -s sqlite:///data.db`
    """
    if (action is Action.SHOW) != (job is not None):
        msg = "Write 'jobs ls', or 'jobs show JOB'."
        raise CommandLineError(msg)
    with command.opened() as manager:
        found = manager.store.history.attempts(batch=of_batch)
    if job is not None:
        found = [one for one in found if one.job.startswith(job)]
        if len({one.job for one in found}) != 1:
            count = counted(len({one.job for one in found}), "job has", "jobs have")
            msg = f"{count} a key that begins with {job!r}: see 'jobs ls'."
            raise CommandLineError(msg)
    left_out = 0 if show_all or job is not None else max(len(found) - _SHOWN, 0)
    shown = found[left_out:]
    parts: list[Grid | str] = [_attempts_grid(shown)] if shown else []
    if job is not None:
        parts += _details(found[-1])
    else:
        counted_all = counted(len(found), "attempt")
        parts += ["", f"{counted_all}, {left_out:,} not shown." if left_out else f"{counted_all}."]
    command.output.result(
        {**command.address.to_dict(), "attempts": [one.to_dict() for one in shown]}, *parts
    )


def _attempts_grid(attempts: list[Attempt]) -> Grid:
    return Grid.from_rows(
        ("job", "batch", "dataset", "mode", "attempt", "outcome", "began", "seconds", "rows"),
        [
            (
                one.job[:_SHORT],
                one.batch,
                one.dataset,
                one.mode,
                one.number,
                str(one.outcome),
                moment(one.started_at),
                one.seconds,
                one.total_rows,
            )
            for one in attempts
        ],
    )


def _details(attempt: Attempt) -> list[Grid | str]:
    """Return further facts about an attempt."""
    facts = [
        ("key", attempt.job),
        ("worker", attempt.worker),
        *(("file", f"{file.name}: {file.location}") for file in attempt.files),
        *(("rows", f"{table}: {count:,}") for table, count in attempt.rows.items()),
        *((phase.phase, f"{phase.seconds:.3f} s") for phase in attempt.phases),
        ("findings", counts_text(attempt.findings)),
        *([("why", attempt.error)] if attempt.error else []),
    ]
    return ["", *(f"{name}: {value}" for name, value in facts)]
