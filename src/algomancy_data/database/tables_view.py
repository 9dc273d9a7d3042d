"""The view ``algomancy_tables``, which tells everyone what each table holds."""

from __future__ import annotations

from typing import Final, NamedTuple

import sqlalchemy as sa

from algomancy_data.database.backend import backend_for

TABLES_VIEW: Final = "algomancy_tables"

_OURS: Final = "algomancy-data: what tables there are"
VERSION: Final = f"{_OURS}, 1"
"""What the view says of itself, in a comment."""


class TablesView(NamedTuple):
    """How a kind of database makes the view.

    Args:
        found: A query for what the database keeps of the view ``:view``: its statement or comment.
        current: What that is, if the view is as these statements make it.
        statements: Make the view, or make it anew.
    """

    found: str
    current: str
    statements: tuple[str, ...]


def must_be_made(connection: sa.Connection) -> bool:
    """Tell whether there is no such view, or one that this package made otherwise.

    What somebody else called so is left as it is.
    """
    view = backend_for(connection).tables_view
    found = connection.scalar(sa.text(view.found), {"view": TABLES_VIEW})
    return found is None or (_OURS in found and found != view.current)


def make_view(connection: sa.Connection) -> None:
    """Make the view, or make it anew, in a transaction that excludes others who make it."""
    if must_be_made(connection):
        for statement in backend_for(connection).tables_view.statements:
            connection.exec_driver_sql(statement)
