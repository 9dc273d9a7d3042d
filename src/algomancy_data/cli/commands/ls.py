"""``algomancy-data ls``: which datasets there are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from algomancy_data.cli import options
from algomancy_data.cli.declarations import making
from algomancy_data.cli.output import Output, size, table
from algomancy_data.cli.running import running
from algomancy_data.cli.settings import Settings
from algomancy_data.cli.stores import Place, opened, sessions
from algomancy_data.errors import CommandLineError

if TYPE_CHECKING:
    from algomancy_data.datamanager.inspection import DatasetSummary


def ls(
    store: options.Store = None,
    session: options.Session = None,
    all_sessions: Annotated[
        bool, typer.Option("--all-sessions", "-a", help="Of a database, not of one session only.")
    ] = False,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """List the datasets of a store.

    Example: `algomancy-data ls --store sqlite:///data.db --session demo`
    """
    with running("ls", as_json=as_json, verbose=verbose) as output:
        settings = Settings({"store": store, "session": session})
        place = Place(settings.require("store"), settings.session)
        if all_sessions and not place.is_database:
            msg = "A folder has no sessions: leave --all-sessions out."
            raise CommandLineError(msg)
        names = sessions(place) if all_sessions else [place.session]
        made = making(settings)
        found: list[tuple[str, DatasetSummary]] = []
        for name in names:
            with opened(replace(place, session=name), output, made) as manager:
                found += ((name, one) for one in manager.summaries())
        if not found and place.is_database:
            _hint(place, output)
        output.result(
            {**place.describe(), "datasets": [_described(place, *one) for one in found]},
            _listing(found, with_session=all_sessions),
        )


def _hint(place: Place, output: Output) -> None:
    others = [repr(name) for name in sessions(place)]
    if others:
        output.note(
            f"Session {place.session!r} has no datasets. There are some in {', '.join(others)}: "
            f"choose one with --session."
        )


def _listing(found: list[tuple[str, DatasetSummary]], *, with_session: bool) -> Any:
    if not found:
        return "No datasets."
    columns = ("dataset", "type", "created", "tables", "rows", "size")
    rows = [
        (
            one.name,
            one.ds_type,
            f"{one.creation_datetime:%Y-%m-%d %H:%M}",
            len(one.tables),
            one.rows,
            size(one.bytes),
        )
        for _, one in found
    ]
    if with_session:
        columns = ("session", *columns)
        rows = [(name, *row) for (name, _), row in zip(found, rows, strict=True)]
    return table(columns, rows, right=("tables", "rows", "size"))


def _described(place: Place, session: str, one: DatasetSummary) -> dict[str, Any]:
    return {
        "session": session if place.is_database else None,
        "name": one.name,
        "id": one.ds_id,
        "type": one.ds_type,
        "created": one.creation_datetime.isoformat(),
        "rows": one.rows,
        "bytes": one.bytes,
        "tables": {
            name: {"rows": table.rows, "bytes": table.bytes} for name, table in one.tables.items()
        },
    }
