"""The generated part of docs/performance.md."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from harness.record import amount
from reporting.plots import pictures_of

if TYPE_CHECKING:
    from reporting.summary import Comparison, Measurement, Results

BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"
RATIOS = """\
Ours, the other's, and ours divided by the other's: the median of the ratios of times next to each
other, and the least and the largest of them."""


def renewed(page: str, results: Results) -> str:
    """Return the page with what stands between its markers made anew."""
    head, rest = page.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}\n\n{generated(results)}\n{END}{tail}"


def generated(results: Results) -> str:
    return "\n\n".join(
        (
            about(results),
            "## The targets",
            targets(results),
            "## Side by side",
            *pictures_of(results),
            "## Everything that was measured",
            RATIOS,
            *(operations(results, kind) for kind in ("race", "memory", "growth", "count")),
            phases(results),
        )
    )


def about(results: Results) -> str:
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    return (
        f"Measured on {results.date}, revision `{results.revision}`, on {machine['cpus']} cores of "
        f"{machine['cpu']} with {machine['memory']} GB of memory, {machine['system']}, Python "
        f"{machine['python']}, {versions}."
    )


def targets(results: Results) -> str:
    """Return one row for each promise, also for those that this run did not measure."""
    promised = [
        row(one, other)
        for one in results.measurements
        if one.kind != "count"
        for other in one.against
        if other.target
    ]
    lacking = [
        f"| {operation} | | {against} | | | | not measured |"
        for _, operation, against in results.unmeasured
    ]
    head = "| operation | ours | beside | its | ratio | target | |\n|---|--:|---|--:|--:|--:|---|"
    return "\n".join([head, *promised, *lacking])


def operations(results: Results, kind: str) -> str:
    """Return a table of all measurements of a kind."""
    titles = {
        "race": "### Times",
        "memory": "### Memory, beyond the frames",
        "growth": "### Growth: the time at the most rows, beside as much per row as at 10⁵",
        "count": "### Counts",
    }
    head = "| operation | ours | beside | its | ratio | |\n|---|--:|---|--:|--:|---|"
    tables = []
    for workload, measurements in groupby(results.of_kind(kind), lambda one: one.workload):
        rows = [
            f"| {words(one) if first else ''} | {amount(one.ours, one.unit) if first else ''} "
            f"| {other.name} | {amount(other.value, one.unit)} | {times(other)} | {other.remark} |"
            for one in measurements
            for first, other in zip([True] + [False] * len(one.against), one.against, strict=False)
        ]
        tables.append(f"**{workload}**\n\n" + "\n".join([head, *rows]))
    return "\n\n".join([titles[kind], *tables])


def phases(results: Results) -> str:
    """Return what each phase of an ETL took."""
    measured = [one for one in results.measurements if one.phases]
    names = list(dict.fromkeys(name for one in measured for name in one.phases))
    rows = [
        f"| {words(one)} | {' | '.join(amount(one.phases.get(name, 0), 's') for name in names)} |"
        for one in measured
    ]
    head = f"| | {' | '.join(names)} |\n|---|{'--:|' * len(names)}"
    return "\n".join(["### ETL by phase, at best\n", head, *rows])


def row(one: Measurement, other: Comparison) -> str:
    verdict = "met" if other.met else "**missed**"
    return (
        f"| {words(one)} | {amount(one.ours, one.unit)} | {other.name} "
        f"| {amount(other.value, one.unit)} | {times(other)} | {other.target} | {verdict} |"
    )


def words(one: Measurement) -> str:
    """Name an operation, and its rows where they are not those of the workload's name."""
    rows = f", {one.rows:,} rows" if one.rows else ""
    return f"{one.operation}{rows}"


def times(other: Comparison) -> str:
    """Write a ratio as its target is written: how many times as long, or how much faster."""
    if re.search("faster", other.target):
        low, high = (1 / ratio for ratio in reversed(other.range))
        return f"{1 / other.ratio:,.3g} × faster ({low:,.3g}–{high:,.3g})"
    low, high = other.range
    return f"{other.ratio:.3g} × ({low:.3g}–{high:.3g})"
