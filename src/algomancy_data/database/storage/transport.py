"""Rows between frames and tables: as Arrow, through ADBC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

    import sqlalchemy as sa


class ADBCTransport:
    """Arrow in and out, without a Python object per value."""

    def ingest(
        self, connection: sa.Connection, table: sa.Table, parts: Iterable[pl.DataFrame]
    ) -> None:
        """Append rows to a table, in order; columns go by name."""
        with _cursor(connection) as cursor:
            for part in parts:
                cursor.adbc_ingest(str(table.name), part, mode="append")

    def fetch(self, connection: sa.Connection, query: sa.Select[Any]) -> pl.DataFrame:
        """Return the rows of a query, in types that suit all of them."""
        statement = query.compile(connection.engine, compile_kwargs={"literal_binds": True})
        with _cursor(connection) as cursor:
            cursor.execute(str(statement))
            return pl.DataFrame(cursor.fetch_record_batch())


def _cursor(connection: sa.Connection) -> Any:
    """Return a cursor of the driver on the connection's own transaction."""
    return connection.connection.cursor()
