"""``algomancy-data rm``: datasets are deleted."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from algomancy_data.cli import options
from algomancy_data.cli.declarations import making
from algomancy_data.cli.running import running
from algomancy_data.cli.settings import Settings
from algomancy_data.cli.stores import Place, opened
from algomancy_data.display.terminal_table import plain
from algomancy_data.errors import CommandLineError, DatasetNotFoundError


def rm(
    datasets: Annotated[list[str], typer.Argument(metavar="DATASETS", help="Their names.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    keep_master_data: Annotated[
        bool, typer.Option("--keep-master-data", help="Refuse to delete master data.")
    ] = False,
    store: options.Store = None,
    session: options.Session = None,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Delete datasets for good.

    On a terminal it asks first. Elsewhere --yes must be given.

    Example: `algomancy-data rm 'what if' --yes --store sqlite:///data.db`
    """
    with running("rm", as_json=as_json, verbose=verbose) as output:
        settings = Settings({"store": store, "session": session})
        place = Place(settings.require("store"), settings.session)
        with opened(place, output, making(settings)) as manager:
            known = manager.get_data_keys()
            for name in datasets:
                if name not in known:  # before any is deleted
                    raise DatasetNotFoundError.from_available(name, known)
            names = list(dict.fromkeys(datasets))
            _make_sure(names, place, yes=yes)
            for name in names:
                manager.delete_data(name, prevent_masterdata_removal=keep_master_data)
        output.result(
            {**place.describe(), "deleted": names},
            *(plain(f"Deleted {name!r}.") for name in names),
        )


def _make_sure(names: list[str], place: Place, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        msg = "Nobody can be asked here: add --yes to delete for good."
        raise CommandLineError(msg)
    listed = ", ".join(map(repr, names))
    if not typer.confirm(f"Delete {listed} from {place} for good?", err=True):
        msg = "Nothing was deleted."
        raise CommandLineError(msg)
