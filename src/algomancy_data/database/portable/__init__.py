"""Engines on other drivers: rows as Python objects, on the engine's own connection.

Exact but slow, for users who must bring their own engine: a second driver beside theirs on one
SQLite file would lose data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from algomancy_data.database.postgresql import PostgreSQL
from algomancy_data.database.sqlite import SQLite

if TYPE_CHECKING:
    from algomancy_data.database.table_storage import TableStorage

__all__ = ["PortablePostgreSQL", "PortableSQLite"]


class PortableSQLite(SQLite):
    """SQLite through another driver."""

    driver = None
    lock_limit = "the driver's own timeout, such as connect_args={'timeout': <seconds>}"

    def table_storage(self) -> TableStorage:
        """Return how SQLite keeps frames, for one store."""
        from algomancy_data.database.portable.bulk import RowBulk  # noqa: PLC0415  with a store
        from algomancy_data.database.portable.table_storage import (  # noqa: PLC0415  with a store
            PortableSQLiteStorage,
        )

        return PortableSQLiteStorage(RowBulk())

    def new_engine(self, url: sa.URL) -> sa.Engine:
        """Return an engine as the driver wants it."""
        return sa.create_engine(url)


class PortablePostgreSQL(PostgreSQL):
    """PostgreSQL through another driver."""

    driver = None
    lock_limit = "lock_timeout, such as connect_args={'options': '-c lock_timeout=<seconds>s'}"

    def table_storage(self) -> TableStorage:
        """Return how PostgreSQL keeps frames, for one store."""
        from algomancy_data.database.portable.bulk import TextBulk  # noqa: PLC0415  with a store
        from algomancy_data.database.portable.table_storage import (  # noqa: PLC0415  with a store
            PortablePostgreSQLStorage,
        )

        return PortablePostgreSQLStorage(TextBulk())

    def new_engine(self, url: sa.URL) -> sa.Engine:
        """Return an engine as the driver wants it."""
        return sa.create_engine(url)
