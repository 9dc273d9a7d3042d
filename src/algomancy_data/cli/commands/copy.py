"""Datasets from one store to another, with a word about each: ``copy`` and ``migrate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from algomancy_data import datamanager
from algomancy_data.cli.command import Command, command
from algomancy_data.cli.configuration import Setting
from algomancy_data.cli.running import DONE, REFUSED
from algomancy_data.cli.stores import StoreAddress
from algomancy_data.datamanager import Migration, StatefulDataManager
from algomancy_data.display.grid import Grid
from algomancy_data.display.words import counted
from algomancy_data.errors import CommandLineError, DatasetNotFoundError
from algomancy_data.masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from algomancy_data.cli.output import Output
    from algomancy_data.datamanager import DataManager


@command("store", "session")
def copy(
    command: Command,
    datasets: Annotated[
        list[str] | None, typer.Argument(metavar="DATASETS", help="Their names. Else: all.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="STORE", help="The other store. Else: the same.", show_default=False
        ),
    ] = None,
    to_session: Annotated[
        str | None,
        typer.Option(
            "--to-session",
            metavar="NAME",
            help="The session there. Else: one of the same name.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Copy datasets to another store, or to another session of the same database.

    Each is written, read again and compared before it counts as copied. One that is there already,
    identical, is not written again; another one of the same name is left alone, and counts as
    failed. To copy under another name, see `derive`.

    Example: `algomancy-data copy flights --to sqlite:///other.db -s sqlite:///data.db`
    """
    source = command.address
    other = source.setting if to is None else Setting(to, "--to", is_flag=True)
    target = StoreAddress(other, to_session or source.session)
    if to_session is not None and not target.is_database:
        msg = f"{target} is a folder, which has no sessions: leave --to-session out."
        raise CommandLineError(msg)
    if source.place == target.place:
        msg = "That is the same store: give --to, or --to-session for a database."
        raise CommandLineError(msg)
    _transfer(command, source, target, datasets or None)


@command("session", "schemas")
def migrate(
    command: Command,
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Where the datasets are.")],
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL", help="The database: sqlite:///data.db or postgresql://host/name."
        ),
    ],
) -> None:
    """Copy the datasets of a folder, of this package or of the pandas one, into a database.

    Each is written, read again and compared before it counts as copied. Nothing is deleted from
    the folder. Run it again after an interruption: it skips the datasets that were copied.
    Schemas are needed only for datasets that are raw files in directories.

    Example: `algomancy-data migrate data sqlite:///data.db --session demo`
    """
    source = StoreAddress(Setting(folder, "FOLDER"))
    target = StoreAddress(Setting(url, "URL", is_flag=True), command.settings.session)
    if source.is_database or not target.is_database:
        msg = "migrate copies a FOLDER into the database at a URL. For other stores: copy."
        raise CommandLineError(msg)
    _transfer(command, source, target)


def _transfer(
    command: Command,
    source: StoreAddress,
    target: StoreAddress,
    names: Iterable[str] | None = None,
) -> None:
    """Copy the named datasets, or all; the exit code says if one failed."""
    with (
        command.opened(source) as here,
        command.opened(target, may_create=True) as there,
    ):
        known = here.get_data_keys()
        if not known:
            command.output.note(f"There are no datasets in {source}.")
        for name in names or ():
            if name not in known:
                raise DatasetNotFoundError.from_available(name, known)
        outcome = _copied(here, there, command.output, names)
    failed = {name: mask(str(error)) for name, error in outcome.failed.items()}
    rows = [
        *((name, "copied", "") for name in outcome.copied),
        *((name, "already there", "") for name in outcome.already_there),
        *((name, "failed", why) for name, why in failed.items()),
    ]
    command.output.result(
        {
            "from": source.to_dict(),
            "to": target.to_dict(),
            "copied": list(outcome.copied),
            "already_there": list(outcome.already_there),
            "failed": failed,
        },
        *([Grid.from_rows(("dataset", "outcome", "why"), rows)] if rows else []),
        f"{counted(len(outcome.copied), 'dataset')} copied, {len(outcome.already_there)} already "
        f"there, {len(failed)} failed.",
        exit_code=DONE if outcome.is_complete else REFUSED,
    )


def _copied(
    source: DataManager[Any],
    target: DataManager[Any],
    output: Output,
    names: Iterable[str] | None,
) -> Migration:
    """Copy datasets one by one, and report on each.

    Without names it is all, and what the source could not read counts as failed.
    """
    copied: list[str] = []
    there: list[str] = []
    failed: dict[str, Exception] = {}
    if names is None and isinstance(source, StatefulDataManager):
        failed.update(source.startup_errors)
    wanted = list(source.get_data_keys() if names is None else names)
    for number, name in enumerate(wanted, 1):
        one = datamanager.migrate(source, target, [name])
        source.refresh()
        copied += one.copied
        there += one.already_there
        failed |= one.failed
        outcome = "copied" if one.copied else "already there" if one.already_there else "failed"
        output.note(f"{number} of {len(wanted)}: {name}: {outcome}")
    return Migration(tuple(copied), tuple(there), failed)
