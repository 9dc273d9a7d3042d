"""How each kind of database keeps frames: one module per kind, the same names in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data.database.adbc.bulk import ADBCTransport, SQLiteTransport
from algomancy_data.database.portable.table_storage import (
    PortablePostgreSQLStorage,
    PortableSQLiteStorage,
    RowTransport,
    TextTransport,
)
from algomancy_data.database.postgresql.table_storage import PostgreSQLStorage
from algomancy_data.database.sqlite.table_storage import SQLiteStorage
from algomancy_data.database.table_storage import TableStorage, Transport

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["ADBCTransport", "SQLiteTransport", "TableStorage", "Transport", "storage_for"]


def storage_for(engine: sa.Engine) -> TableStorage:
    """Return how the engine's database keeps frames.

    Args:
        engine: An engine from :func:`algomancy_data.database.engines.store_engine`.
    """
    match engine.dialect.name, engine.dialect.driver:
        case "sqlite", "adbc":
            return SQLiteStorage(SQLiteTransport())
        case "sqlite", _:
            return PortableSQLiteStorage(RowTransport())
        case _, "adbc":
            return PostgreSQLStorage(ADBCTransport())
        case _:
            return PortablePostgreSQLStorage(TextTransport())
