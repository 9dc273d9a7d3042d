"""SQLite through ADBC."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import registry

from algomancy_data.database.backend import Backend
from algomancy_data.database.sqlite.bulk import SQLiteBulk
from algomancy_data.database.sqlite.dbapi import MEMORY
from algomancy_data.database.sqlite.engine import file_engine, is_replaced, why_unopened
from algomancy_data.database.sqlite.table_storage import SQLiteStorage
from algomancy_data.database.sqlite.tables_view import VIEW

if TYPE_CHECKING:
    from algomancy_data.database.table_storage import TableStorage
    from algomancy_data.database.tables_view import TablesView

__all__ = ["SQLite"]


class SQLite(Backend):
    """SQLite through ADBC."""

    name = "sqlite"
    driver = "adbc"
    title = "SQLite"
    example = "sqlite:///data.db"
    asks_password = False
    locked = (
        "database is locked",
        "database table is locked",
        "database schema is locked",
    )
    lock_limit = "?busy_timeout=<seconds> in the URL"

    @property
    def tables_view(self) -> TablesView:
        """How the view of all tables is made."""
        return VIEW

    def table_storage(self) -> TableStorage:
        """Return how SQLite keeps frames, for one store."""
        return SQLiteStorage(SQLiteBulk())

    def as_text(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the bytes of a column, since SQLite's texts need not be UTF-8."""
        return sa.cast(column, sa.LargeBinary())

    def new_engine(self, url: sa.URL) -> sa.Engine:
        """Return an engine for all stores on a file, or one with a database in memory."""
        return sa.create_engine(url) if self.is_private(url) else file_engine(url)

    def is_private(self, url: sa.URL) -> bool:
        """Tell whether a database is in memory."""
        return url.database in {None, "", MEMORY}

    def folder(self, url: sa.URL) -> Path:
        """Return the folder in which the path of the file begins."""
        return Path() if Path(str(url.database)).is_absolute() else Path.cwd()

    def why_unopened(self, url: sa.URL) -> str:
        """Say what is wrong with the path of a file."""
        return why_unopened(Path(str(url.database)).absolute())

    def is_replaced(self, engine: sa.Engine) -> bool:
        """Tell whether the file that an engine has open has been replaced."""
        return is_replaced(engine)


# The entry point does the same for an installed package; this serves a bare checkout.
registry.register("sqlite.adbc", f"{__name__}.dialect", "SQLiteADBCDialect")
