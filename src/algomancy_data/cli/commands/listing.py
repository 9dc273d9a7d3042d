"""``ls`` lists datasets; it imports no more than it needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from algomancy_data.cli.command import Command, command
from algomancy_data.cli.imports import without_numpy_and_pandas
from algomancy_data.cli.output import UNKNOWN, moment, size
from algomancy_data.cli.stores import listed, sessions
from algomancy_data.display.grid import Grid
from algomancy_data.errors import CommandLineError

if TYPE_CHECKING:
    from algomancy_data.cli.stores import StoreAddress
    from algomancy_data.store import DatasetInfo


@command("store", "session")
def ls(
    command: Command,
    all_sessions: Annotated[
        bool, typer.Option("--all-sessions", "-a", help="Of a database, not of one session only.")
    ] = False,
) -> None:
    """List the datasets of a store.

    Example: `algomancy-data ls --store sqlite:///data.db --session demo`
    """
    output = command.output
    with without_numpy_and_pandas():  # a catalogue is read by no code of a user
        address = command.address
        found = _in_database(command, all_sessions=all_sessions) if address.is_database else []
    if not address.is_database:
        if all_sessions:
            msg = "A folder has no sessions: leave --all-sessions out."
            raise CommandLineError(msg)
        with command.opened() as manager:
            found = [(address.session, one) for one in manager.describe_all()]
    if address.is_database:  # a folder's were said when it was opened
        output.problems(one for _, one in found)
    output.result(
        {**address.to_dict(), "datasets": [_listed(address, *one) for one in found]},
        _listing(found, with_session=all_sessions) if found else "No datasets.",
    )


def _in_database(command: Command, *, all_sessions: bool) -> list[tuple[str, DatasetInfo]]:
    """Return the datasets of a database with their sessions."""
    address, output = command.address, command.output
    found: list[tuple[str, DatasetInfo]] = []
    for name in sessions(address) if all_sessions else [address.session]:
        found += ((name, one) for one in listed(replace(address, session=name)))
    if not found and (others := sessions(address)):
        output.note(
            f"Session {address.session!r} has no datasets. There are some in "
            f"{', '.join(map(repr, others))}: choose one with --session."
        )
    return found


def _listing(found: list[tuple[str, DatasetInfo]], *, with_session: bool) -> Grid:
    columns = ("session", "dataset", "type", "created", "tables", "rows", "size", "state")
    rows = [
        (
            name,
            one.name,
            one.ds_type or UNKNOWN,
            moment(one.creation_datetime),
            *((UNKNOWN,) * 3 if one.has_unknown_tables else _extent(one)),
            "damaged" if one.problem else "",
        )
        for name, one in found
    ]
    grid = Grid.from_rows(columns, rows, right=("tables", "rows", "size"))
    has_state = any(one.problem for _, one in found)
    return Grid(grid.columns[not with_session : len(columns) - (not has_state)])


def _extent(one: DatasetInfo) -> tuple[int, int, str]:
    return len(one.tables), one.rows, size(one.bytes)


def _listed(address: StoreAddress, session: str, one: DatasetInfo) -> dict[str, Any]:
    tables = {
        name: {"rows": table.rows, "bytes": table.bytes} for name, table in one.tables.items()
    }
    is_unknown = one.has_unknown_tables
    return {
        "session": session if address.is_database else None,
        "name": one.name,
        "id": one.ds_id or None,
        "type": one.ds_type or None,
        "created": one.creation_datetime and one.creation_datetime.isoformat(),
        "rows": None if is_unknown else one.rows,
        "bytes": None if is_unknown else one.bytes,
        "tables": None if is_unknown else tables,
        "problem": one.problem or None,
    }
