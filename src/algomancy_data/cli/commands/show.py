"""``algomancy-data show``: what is in a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from algomancy_data.cli import options
from algomancy_data.cli.declarations import making
from algomancy_data.cli.frames import as_records, first_rows, frame_table
from algomancy_data.cli.output import moment, size, table
from algomancy_data.cli.running import running
from algomancy_data.cli.settings import Settings
from algomancy_data.cli.stores import Place, opened
from algomancy_data.display.terminal_table import plain
from algomancy_data.display.words import counted
from algomancy_data.errors import TableNotFoundError
from algomancy_data.findings import counts_text
from algomancy_data.provenance import Provenance

if TYPE_CHECKING:
    import polars as pl
    from rich.console import RenderableType

    from algomancy_data.store.summary import DatasetSummary, TableSummary


def show(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Its name.")],
    only: Annotated[
        str | None,
        typer.Option("--table", "-t", metavar="NAME", help="Only this table.", show_default=False),
    ] = None,
    sample: Annotated[
        int, typer.Option("--sample", "-n", min=0, help="How many rows of each table to show.")
    ] = 5,
    store: options.Store = None,
    session: options.Session = None,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Show the tables of a dataset: columns, dtypes, rows, bytes, and the first rows.

    Example: `algomancy-data show flights --table planes --sample 3 -s sqlite:///data.db`
    """
    with running("show", as_json=as_json, verbose=verbose) as output:
        settings = Settings({"store": store, "session": session})
        place = Place(settings.require("store"), settings.session)
        with opened(place, output, making(settings)) as manager:
            summary = manager.summarize(dataset)
            if only is not None and only not in summary.tables:
                raise TableNotFoundError.from_available(only, summary.tables)
            names = list(summary.tables) if only is None else [only]
            samples = {name: first_rows(manager, dataset, name, sample) for name in names}
        tables = {name: summary.tables[name] for name in names}
        output.result(
            {
                **place.describe(),
                "dataset": dataset,
                "id": summary.ds_id,
                "type": summary.ds_type,
                "created": summary.creation_datetime and summary.creation_datetime.isoformat(),
                "findings": dict(summary.findings),
                "provenance": summary.provenance and summary.provenance.to_dict(),
                "tables": {
                    name: _described(one, samples[name], sample) for name, one in tables.items()
                },
            },
            *_heading(summary),
            *(
                part
                for name, one in tables.items()
                for part in _shown(name, one, samples[name], sample)
            ),
        )


def _heading(summary: DatasetSummary) -> list[RenderableType]:
    origin = summary.provenance or Provenance()
    files = ", ".join(file.location or file.name for file in origin.files)
    found = summary.findings
    source = f"derived from {origin.derived_from!r}" if origin.derived_from else files
    what = (
        f"{summary.name}: {summary.ds_type}, created {moment(summary.creation_datetime)}, "
        f"{counted(len(summary.tables), 'table')}, {counted(summary.rows, 'row')}, "
        f"{size(summary.bytes)}"
    )
    lines = [
        what,
        *([f"from: {source}"] if source else []),
        *([f"messages when it was loaded: {counts_text(found)}"] if found else []),
    ]
    return [plain(line) for line in lines]


def _shown(
    name: str, one: TableSummary, frame: pl.DataFrame | None, sample: int
) -> list[RenderableType]:
    parts: list[RenderableType] = [
        "",
        plain(f"{name}: {counted(one.rows, 'row')}, {size(one.bytes)}"),
    ]
    if one.schema is not None:
        parts.append(table(("column", "dtype"), one.schema.items()))
    if frame is not None and sample:
        parts += ["", frame_table(frame)]
    return parts


def _described(one: TableSummary, frame: pl.DataFrame | None, sample: int) -> dict[str, Any]:
    schema = None if one.schema is None else {key: str(dtype) for key, dtype in one.schema.items()}
    return {
        "rows": one.rows,
        "bytes": one.bytes,
        "columns": schema,
        "sample": as_records(frame) if frame is not None and sample else [],
    }
