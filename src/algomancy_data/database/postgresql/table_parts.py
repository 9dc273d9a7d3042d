"""Parts of PostgreSQL's tables, which become children, like tables of added rows."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import sqlalchemy as sa

from algomancy_data.database.naming import read_owner
from algomancy_data.database.postgresql.row_access import CHILD_PREFIX
from algomancy_data.database.table_parts import TableParts

if TYPE_CHECKING:
    from algomancy_data.database.layout import TableLayout
    from algomancy_data.database.naming import TableOwner
    from algomancy_data.database.table_storage import TableStorage

_KEY_BYTES: Final = 8


class PostgreSQLParts(TableParts):
    """Identifies a write by a random number, on which its transaction holds a lock."""

    def begin(self, connection: sa.Connection) -> str:
        """Begin a write, which lasts until the transaction ends; return its name."""
        write = secrets.token_hex(_KEY_BYTES)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_key(write))))
        return write

    def is_going_on(self, connection: sa.Connection, write: str) -> bool:
        """Tell whether a write is still going on."""
        lock = sa.func.pg_try_advisory_xact_lock_shared(_key(write))
        return not connection.scalar(sa.select(lock))

    def new_name(self, write: str) -> str:
        """Return a name for another part of a write."""
        return f"{CHILD_PREFIX}{write}_{uuid4().hex[:12]}"

    def publish(self, connection: sa.Connection, storage: TableStorage, table: TableLayout) -> None:
        """Make parts the children of a table, as its layout says."""
        names = connection.dialect.identifier_preparer
        parent = names.format_table(storage.table_of(table))
        for child in table.children:
            part = names.format_table(storage.table_of(table, child.physical))
            connection.exec_driver_sql(f"ALTER TABLE {part} INHERIT {parent}")

    def unpublished(
        self, connection: sa.Connection, write: str | None = None
    ) -> dict[str, TableOwner]:
        """Return the parts that are not yet children of a table, with their owners."""
        query = sa.text(
            "SELECT relname::text AS name, substr(relname::text, :start, 16) AS write, "
            "obj_description(oid, 'pg_class') AS owner FROM pg_class "
            "WHERE relkind = 'r' AND relname::text ~ :pattern "
            "AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = pg_class.oid) "
            "AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) "
            "ORDER BY relname"
        )
        asked = {
            "start": len(CHILD_PREFIX) + 1,
            "pattern": f"^{CHILD_PREFIX}{write or '[0-9a-f]{16}'}_[0-9a-f]{{12}}$",
        }
        rows = connection.execute(query, asked).all()
        going_on = (
            {one for one in {row.write for row in rows} if self.is_going_on(connection, one)}
            if write is None
            else set[str]()
        )
        owners = {row.name: read_owner(row.owner) for row in rows if row.write not in going_on}
        return {name: owner for name, owner in owners.items() if owner is not None}


def _key(write: str) -> sa.ColumnElement[Any]:
    number = int.from_bytes(bytes.fromhex(write), signed=True)
    return sa.literal(number, sa.BigInteger())
