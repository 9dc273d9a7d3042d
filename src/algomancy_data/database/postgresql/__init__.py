"""PostgreSQL through ADBC.

Its modules are imported when a store is on PostgreSQL, so users of SQLite need not wait for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import registry

from algomancy_data.database.backend import Backend
from algomancy_data.database.models import payload_chunks_table

if TYPE_CHECKING:
    from algomancy_data.database.table_storage import TableStorage
    from algomancy_data.database.tables_view import TablesView

__all__ = ["PostgreSQL"]

_TIME_FORMAT: Final = "YYYY-MM-DD HH24:MI:SS.US"


class PostgreSQL(Backend):
    """PostgreSQL through ADBC."""

    name = "postgresql"
    aliases = ("postgres",)
    driver = "adbc"
    title = "PostgreSQL"
    example = "postgresql://host/name"
    locked = ("canceling statement due to lock timeout",)
    lock_limit = "?options=-c%20lock_timeout%3D<seconds>s in the URL"
    read_only = "SET TRANSACTION READ ONLY"

    @property
    def tables_view(self) -> TablesView:
        """How the view of all tables is made."""
        from algomancy_data.database.postgresql.tables_view import VIEW  # noqa: PLC0415  with a store

        return VIEW

    def table_storage(self) -> TableStorage:
        """Return how PostgreSQL keeps frames, for one store."""
        from algomancy_data.database.postgresql.bulk import PostgreSQLBulk  # noqa: PLC0415  with a store
        from algomancy_data.database.postgresql.table_storage import (  # noqa: PLC0415  with a store
            PostgreSQLStorage,
        )

        return PostgreSQLStorage(PostgreSQLBulk())

    def as_text(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return a column as text, with moments independent of the session."""
        if isinstance(column.type, sa.DateTime):
            return sa.func.to_char(column, _TIME_FORMAT)
        return sa.cast(column, sa.Text())

    def new_engine(self, url: sa.URL) -> sa.Engine:
        """Return an engine for all stores on a database."""
        from algomancy_data.database.postgresql.engine import server_engine  # noqa: PLC0415  with a store

        return server_engine(url)


# PostgreSQL would try to compress each chunk: writing took six times as long.
event.listen(
    payload_chunks_table,
    "after_create",
    sa.DDL("ALTER TABLE %(fullname)s ALTER COLUMN chunk SET STORAGE EXTERNAL").execute_if(
        dialect="postgresql"
    ),
)
# The entry point does the same for an installed package; this serves a bare checkout.
registry.register("postgresql.adbc", f"{__name__}.dialect", "PostgreSQLADBCDialect")
