"""The page about a batch: the results of its jobs, the worst first.

Needs the extra ``algomancy-data[report]``.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Final

from algomancy_data.display.grid import Grid, text_html
from algomancy_data.display.page_table import PageTables
from algomancy_data.display.words import counted, left_out
from algomancy_data.findings import counts_text

if TYPE_CHECKING:
    from algomancy_data.batch.result import BatchResult, JobResult

_MOST_JOBS: Final = 1_000
_WORST_FIRST: Final = ("failed", "refused", "stopped", "done", "skipped")
_LOOKS: Final = {"failed": "critical", "refused": "error", "stopped": "warning"}


def page_of(result: BatchResult, title: str) -> str:
    """Return the page.

    Args:
        result: What became of the batch.
        title: Heading of the page.
    """
    grids = PageTables()
    sections: list[str] = []
    for outcome in _WORST_FIRST:
        jobs = [job for job in result.jobs if job.outcome == outcome]
        if jobs:
            table = grids.render(_grid(jobs[:_MOST_JOBS]), "rules")
            rest = left_out(len(jobs) - _MOST_JOBS, "more job")
            sections.append(
                f'<section id="{outcome}"><h2>{outcome.title()}</h2>'
                f'<p class="about">{counted(len(jobs), "job")}</p>{table}<p>{rest}</p></section>'
            )
    package = files("algomancy_data.validator.report")
    return Template(package.joinpath("report.html").read_text("utf-8")).substitute(
        title=text_html(title),
        style=package.joinpath("report.css").read_text("utf-8"),
        verdict=_verdict(result),
        sections="\n".join(sections),
    )


def _verdict(result: BatchResult) -> str:
    is_done = all(job.is_success for job in result.jobs)
    verdict, kind = ("Done", "passed") if is_done else ("Not all done", "failed")
    facts = f"batch {result.batch}, {counted(result.rows, 'row')}, {result.seconds:,.1f} s"
    chips = "".join(
        f'<li class="{_LOOKS.get(outcome, "info")}"><b>{count:,}</b> {outcome}</li>'
        for outcome, count in result.counts.items()
    )
    counts = f'<ul class="counts">{chips}</ul>' if chips else "<p>There were no jobs.</p>"
    return f'<p class="verdict {kind}"><b>{verdict}</b> <span>{escape(facts)}</span></p>\n{counts}'


def _grid(jobs: list[JobResult]) -> Grid:
    return Grid.from_rows(
        ("dataset", "mode", "rows", "attempts", "seconds", "findings", "why", "files"),
        [
            (
                job.job.dataset,
                job.job.mode,
                job.rows,
                job.attempts,
                round(job.seconds, 3),
                counts_text(job.findings) if job.findings else "",
                job.error,
                ", ".join(path for _, path in job.job.paths),
            )
            for job in jobs
        ],
    )
