"""``algomancy-data export``: a dataset as files to hand to someone."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from algomancy_data.cli import options
from algomancy_data.cli.declarations import making
from algomancy_data.cli.progress import shown_progress
from algomancy_data.cli.running import running
from algomancy_data.cli.settings import Settings
from algomancy_data.cli.stores import Place, opened
from algomancy_data.datamanager import export_dataset
from algomancy_data.display.terminal_table import plain


class Format(StrEnum):
    """A format of files."""

    PARQUET = "parquet"
    ARROW = "arrow"
    CSV = "csv"


def export(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Its name.")],
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="The new directory, or new file in .zip.")
    ],
    file_format: Annotated[
        Format, typer.Option("--format", "-f", help="csv holds the values as text only.")
    ] = Format.PARQUET,
    store: options.Store = None,
    session: options.Session = None,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Write a dataset as files that other programs read, one per table.

    Example: `algomancy-data export flights flights.zip --format csv -s sqlite:///data.db`
    """
    with running("export", as_json=as_json, verbose=verbose) as output:
        settings = Settings({"store": store, "session": session})
        place = Place(settings.require("store"), settings.session)
        with opened(place, output, making(settings)) as manager, shown_progress(output):
            path = export_dataset(manager.require_data(dataset), target, file_format.value)
        output.result(
            {**place.describe(), "dataset": dataset, "path": str(path), "format": file_format},
            plain(f"Exported {dataset!r} to {path}."),
        )
