"""Draw the charts of the tutorial from its database: ``charts.py flights.db FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import polars as pl
from matplotlib.figure import Figure

from algomancy_data import SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

_EARLY, _LATE, _TEXT = "#2563eb", "#d97706", "#1e293b"
mpl.rcParams |= {
    "svg.hashsalt": "the same every time",
    "text.color": _TEXT,
    "ytick.color": _TEXT,
    "xtick.color": _TEXT,
    "axes.labelcolor": _TEXT,
}


def draw(names: pl.Series, delays: pl.Series, title: str, path: Path, *, lying: bool) -> None:
    """Draw a bar per name, early ones and late ones in colours of their own."""
    figure = Figure(figsize=(8, 4.4 if lying else 3.2), facecolor="#f7f9fc", layout="constrained")
    axes = figure.add_subplot(facecolor="none")
    colours = [_LATE if delay > 0 else _EARLY for delay in delays]
    bars = (axes.barh if lying else axes.bar)(names, delays, color=colours)
    axes.bar_label(bars, fmt="%.0f", padding=3, color=_TEXT)
    axes.margins(**({"x": 0.08, "y": 0.01} if lying else {"x": 0.01, "y": 0.12}))
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, **({"labelbottom": False} if lying else {"labelleft": False}))
    axes.set_title(title, loc="left", fontweight="bold")
    figure.savefig(path, metadata={"Date": None})


def main(database: str, folder: Path) -> None:
    """Draw both."""
    manager = DatabaseDataManager(SimpleETLFactory, [], f"sqlite:///{database}", "tutorial")
    manager.startup()
    data = manager.require_data("nyc")
    manager.close()
    airlines = (
        data.get_table("flights")
        .join(data.get_table("airlines"), on="carrier")
        .group_by("name")
        .agg(pl.col("arr_delay").mean().round(1))
        .sort("arr_delay")
    )
    draw(
        airlines["name"],
        airlines["arr_delay"],
        "Mean delay at arrival, in minutes",
        folder / "delay-by-airline.svg",
        lying=True,
    )
    hours = data.get_table("by_hour")
    draw(
        hours["hour"].cast(pl.String),
        hours["delay"],
        "Mean delay at arrival, in minutes, by the hour of departure",
        folder / "delay-by-hour.svg",
        lying=False,
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
