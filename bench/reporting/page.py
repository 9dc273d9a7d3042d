"""The generated parts of docs/performance.md.

No figure is parted from its unit, and no table has more columns than a telephone shows: what
belongs together stands in one cell, line below line.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Final

from harness.limits import Limits
from harness.record import amount
from reporting.figures import figures
from reporting.plots import FIRST, pictures_of, quotient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reporting.summary import Comparison, Measurement, Results

BEGIN: Final = "<!-- generated: {} -->"
END: Final = "<!-- generated: end -->"
BELOW: Final = "<br>"
UNBROKEN: Final = "\N{NO-BREAK SPACE}"
RATIOS: Final = """\
Each row has an operation with our time, what it stands beside with its time, and ours divided by
that: the median of the ratios of times next to each other, and below it the least and the largest
of them."""


def renewed(page: str, results: Results) -> str:
    """Return the page with what stands between its markers made anew."""
    for name, part in PARTS.items():
        head, rest = page.split(BEGIN.format(name))
        _, tail = rest.split(END, 1)
        page = f"{head}{BEGIN.format(name)}\n\n{part(results)}\n\n{END}{tail}"
    return page


def first(results: Results) -> str:
    """Return the figures that come first, and what they were measured on."""
    rows = [
        (
            f"{figure.title}{BELOW}{size(figure.ours)}",
            f"**{unbroken(amount(figure.ours.ours, figure.ours.unit))}**",
            BELOW.join(
                unbroken(
                    f"{name} {amount(other.value, figure.ours.unit)}, "
                    f"{quotient(other.value / figure.ours.ours)}"
                )
                for name, other in figure.others.items()
            ),
        )
        for figure in figures(results)
    ]
    picture = f"![algomancy-data beside other libraries](performance/{FIRST})"
    return f"{picture}\n\n{table(('', 'ours', 'others'), rows)}"


def size(one: Measurement) -> str:
    return unbroken(f"{one.rows:,} rows")


def tables(results: Results) -> str:
    """Return everything that was measured."""
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


PARTS: Final[dict[str, Callable[[Results], str]]] = {"first": first, "tables": tables}


def about(results: Results) -> str:
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    return (
        f"Measured on {results.date}, revision `{results.revision}`, on {machine['cpus']} cores of "
        f"{machine['cpu']} with {machine['memory']} GB of memory, {machine['system']}, Python "
        f"{machine['python']}, {versions}."
    )


def targets(results: Results) -> str:
    """Return one row for each promise, in their order, also for those that nobody measured."""
    measured = {
        (one.workload, one.operation, other.name): (one, other)
        for one in results.measurements
        if one.kind != "count"
        for other in one.against
        if other.target
    }
    turns = {name: turn for turn, name in enumerate(Limits().names())}
    rows = [
        (
            *beside(one, other),
            f"{unbroken(other.target)}{BELOW}{'met' if other.met else '**missed**'}",
        )
        for _, (one, other) in sorted(
            measured.items(), key=lambda found: turns.get(found[0], len(turns))
        )
    ]
    lacking = [
        (operation, against, "", "not measured") for _, operation, against in results.unmeasured
    ]
    return table(("operation", "beside", "ratio", "target"), [*rows, *lacking])


def operations(results: Results, kind: str) -> str:
    """Return a table of all measurements of a kind."""
    titles = {
        "race": "### Times",
        "memory": "### Memory, beyond the frames",
        "growth": "### Growth: the time at the most rows, beside as much per row as at 10⁵",
        "count": "### Counts",
    }
    made = []
    for workload, measurements in groupby(results.of_kind(kind), lambda one: one.workload):
        rows = [
            ("" if number else ours(one), *beside(one, other)[1:], other.remark)
            for one in measurements
            for number, other in enumerate(one.against)
        ]
        columns = 4 if any(remark for *_, remark in rows) else 3
        head = ("operation", "beside", "ratio", "")[:columns]
        made.append(f"**{workload}**\n\n{table(head, [row[:columns] for row in rows])}")
    return "\n\n".join([titles[kind], *made])


def phases(results: Results) -> str:
    """Return what each phase of an ETL took."""
    rows = [
        (
            words(one),
            BELOW.join(
                unbroken(f"{name} {amount(took, 's')}") for name, took in one.phases.items()
            ),
        )
        for one in results.measurements
        if one.phases
    ]
    return "### ETL by phase, at best\n\n" + table(("", "phases"), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def beside(one: Measurement, other: Comparison) -> tuple[str, str, str]:
    """Return the cells that say what was measured, beside what, and their ratio."""
    theirs = f"{other.name}{BELOW}{unbroken(amount(other.value, one.unit))}"
    return ours(one), theirs, times(other)


def ours(one: Measurement) -> str:
    return f"{words(one)}{BELOW}**{unbroken(amount(one.ours, one.unit))}**"


def words(one: Measurement) -> str:
    """Name an operation, and its rows, if they decide."""
    return f"{one.operation}, {size(one)}" if one.rows else one.operation


def times(other: Comparison) -> str:
    """Write a ratio as its target is written: how many times as long, or how much faster."""
    ratios = (other.ratio, *other.range)
    word = "×"
    if re.search("faster", other.target):
        ratio, high, low = (1 / ratio for ratio in ratios)
        ratios, word = (ratio, low, high), "× faster"
    ratio, low, high = map(three_digits, ratios)
    whole = unbroken(f"{ratio} {word}")
    return whole if low == high else f"{whole}{BELOW}{unbroken(f'{low} to {high}')}"


def three_digits(number: float) -> str:
    """Write a number without an exponent."""
    return f"{number:.3g}" if number < 1000 else f"{float(f'{number:.3g}'):,.0f}"


def unbroken(text: str) -> str:
    """Keep a figure and its unit on one line; the word behind may stand on the next one."""
    return text.replace(" ", UNBROKEN).replace(f"{UNBROKEN}faster", " faster")
