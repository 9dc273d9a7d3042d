"""``algomancy-data derive``: a copy of a dataset under another name."""

from __future__ import annotations

from typing import Annotated

import typer

from algomancy_data.cli import options
from algomancy_data.cli.declarations import making
from algomancy_data.cli.progress import shown_progress
from algomancy_data.cli.running import running
from algomancy_data.cli.settings import Settings
from algomancy_data.cli.stores import Place, opened
from algomancy_data.display.terminal_table import plain


def derive(
    existing: Annotated[str, typer.Argument(metavar="DATASET", help="Name of the dataset.")],
    derived: Annotated[str, typer.Argument(metavar="NEW", help="Name of the copy.")],
    store: options.Store = None,
    session: options.Session = None,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Keep a copy of a dataset under another name, as derived data.

    A database copies its tables by itself, and a folder shares the files.

    Example: `algomancy-data derive flights 'what if' --store sqlite:///data.db`
    """
    with running("derive", as_json=as_json, verbose=verbose) as output:
        settings = Settings({"store": store, "session": session})
        place = Place(settings.require("store"), settings.session)
        with opened(place, output, making(settings)) as manager, shown_progress(output):
            manager.derive_data(existing, derived)
        output.result(
            {**place.describe(), "dataset": derived, "derived_from": existing},
            plain(f"Derived {derived!r} from {existing!r}."),
        )
