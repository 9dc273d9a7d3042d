"""Commands that work on one store: ``derive``, ``rm``, ``export`` and ``verify``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from algomancy_data.cli.command import Command, command
from algomancy_data.cli.progress import shown_progress
from algomancy_data.cli.running import DONE, REFUSED
from algomancy_data.cli.targets import Overwrite, check_target
from algomancy_data.datamanager import StatefulDataManager, export_dataset
from algomancy_data.datasource import DataClassification
from algomancy_data.display.grid import Grid
from algomancy_data.display.words import counted
from algomancy_data.errors import CommandLineError, DatasetNotFoundError
from algomancy_data.folder.export import is_export
from algomancy_data.store import Damage

if TYPE_CHECKING:
    from algomancy_data.cli.stores import StoreAddress


class Format(StrEnum):
    """A format of files."""

    PARQUET = "parquet"
    ARROW = "arrow"
    CSV = "csv"


@command("store", "session")
def derive(
    command: Command,
    existing: Annotated[str, typer.Argument(metavar="DATASET", help="Name of the dataset.")],
    derived: Annotated[str, typer.Argument(metavar="NEW", help="Name of the copy.")],
) -> None:
    """Keep a copy of a dataset under another name, as derived data.

    A database copies its tables by itself, and a folder shares the files.

    Example: `algomancy-data derive flights 'what if' --store sqlite:///data.db`
    """
    with command.opened() as manager, shown_progress(command.output):
        manager.derive_data(existing, derived)
    command.output.result(
        {**command.address.to_dict(), "dataset": derived, "derived_from": existing},
        f"Derived {derived!r} from {existing!r}.",
    )


@command("store", "session")
def rm(
    command: Command,
    datasets: Annotated[list[str], typer.Argument(metavar="DATASETS", help="Their names.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    keep_master_data: Annotated[
        bool, typer.Option("--keep-master-data", help="Refuse to delete master data.")
    ] = False,
) -> None:
    """Delete datasets for good.

    On a terminal it asks first. Elsewhere --yes must be given.

    Example: `algomancy-data rm 'what if' --yes --store sqlite:///data.db`
    """
    with command.opened() as manager:
        known = manager.get_data_keys()
        for name in datasets:
            if name not in known:  # before any is deleted
                raise DatasetNotFoundError.from_available(name, known)
        names = list(dict.fromkeys(datasets))
        for name in names if keep_master_data else ():
            if manager.describe(name).ds_type == DataClassification.MASTER_DATA:
                msg = f"{name!r} is master data: to delete it, leave --keep-master-data out."
                raise CommandLineError(msg)
        if not yes:
            _ask(names, command.address)
        for name in names:
            manager.delete_data(name, prevent_masterdata_removal=keep_master_data)
    command.output.result(
        {**command.address.to_dict(), "deleted": names},
        *(f"Deleted {name!r}." for name in names),
    )


def _ask(names: list[str], address: StoreAddress) -> None:
    if not sys.stdin.isatty():
        msg = "Nobody can be asked here: add --yes to delete for good."
        raise CommandLineError(msg)
    listed = ", ".join(map(repr, names))
    if not typer.confirm(f"Delete {listed} from {address} for good?", err=True):
        msg = "Nothing was deleted."
        raise CommandLineError(msg)


@command("store", "session", "memory_limit")
def export(
    command: Command,
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Its name.")],
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="The new directory, or new file in .zip.")
    ],
    file_format: Annotated[
        Format, typer.Option("--format", "-f", help="csv holds the values as text only.")
    ] = Format.PARQUET,
    overwrite: Overwrite = False,
) -> None:
    """Write a dataset as files that other programs read, one per table.

    Example: `algomancy-data export flights flights.zip --format csv -s sqlite:///data.db`
    """
    if target.exists() and not is_export(target):
        msg = f"{str(target)!r} is no dataset that was exported, so it stays. Give another name."
        raise CommandLineError(msg)
    replaces = check_target(target, overwrite=overwrite)
    with command.opened() as manager, shown_progress(command.output):
        data = manager.require_data(dataset)
        path = export_dataset(data, target, file_format.value, overwrite=replaces)
    command.output.result(
        {
            **command.address.to_dict(),
            "dataset": dataset,
            "path": str(path),
            "format": file_format,
        },
        f"Exported {dataset!r} to {path}.",
    )


@command("store", "session")
def verify(
    command: Command,
    datasets: Annotated[
        list[str] | None, typer.Argument(metavar="DATASETS", help="Their names. Else: all.")
    ] = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Remove what provably belongs to no dataset, and name it."),
    ] = False,
) -> None:
    """Compare a store with what was written to it, and look for what belongs to no dataset.

    In a database: rows and columns of each table, payloads, the file of SQLite, tables of the
    session that are in no catalogue. In a folder: a check sum of every file. Damage is never
    repaired: restore a backup, or load the dataset again.

    Example: `algomancy-data verify --repair --store sqlite:///data.db`
    """
    with command.opened() as manager:
        names = datasets or manager.get_data_keys()
        damages = (
            [one for name in datasets for one in manager.verify(name)]
            if datasets
            else manager.verify()
        )
        if isinstance(manager, StatefulDataManager) and not datasets:
            damages += (Damage("", item, str(error)) for item, error in manager.startup_errors)
        removed = manager.clear_leftovers() if repair else []
        leftovers = manager.leftovers()
    rows = [
        *(("damaged", one.dataset, one.path, one.problem) for one in damages),
        *(("removed", "", one.path, one.what) for one in removed),
        *(
            ("leftover" if one.is_proven else "left alone", "", one.path, one.what)
            for one in leftovers
        ),
    ]
    can_repair = any(one.is_proven for one in leftovers)
    command.output.result(
        {
            **command.address.to_dict(),
            "datasets": names,
            "damages": [asdict(one) for one in damages],
            "leftovers": [asdict(one) for one in leftovers],
            "removed": [asdict(one) for one in removed],
        },
        *([Grid.from_rows(("state", "dataset", "where", "what"), rows), ""] if rows else []),
        f"{counted(len(names), 'dataset')} verified, {counted(len(damages), 'damage')}, "
        f"{counted(len(leftovers), 'leftover')}, {len(removed)} removed."
        f"{' Remove the leftovers with --repair.' if can_repair else ''}",
        exit_code=REFUSED if damages or can_repair else DONE,
    )
