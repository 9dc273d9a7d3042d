"""``algomancy-data copy``: datasets from one store or session to another."""

from __future__ import annotations

from typing import Annotated

import typer

from algomancy_data.cli import options
from algomancy_data.cli.declarations import making
from algomancy_data.cli.running import running
from algomancy_data.cli.settings import Setting, Settings
from algomancy_data.cli.stores import Place, opened
from algomancy_data.cli.transfer import show, transfer
from algomancy_data.errors import CommandLineError, DatasetNotFoundError


def copy(
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
    store: options.Store = None,
    session: options.Session = None,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Copy datasets to another store, or to another session of the same database.

    Each is written, read again and compared before it counts as copied. One that is there already,
    identical, is not written again; another one of the same name is left alone, and counts as
    failed. To copy under another name, see `derive`.

    Example: `algomancy-data copy flights --to sqlite:///other.db -s sqlite:///data.db`
    """
    with running("copy", as_json=as_json, verbose=verbose) as output:
        settings = Settings({"store": store, "session": session})
        source = Place(settings.require("store"), settings.session)
        other = source.setting if to is None else Setting(to, "--to", is_flag=True)
        target = Place(other, to_session or settings.session)
        if source == target:
            msg = "That is the same store: give --to, or --to-session for a database."
            raise CommandLineError(msg)
        made = making(settings)
        with (
            opened(source, output, made) as here,
            opened(target, output, made, may_create=True) as there,
        ):
            known = here.get_data_keys()
            for name in datasets or ():
                if name not in known:
                    raise DatasetNotFoundError.from_available(name, known)
            outcome = transfer(here, there, output, datasets or None)
        show(output, source, target, outcome)
