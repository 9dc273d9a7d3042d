"""``algomancy-data ls``: which datasets there are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from algomancy_data.cli import options
from algomancy_data.cli.declarations import making
from algomancy_data.cli.output import UNKNOWN, Output, moment, size, table
from algomancy_data.cli.running import running
from algomancy_data.cli.settings import Settings
from algomancy_data.cli.stores import Place, opened, sessions
from algomancy_data.errors import CommandLineError

if TYPE_CHECKING:
    from algomancy_data.store.summary import DatasetSummary


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
        output.problems(one for _, one in found)
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
        (one.name, one.ds_type or UNKNOWN, moment(one.creation_datetime), *_extent(one))
        for _, one in found
    ]
    if any(one.problem for _, one in found):
        columns = (*columns, "state")
        states = ("damaged" if one.problem else "" for _, one in found)
        rows = [(*row, state) for row, state in zip(rows, states, strict=True)]
    if with_session:
        columns = ("session", *columns)
        rows = [(name, *row) for (name, _), row in zip(found, rows, strict=True)]
    return table(columns, rows, right=("tables", "rows", "size"))


def _extent(one: DatasetSummary) -> tuple[object, object, str]:
    if one.problem and not one.tables:
        return UNKNOWN, UNKNOWN, UNKNOWN
    return len(one.tables), one.rows, size(one.bytes)


def _described(place: Place, session: str, one: DatasetSummary) -> dict[str, Any]:
    is_unknown = bool(one.problem and not one.tables)
    tables = {
        name: {"rows": table.rows, "bytes": table.bytes} for name, table in one.tables.items()
    }
    return {
        "session": session if place.is_database else None,
        "name": one.name,
        "id": one.ds_id or None,
        "type": one.ds_type or None,
        "created": one.creation_datetime and one.creation_datetime.isoformat(),
        "rows": None if is_unknown else one.rows,
        "bytes": None if is_unknown else one.bytes,
        "tables": None if is_unknown else tables,
        "problem": one.problem or None,
    }
