"""``algomancy-data migrate``: out of a folder, into a database."""

from __future__ import annotations

from typing import Annotated

import typer

from algomancy_data.cli import options
from algomancy_data.cli.declarations import making
from algomancy_data.cli.running import running
from algomancy_data.cli.settings import Setting, Settings
from algomancy_data.cli.stores import Place, opened
from algomancy_data.cli.transfer import show, transfer
from algomancy_data.errors import CommandLineError


def migrate(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Where the datasets are.")],
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL", help="The database: sqlite:///data.db or postgresql://host/name."
        ),
    ],
    session: options.Session = None,
    schemas: options.Schemas = None,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Copy the datasets of a folder, of this package or of the pandas one, into a database.

    Each is written, read again and compared before it counts as copied. Nothing is deleted from
    the folder. Run it again after whatever ended it: what is there already is not written again.
    Schemas are needed only for datasets that are raw files in directories.

    Example: `algomancy-data migrate data sqlite:///data.db --session demo`
    """
    with running("migrate", as_json=as_json, verbose=verbose) as output:
        settings = Settings({"session": session, "schemas": schemas})
        source = Place(Setting(folder, "FOLDER"))
        target = Place(Setting(url, "URL", is_flag=True), settings.session)
        if source.is_database or not target.is_database:
            msg = "migrate copies a FOLDER into the database at a URL. For other stores: copy."
            raise CommandLineError(msg)
        made = making(settings)
        with (
            opened(source, output, made) as old,
            opened(target, output, made, may_create=True) as new,
        ):
            outcome = transfer(old, new, output)
        show(output, source, target, outcome)
