"""What SQLAlchemy's dialects, engines and cursors over ADBC have in common."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import sqlalchemy as sa
from adbc_driver_manager import Error
from sqlalchemy.engine.default import DefaultDialect, DefaultExecutionContext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext

    from algomancy_data.database.adbc.dbapi import Connection, RowCursor


__all__ = [
    "ADBCDialect",
    "ADBCExecutionContext",
    "arrow_cursor",
    "only_row",
    "pooled_engine",
    "query_text",
    "row_cursor",
]

# A text with RETURNING somewhere may have a result.
_CHANGES_ROWS: Final = re.compile(
    r"\s*(INSERT|UPDATE|DELETE|MERGE)\b(?!.*\bRETURNING\b)", re.IGNORECASE | re.DOTALL
)


_NUMBERED: Final[Mapping[str, Any]] = {"qmark": "numeric", "numeric_dollar": "numeric_dollar"}


class ADBCExecutionContext(DefaultExecutionContext):
    """Executes statements with cursors for rows."""

    def create_default_cursor(self) -> DBAPICursor:
        """Return a cursor for rows."""
        connection = cast("Connection", self._dbapi_connection.dbapi_connection)
        return cast("DBAPICursor", connection.row_cursor())

    def changes_rows(self, statement: str) -> bool:
        """Return whether a statement changes rows, and has no result.

        The drivers count changed rows only for statements that are executed as such.
        """
        # Beside its own statement, an INSERT may execute the defaults of its columns.
        if statement == getattr(self, "statement", None) and (
            self.isinsert or self.isupdate or self.isdelete
        ):
            return not cast("Any", self.compiled).effective_returning
        return _CHANGES_ROWS.match(statement) is not None


class ADBCDialect(DefaultDialect):
    """What all dialects over ADBC have in common."""

    driver = "adbc"
    supports_statement_cache = True
    supports_sane_rowcount = True
    supports_sane_multi_rowcount = False
    execution_ctx_cls = ADBCExecutionContext

    def detect_autocommit_setting(self, dbapi_conn: Any) -> bool:
        """Return whether each statement is on its own."""
        return cast("Connection", dbapi_conn).autocommit

    def on_connect(self) -> Callable[[Any], None] | None:
        """Return nothing: :meth:`connect` sets connections up."""
        return None

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begin a transaction at the connection's isolation level."""
        dbapi_connection.begin()

    def do_close(self, dbapi_connection: Any) -> None:
        """Close a connection; errors of a broken one are of no use.

        SQLAlchemy would print it with a traceback. It is tried again when the connection is
        collected.
        """
        with suppress(Error):
            dbapi_connection.close()

    def do_terminate(self, dbapi_connection: Any) -> None:
        """Close a connection that failed, also if one Ctrl-C comes twice (upstream.md).

        SQLAlchemy would print the second one with a traceback.
        """
        was_interrupted = isinstance(sys.exc_info()[1], KeyboardInterrupt)
        while True:
            try:
                self.do_close(dbapi_connection)
            except KeyboardInterrupt:
                if was_interrupted:
                    continue
                raise
            return

    def do_execute(
        self,
        cursor: DBAPICursor,
        statement: str,
        parameters: Any,
        context: ExecutionContext | None = None,
    ) -> None:
        """Execute a statement so that its rows can be counted."""
        if isinstance(context, ADBCExecutionContext) and context.changes_rows(statement):
            cast("RowCursor", cursor).execute_update(statement, parameters)
        else:
            cursor.execute(statement, parameters)

    def get_default_isolation_level(self, dbapi_conn: Any) -> Any:
        """Return the level of a new connection."""
        return self.get_isolation_level(dbapi_conn)


def query_text(connection: sa.Connection, query: sa.Select[Any] | str) -> str:
    """Return a query with its values as literals, as drivers take it."""
    if isinstance(query, str):
        return query
    return str(query.compile(connection.engine, compile_kwargs={"literal_binds": True}))


def arrow_cursor(connection: sa.Connection, settings: Mapping[str, str] | None = None) -> Any:
    """Return a cursor for Arrow data on the connection's own transaction.

    Args:
        connection: The connection.
        settings: The driver's options for what the cursor does.
    """
    return connection.connection.cursor(adbc_stmt_kwargs=settings or {})


def row_cursor(connection: sa.Connection, settings: Mapping[str, str] | None = None) -> RowCursor:
    """Return a cursor for rows on the connection's own transaction; it also takes Arrow data.

    Args:
        connection: The connection.
        settings: The driver's options for what the cursor does.
    """
    return cast("Connection", connection.connection.dbapi_connection).row_cursor(settings)


def only_row(
    connection: sa.Connection, query: sa.Select[Any], texts: Mapping[str, str]
) -> Mapping[Any, Any]:
    """Return the only row of a query whose parameters are texts, and whose values are as they come.

    Over ADBC, what SQLAlchemy does around a statement takes longer than a small one itself.

    Args:
        connection: The connection, of any driver.
        query: The query; one that is kept for as long as the program runs.
        texts: The parameters.
    """
    if not isinstance(connection.dialect, ADBCDialect):
        return connection.execute(query, texts).mappings().one()
    statement, names, given = _compiled(query, type(connection.dialect))
    values = {**given, **texts}
    cursor = row_cursor(connection).execute(statement, [values[name] for name in names])
    (row,) = cursor.fetchall()
    return dict(zip((column[0] for column in cursor.description or ()), row, strict=True))


@cache
def _compiled(
    query: sa.Select[Any], dialect: type[DefaultDialect]
) -> tuple[str, list[str], Mapping[str, Any]]:
    # With numbers, each parameter is bound once, wherever it stands.
    compiled = query.compile(dialect=dialect(paramstyle=_NUMBERED[dialect.default_paramstyle]))
    return str(compiled), compiled.positiontup or [], compiled.params


# Connections that stay open when nobody uses them; there may be more in use.
_KEPT: Final = 4


def pooled_engine(url: sa.URL, **options: Any) -> sa.Engine:
    """Return an engine with as many connections as needed, of which a few are kept open.

    Args:
        url: The database.
        options: Further ones of ``create_engine``.
    """
    return sa.create_engine(url, pool_size=_KEPT, max_overflow=-1, **options)
