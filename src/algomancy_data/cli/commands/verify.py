"""``algomancy-data verify``: whether a store is what was written to it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from algomancy_data.cli import options
from algomancy_data.cli.declarations import making
from algomancy_data.cli.output import table
from algomancy_data.cli.running import DONE, REFUSED, running
from algomancy_data.cli.settings import Settings
from algomancy_data.cli.stores import Place, opened
from algomancy_data.datamanager import StatefulDataManager
from algomancy_data.display.terminal_table import plain
from algomancy_data.display.words import counted
from algomancy_data.store.integrity import Damage


def verify(
    datasets: Annotated[
        list[str] | None, typer.Argument(metavar="DATASETS", help="Their names. Else: all.")
    ] = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Remove what provably belongs to no dataset, and name it."),
    ] = False,
    store: options.Store = None,
    session: options.Session = None,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Compare a store with what was written to it, and look for what belongs to no dataset.

    In a database: rows and columns of each table, payloads, the file of SQLite, tables of the
    session that are in no catalogue. In a folder: a check sum of every file. Damage is never
    repaired: restore a backup, or load the dataset again.

    Example: `algomancy-data verify --repair --store sqlite:///data.db`
    """
    with running("verify", as_json=as_json, verbose=verbose) as output:
        settings = Settings({"store": store, "session": session})
        place = Place(settings.require("store"), settings.session)
        with opened(place, output, making(settings)) as manager:
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
        hint = " Remove the leftovers with --repair." if can_repair else ""
        is_clean = not damages and not can_repair
        output.result(
            {
                **place.describe(),
                "datasets": names,
                "damages": [asdict(one) for one in damages],
                "leftovers": [asdict(one) for one in leftovers],
                "removed": [asdict(one) for one in removed],
            },
            *([table(("state", "dataset", "where", "what"), rows), ""] if rows else []),
            plain(
                f"{counted(len(names), 'dataset')} verified, {counted(len(damages), 'damage')}, "
                f"{counted(len(leftovers), 'leftover')}, {len(removed)} removed.{hint}"
            ),
            exit_code=DONE if is_clean else REFUSED,
        )
