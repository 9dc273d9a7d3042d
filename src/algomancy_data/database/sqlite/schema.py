"""SQLite's schema table, cached until it changes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, cast

from algomancy_data.database.adbc.dialect import row_cursor
from algomancy_data.database.naming import TABLE_PREFIX
from algomancy_data.database.sqlite.dbapi import SharedConnection

if TYPE_CHECKING:
    import sqlalchemy as sa

    from algomancy_data.database.sqlite.dbapi import Connection

_VERSION: Final = "PRAGMA schema_version"
_STATEMENTS: Final = (
    f"SELECT sql FROM sqlite_schema WHERE type = 'table' AND name GLOB '{TABLE_PREFIX}*'"  # noqa: S608  a word of ours
)
_SCANS: Final = 8
"""So many tables are looked for one by one before all are read: each time, SQLite reads them."""


class KnownTables:
    """The statements that created tables, in one version of the schema.

    SQLite counts the changes of its schema in the file, for all processes. In a transaction that
    only reads, the count is that of what the transaction sees.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version: int | None = None
        self._asked = 0
        self._statements: frozenset[int] | None = None

    def has(self, connection: sa.Connection, statement: str) -> bool:
        """Tell whether there is certainly a table that was created by a statement.

        Args:
            connection: A connection in a transaction.
            statement: The statement, as SQLite keeps it.

        Returns:
            Whether there is; False also if that is not known, and the table has to be looked at.
        """
        driver = cast("Connection", connection.connection.dbapi_connection)
        # What a transaction that writes sees may be undone, and the version be another's then.
        if driver.begin_mode != "DEFERRED" or isinstance(driver, SharedConnection):
            return False
        with row_cursor(connection) as cursor:
            ((version,),) = cursor.execute(_VERSION).fetchall()
        with self._lock:
            if version != self._version:
                self._version, self._asked, self._statements = version, 0, None
            self._asked += 1
            if self._statements is None and self._asked > _SCANS:
                with row_cursor(connection) as cursor:
                    rows = cursor.execute(_STATEMENTS).fetchall()
                # The texts of ten thousand tables take as much memory as a dataset.
                self._statements = frozenset(hash(text) for (text,) in rows)
            return self._statements is not None and hash(statement) in self._statements
