"""Rows in quarantine, mended: ``replay`` hands them out and takes them back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from algomancy_data.cli.command import Command, command
from algomancy_data.cli.findings import (
    HaltOn,
    Severity,
    advice,
    code_of,
    document_of,
    shown_findings,
)
from algomancy_data.cli.inputs import named_paths, paths_by_name
from algomancy_data.cli.progress import shown_progress
from algomancy_data.datasource import tables_of
from algomancy_data.display.words import counted
from algomancy_data.errors import CommandLineError, QuarantineError
from algomancy_data.quarantine import Quarantine
from algomancy_data.quarantine.sheets import read_sheet, write_sheet

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from algomancy_data.datamanager import DataManager


@command("store", "session", "schemas", "factory", "memory_limit", "keys")
def replay(
    command: Command,
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Its name.")],
    mended: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILES",
            help="Mended rows as CSV, named like their table, or name=FILE, or a directory. Else: "
            "the rows are tried as they are.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FOLDER",
            help="Only write the rows in quarantine into a new folder, a CSV file per table.",
            show_default=False,
        ),
    ] = None,
    halt_on: HaltOn = Severity.ERROR,
) -> None:
    """Bring rows in quarantine, mended, to their places among the good rows of a dataset.

    Write them out, mend them in a spreadsheet or an editor, and give the files back. Columns that
    say what is wrong are for reading. What still fails its checks stays in quarantine.

    Example: `algomancy-data replay shop --out bad`, then `algomancy-data replay shop bad`
    """
    settings = Quarantine.of(command.declarations.factory.quarantine) or Quarantine()
    if out is not None:
        _write_out(command, dataset, mended, out, settings)
        return
    command.settings.require("schemas")
    rows = {
        name: read_sheet(Path(path), settings)
        for name, path in paths_by_name(named_paths(mended or ())).items()
    }
    with command.opened() as manager, shown_progress(command.output):
        before = _in_quarantine(manager, dataset, settings)
        result = manager.replay_data(dataset, rows, halt_on=halt_on.level, quarantine=settings)
    left = {name: frame.height for name, frame in result.quarantine.items() if frame.height}
    total, still = sum(frame.height for frame in before.values()), sum(left.values())
    summary = (
        f"Replayed {dataset!r}: {counted(total - still, 'row')} went in, {still:,} in quarantine."
        if result.is_success
        else f"Refused: {dataset!r} is as it was. {advice(result, halt_on, has_quarantine=True)}"
    )
    command.output.result(
        {
            **command.address.to_dict(),
            "dataset": dataset,
            "replayed": total - still if result.is_success else 0,
            "quarantined": left,
            **document_of(result),
        },
        *shown_findings(result),
        summary,
        exit_code=code_of(result),
    )


def _write_out(
    command: Command, dataset: str, mended: list[str] | None, folder: Path, settings: Quarantine
) -> None:
    if mended:
        msg = "--out only writes rows: leave the files out, or leave --out out."
        raise CommandLineError(msg)
    if folder.exists():
        msg = f"{str(folder)!r} is there already. Name a new folder."
        raise CommandLineError(msg)
    with command.opened() as manager:
        tables = _in_quarantine(manager, dataset, settings)
    try:
        folder.mkdir()
        for name, frame in tables.items():
            write_sheet(frame, folder / f"{name}.csv", settings)
    except OSError as error:
        msg = f"{str(folder)!r} cannot be written: {error.strerror or error}."
        raise CommandLineError(msg) from error
    total = counted(sum(frame.height for frame in tables.values()), "row")
    command.output.result(
        {
            **command.address.to_dict(),
            "dataset": dataset,
            "path": str(folder),
            "quarantined": {name: frame.height for name, frame in tables.items()},
        },
        f"Wrote {total} to {folder}. Mend them, then: algomancy-data replay {dataset} {folder}",
    )


def _in_quarantine(
    manager: DataManager[Any], dataset: str, settings: Quarantine
) -> Mapping[str, pl.DataFrame]:
    """Return the rows in quarantine by table.

    Raises:
        QuarantineError: There are none.
    """
    tables = tables_of(manager.require_data(dataset))
    found = {
        name: tables[settings.table(name)] for name in tables if settings.table(name) in tables
    }
    if not found:
        msg = f"Data {dataset!r} has no rows in quarantine."
        raise QuarantineError(msg)
    return found
