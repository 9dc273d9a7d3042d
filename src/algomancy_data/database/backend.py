"""How each kind of database keeps frames: one folder per kind, the same names in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data.database.portable.bulk import RowBulk, TextBulk
from algomancy_data.database.portable.table_storage import (
    PortablePostgreSQLStorage,
    PortableSQLiteStorage,
)
from algomancy_data.database.postgresql.bulk import PostgreSQLBulk
from algomancy_data.database.postgresql.table_storage import PostgreSQLStorage
from algomancy_data.database.sqlite.bulk import SQLiteBulk
from algomancy_data.database.sqlite.table_storage import SQLiteStorage

if TYPE_CHECKING:
    import sqlalchemy as sa

    from algomancy_data.database.table_storage import TableStorage

__all__ = ["storage_for"]


def storage_for(engine: sa.Engine) -> TableStorage:
    """Return how the engine's database keeps frames.

    Args:
        engine: An engine from :func:`algomancy_data.database.engines.store_engine`.
    """
    match engine.dialect.name, engine.dialect.driver:
        case "sqlite", "adbc":
            return SQLiteStorage(SQLiteBulk())
        case "sqlite", _:
            return PortableSQLiteStorage(RowBulk())
        case _, "adbc":
            return PostgreSQLStorage(PostgreSQLBulk())
        case _:
            return PortablePostgreSQLStorage(TextBulk())
