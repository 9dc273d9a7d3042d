"""Tables and payloads that go with rows of the catalogue which others delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event

from algomancy_data.database.backend import backend_for
from algomancy_data.database.catalogue import OURS
from algomancy_data.database.datasets import Datasets
from algomancy_data.database.models import datasets_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def drop_with_rows(engine: sa.Engine) -> None:
    """Drop the tables and the payload of each dataset whose row is deleted through an engine.

    The framework's SessionManager ends a session by ``datasets_table.delete()``, and then drops the
    tables that begin with the session's name made plain, which ours do not: they have it as it is.

    That is done in the same transaction, and noticed if the statement is one of ``datasets_table``.
    """
    if not event.contains(engine, "before_execute", _drop_content):
        event.listen(engine, "before_execute", _drop_content)


def _drop_content(
    connection: sa.Connection,
    statement: Any,
    many_parameters: Sequence[Mapping[str, Any]],
    parameters: Mapping[str, Any],
    options: Mapping[str, Any],
) -> None:
    if not isinstance(statement, sa.Delete) or statement.table is not datasets_table:
        return
    if options.get(OURS):
        return
    columns = datasets_table.c
    rows = sa.select(columns.session_id, columns.name)
    if statement.whereclause is not None:
        rows = rows.where(statement.whereclause)
    storage = backend_for(connection).table_storage()
    for given in many_parameters or [parameters]:
        for session, name in connection.execute(rows, given).all():
            own = Datasets(connection.engine, storage, session, verify=False)
            own.drop_content(connection, name)
