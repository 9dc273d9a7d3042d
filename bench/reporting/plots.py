"""The plots of a run, as SVG: small, and the same bytes for the same figures."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from harness.record import amount
from reporting.figures import LIBRARIES, figures

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from reporting.figures import Figure as Shown
    from reporting.summary import Measurement, Results

OURS, OTHERS, LIMITS, INK = "#1d6fa5", "#b9c2ca", "#e3b36b", "#24303a"
MARKS = {"Polars": "o", "pandas": "s", "DuckDB": "D", "dlt": "^"}
COLOURS = {"Polars": "#c2572b", "pandas": "#8256a8", "DuckDB": "#a08224", "dlt": "#3f8f55"}
LINES = ("#1d6fa5", "#c2572b", "#3f8f55", "#8256a8", "#a08224", "#4a5560")
BAR_INCHES = 0.24
WIDTH = 7.6
FIRST, FIRST_WIDTH = "figures.svg", 5.6  # is read on telephones, too
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "algomancy-data",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"],
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8a949d",
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
# A picture's file, its title, and which races are in it: the first that fits takes a race.
FAMILIES: dict[str, tuple[str, Callable[[Measurement], bool]]] = {
    "sqlite.svg": (
        "The store in a SQLite file",
        lambda one: one.workload == "orders/customers" and "SQLite" in one.operation,
    ),
    "postgresql.svg": (
        "The store in PostgreSQL",
        lambda one: one.workload == "orders/customers" and "PostgreSQL" in one.operation,
    ),
    "folder.svg": (
        "In a folder and in memory",
        lambda one: (
            one.workload == "orders/customers"
            and any(word in one.operation for word in ("folder", "memory", "DataSource"))
        ),
    ),
    "checks.svg": (
        "Checking and cascading",
        lambda one: "validate" in one.operation or "cascade" in one.operation,
    ),
    "etl.svg": (
        "Files to frames",
        lambda one: one.operation.startswith(("ETL", "extract")),
    ),
    "whole.svg": ("Other workloads", lambda _one: True),
}

TITLES = {name: title for name, (title, _) in FAMILIES.items()} | {
    "memory.svg": "Peak memory beyond the frames",
    "growth.svg": "Growth with the rows",
}


def families(results: Results) -> dict[str, list[Measurement]]:
    """Return the races of each picture, without pictures that would be empty."""
    found: dict[str, list[Measurement]] = {name: [] for name in FAMILIES}
    for one in results.of_kind("race"):
        name = next(name for name, (_, fits) in FAMILIES.items() if fits(one))
        found[name].append(one)
    return {name: races for name, races in found.items() if races}


def shown(results: Results) -> dict[str, list[Measurement]]:
    """Return the measurements of each picture, without pictures that would be empty."""
    others = {"memory.svg": results.of_kind("memory"), "growth.svg": results.of_kind("growth")}
    return families(results) | {name: found for name, found in others.items() if found}


def pictures_of(results: Results) -> list[str]:
    """Return the Markdown of all pictures but the first."""
    return [f"![{TITLES[name]}](performance/{name})" for name in shown(results)]


def first(results: Results) -> str:
    """Return the SVG of the figures that come first."""
    found = list(figures(results))
    with mpl.rc_context(STYLE):
        return svg(beside_ours(found), [one.ours for one in found])


def beside_ours(found: list[Shown]) -> Figure:
    """Draw how many times as long as ours, or as much memory, each library takes."""
    figure = Figure(figsize=(FIRST_WIDTH, 0.36 * len(found) + 1.1), layout="constrained")
    panel = figure.subplots()
    panel.axvline(1, color=OURS, linewidth=2, zorder=1)
    for position, one in enumerate(found):
        panel.axhline(position, color="#e4e8eb", linewidth=0.8, zorder=0)
        for library, other in one.others.items():
            panel.scatter(
                other.value / one.ours.ours,
                position,
                s=46,
                marker=MARKS[library],
                color=COLOURS[library],
                zorder=2,
            )
    for library in LIBRARIES:
        panel.scatter([], [], s=46, marker=MARKS[library], color=COLOURS[library], label=library)
    panel.set_xscale("log")
    panel.set_xlabel("× algomancy-data's time or memory (line)")
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g} ×"))
    panel.set_yticks(range(len(found)), [one.title for one in found])
    panel.tick_params(left=False)
    panel.spines["left"].set_visible(False)
    panel.invert_yaxis()
    figure.legend(loc="outside upper left", ncols=len(LIBRARIES), frameon=False)
    return figure


def picture(name: str, measurements: list[Measurement]) -> str:
    """Return the SVG of a picture."""
    with mpl.rc_context(STYLE):
        return svg(figure_of(name, measurements), measurements)


def figure_of(name: str, measurements: list[Measurement]) -> Figure:
    if name == "growth.svg":
        return growths(measurements, TITLES[name])
    return bars(measurements, TITLES[name], log=name != "memory.svg")


def digest(measurements: list[Measurement]) -> str:
    """Return a hash of the figures in a picture; the picture carries it."""
    text = json.dumps([asdict(one) for one in measurements], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def svg(figure: Figure, measurements: list[Measurement]) -> str:
    stream = io.StringIO()
    metadata = {"Date": None, "Creator": None, "Description": digest(measurements)}
    figure.savefig(stream, format="svg", metadata=metadata, facecolor="white")
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def bars(races: list[Measurement], title: str, *, log: bool = True) -> Figure:
    """Draw one panel for each operation: ours above its peers, all on one scale of its own."""
    counts = [len(one.against) + 1 for one in races]
    height = (sum(counts) + 2.4 * len(counts)) * BAR_INCHES + 0.5
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    title += ", seconds on logarithmic scales" if log else ""
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    panels = figure.subplots(len(races), 1, squeeze=False, height_ratios=[n + 0.8 for n in counts])
    for panel, one in zip(panels[:, 0], races, strict=True):
        draw(panel, one, log=log)
    return figure


def draw(panel: Axes, one: Measurement, *, log: bool) -> None:
    names = ["algomancy-data", *(other.name for other in one.against)]
    values = [one.ours, *(other.value for other in one.against)]
    colours = [OURS, *(LIMITS if is_limit(name) else OTHERS for name in names[1:])]
    positions = range(len(names))
    least = min(values) / 3 if log else 0
    panel.barh(
        positions, [value - least for value in values], left=least, color=colours, height=0.72
    )
    for position, value in zip(positions, values, strict=True):
        label = f" {amount(value, one.unit)}"
        if position:
            label += f"  ({quotient(value / one.ours)})"
        panel.text(value, position, label, va="center", fontsize=7.5)
    if log:
        panel.set_xscale("log")
        panel.set_xlim(least, max(values) * (max(values) / least) ** 0.3)
    else:
        panel.set_xlim(0, max(values) * 1.3)
    panel.set_yticks(positions, names)
    panel.get_yticklabels()[0].set_fontweight("bold")
    panel.invert_yaxis()
    panel.tick_params(left=False)
    panel.spines["left"].set_visible(False)
    panel.spines["bottom"].set_visible(False)
    panel.xaxis.set_visible(False)
    rows = f", {one.rows:,} rows" if one.rows else ""
    panel.set_title(
        f"{one.operation.removeprefix('peak memory: ')}{rows}",
        loc="left",
        fontsize=9,
        fontweight="bold",
    )


def is_limit(name: str) -> bool:
    return name.startswith(("limit:", "size of"))


def quotient(ratio: float) -> str:
    """Write how many times as long, with as many digits as people read."""
    return f"{ratio:,.0f} ×" if ratio >= 10 else f"{ratio:.2g} ×"


def growths(grown: list[Measurement], title: str) -> Figure:
    """Draw time against rows, both logarithmic, with what linear would be."""
    figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    panel = figure.subplots()
    for colour, one in zip(LINES, grown, strict=False):
        rows, seconds = zip(*one.points, strict=True)
        panel.plot(
            rows,
            seconds,
            marker="o",
            markersize=4,
            color=colour,
            label=one.operation.removeprefix("growth: "),
        )
        start = -2
        linear = [seconds[start] * count / rows[start] for count in rows]
        panel.plot(rows, linear, linestyle=":", linewidth=0.9, color=colour)
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_xlabel("orders (dotted: linear)")
    panel.set_ylabel("seconds")
    panel.grid(visible=True, color="#e4e8eb", linewidth=0.6)
    panel.legend(frameon=False)
    return figure
