"""Cursors of ADBC's drivers on the connections of SQLAlchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import sqlalchemy as sa


def query_text(connection: sa.Connection, query: sa.Select[Any]) -> str:
    """Return a query as a driver takes it, with its values in it."""
    return str(query.compile(connection.engine, compile_kwargs={"literal_binds": True}))


def arrow_cursor(connection: sa.Connection, settings: Mapping[str, str] | None = None) -> Any:
    """Return a cursor for Arrow data on the connection's own transaction.

    Args:
        connection: The connection.
        settings: The driver's options for what the cursor does.
    """
    return connection.connection.cursor(adbc_stmt_kwargs=settings or {})
