"""How databases keep frames for engines on other drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data.database.postgresql.table_storage import PostgreSQLStorage
from algomancy_data.database.sqlite.table_storage import SQLiteStorage

if TYPE_CHECKING:
    import sqlalchemy as sa

    from algomancy_data.database.layout import TableLayout
    from algomancy_data.database.naming import TableOwner


class PortableSQLiteStorage(SQLiteStorage):
    """How SQLite keeps frames, through another driver."""

    overlaps = False
    write_isolation = "SERIALIZABLE"

    def begin_reading(self, connection: sa.Connection, session: str, dataset: str) -> None:
        """Begin the transaction, which the driver would only do at the first write."""
        del session, dataset  # the snapshot is that of the whole database
        connection.exec_driver_sql("BEGIN")

    def begin_writing(self, connection: sa.Connection, session: str, *datasets: str) -> None:
        """Take the write lock, waiting as long as the driver's limit."""
        del session, datasets  # the lock is that of the whole database
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def is_as_created(
        self, connection: sa.Connection, layout: TableLayout, owner: TableOwner
    ) -> bool:
        """Return False, since it is unknown whether a transaction of this driver writes."""
        del connection, layout, owner
        return False

    def reader_engine(self, engine: sa.Engine) -> sa.Engine | None:
        """Return None: one connection at a time is what the user's engine is asked for."""
        del engine


class PortablePostgreSQLStorage(PostgreSQLStorage):
    """How PostgreSQL keeps frames, through another driver."""

    overlaps = False

    def begin_reading(self, connection: sa.Connection, session: str, dataset: str) -> None:
        """Keep others from changing a dataset, and get texts in the form that is parsed."""
        super().begin_reading(connection, session, dataset)
        connection.exec_driver_sql("SET LOCAL DateStyle = 'ISO, YMD'")
        connection.exec_driver_sql("SET LOCAL TimeZone = 'UTC'")
        connection.exec_driver_sql("SET LOCAL extra_float_digits = 1")

    def reader_engine(self, engine: sa.Engine) -> sa.Engine | None:
        """Return None: one connection at a time is what the user's engine is asked for."""
        del engine

    @property
    def row_access(self) -> None:
        """None, since rows added by other statements than COPY need not be in order."""

    @property
    def table_parts(self) -> None:
        """None, since workers would need connections of the user's driver."""
