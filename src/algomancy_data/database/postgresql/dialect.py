"""``postgresql+adbc://``: SQLAlchemy's PostgreSQL dialect over ADBC."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect, PGExecutionContext
from sqlalchemy.exc import ArgumentError

from algomancy_data.database.adbc.dialect import ADBCDialect, ADBCExecutionContext
from algomancy_data.database.postgresql import dbapi
from algomancy_data.database.postgresql.sql_types import COLSPECS

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPICursor, DBAPIModule

_SECRETS: Final = frozenset({"password", "sslpassword", "oauth_client_secret"})
_IS_QUERY: Final = re.compile(r"[\s(]*(SELECT|TABLE|VALUES|WITH)\b", re.IGNORECASE)
_HOST_AND_PORT: Final = re.compile(r"(?P<host>[\w.-]*):(?P<port>\d*)")
_CONNECT_SECONDS: Final = "10"
_ISOLATION_LEVELS: Final = (
    "AUTOCOMMIT",
    "READ UNCOMMITTED",
    "READ COMMITTED",
    "REPEATABLE READ",
    "SERIALIZABLE",
)


class _Compiler(PGCompiler):
    def render_bind_cast(self, type_: Any, dbapi_type: Any, sqltext: str) -> str:
        # A cast to NUMERIC(10, 2) would round what is only compared with a column of that type.
        if isinstance(dbapi_type, sa.Numeric) and not isinstance(dbapi_type, sa.Float):
            return f"{sqltext}::NUMERIC"
        return super().render_bind_cast(type_, dbapi_type, sqltext)


class _ExecutionContext(ADBCExecutionContext, PGExecutionContext):
    def create_server_side_cursor(self) -> DBAPICursor:
        if not _IS_QUERY.match(self.unicode_statement):
            self._is_server_side = False
            return self.create_default_cursor()
        connection = cast("dbapi.Connection", self._dbapi_connection.dbapi_connection)
        return cast("DBAPICursor", connection.stream_cursor())


class PostgreSQLADBCDialect(ADBCDialect, PGDialect):
    """PostgreSQL through ADBC.

    URL: ``postgresql+adbc://user:password@host:port/database``. The options of the query part
    are libpq's connection parameters: ``host`` (a folder means a Unix socket), ``sslmode``,
    ``sslrootcert``, ``options`` and all others. Parameters that are secrets beside the password go
    in ``connect_args`` of ``create_engine``, which are never shown.

    ``connect_timeout`` (10 seconds, or ``$PGCONNECT_TIMEOUT``; 0 for no limit) is how long a
    server may take to answer a new connection, the begin of a transaction, and, while a statement
    runs for long, the question whether it is still there.

    Isolation levels: ``AUTOCOMMIT`` and PostgreSQL's; the execution options
    ``postgresql_readonly`` and ``postgresql_deferrable`` work as well. With ``stream_results``
    the rows stay with the server until they are fetched.

    Example:
        >>> import sqlalchemy as sa
        >>> import algomancy_data.database
        >>> sa.create_engine("postgresql+adbc://me:secret@localhost/data").dialect.driver
        'adbc'
    """

    default_paramstyle = "numeric_dollar"
    supports_statement_cache = True
    supports_server_side_cursors = True
    statement_compiler = _Compiler
    execution_ctx_cls = _ExecutionContext
    colspecs = COLSPECS

    @classmethod
    def import_dbapi(cls) -> DBAPIModule:
        """Return the module that speaks PEP 249."""
        return cast("DBAPIModule", dbapi)

    def create_connect_args(self, url: sa.URL) -> tuple[list[Any], dict[str, Any]]:
        """Return libpq's connection parameters."""
        shown = sorted(_SECRETS & url.query.keys())
        if shown:
            msg = (
                f"{', '.join(shown)} in the query part of a URL would be shown with it: write the "
                f"password behind the user's name, and give other secrets in connect_args."
            )
            raise ArgumentError(msg)
        parameters: dict[str, Any] = url.translate_connect_args(username="user", database="dbname")
        parameters.update(url.query)
        parameters.update(_hosts(url))
        several = [name for name, value in parameters.items() if isinstance(value, tuple)]
        if several:
            msg = f"A postgresql+adbc URL has {', '.join(several)} more than once."
            raise ArgumentError(msg)
        if not {"connect_timeout", "service"} & parameters.keys():
            parameters["connect_timeout"] = os.environ.get("PGCONNECT_TIMEOUT", _CONNECT_SECONDS)
        return [], {name: str(value) for name, value in parameters.items()}

    def get_isolation_level_values(self, dbapi_conn: Any) -> Any:
        """Return the isolation levels that exist."""
        del dbapi_conn  # the same for every connection
        return _ISOLATION_LEVELS

    def get_isolation_level(self, dbapi_connection: Any) -> Any:
        """Return the level of a connection's transactions."""
        connection = cast("dbapi.Connection", dbapi_connection)
        if connection.autocommit:
            return "AUTOCOMMIT"
        if connection.isolation_level is not None:
            return connection.isolation_level
        with connection.row_cursor() as cursor:
            return cursor.execute("SHOW TRANSACTION ISOLATION LEVEL").fetchall()[0][0].upper()

    def set_isolation_level(self, dbapi_connection: Any, level: Any) -> None:
        """Set the level of a connection's next transactions."""
        connection = cast("dbapi.Connection", dbapi_connection)
        connection.autocommit = level == "AUTOCOMMIT"
        if not connection.autocommit:
            connection.isolation_level = level

    def set_readonly(self, connection: Any, value: Any) -> None:
        """Say whether a connection's next transactions only read."""
        cast("dbapi.Connection", connection).readonly = value

    def get_readonly(self, connection: Any) -> bool:
        """Return whether a connection's next transactions only read."""
        return bool(cast("dbapi.Connection", connection).readonly)

    def set_deferrable(self, connection: Any, value: Any) -> None:
        """Say whether a connection's next transactions may wait for a safe snapshot."""
        cast("dbapi.Connection", connection).deferrable = value

    def get_deferrable(self, connection: Any) -> bool:
        """Return whether a connection's next transactions may wait for a safe snapshot."""
        return bool(cast("dbapi.Connection", connection).deferrable)

    def do_ping(self, dbapi_connection: Any) -> bool:
        """Tell whether a connection's server is still there."""
        return cast("dbapi.Connection", dbapi_connection).ping()

    def is_disconnect(self, e: Any, connection: Any, cursor: Any) -> bool:
        """Return whether an error means that the connection is gone."""
        del cursor  # the connection knows
        lost = getattr(connection, "is_lost", None)
        return isinstance(e, dbapi.Error) and lost is not None and lost()


def _hosts(url: sa.URL) -> dict[str, str]:
    """Return the hosts and ports of the query part, in which each host may have its port."""
    listed = {name: url.query[name] for name in ("host", "port") if name in url.query}
    given = {name: (one,) if isinstance(one, str) else one for name, one in listed.items()}
    found = [_HOST_AND_PORT.fullmatch(host) for host in given.get("host", ())]
    if any(found):
        if "port" in given:
            msg = "Write host=one:1&host=two:2 or host=one,two&port=1,2, not both."
            raise ArgumentError(msg)
        given["port"] = tuple(match["port"] if match else "" for match in found)
        given["host"] = tuple(
            match["host"] if match else host
            for match, host in zip(found, given["host"], strict=True)
        )
    return {name: ",".join(several) for name, several in given.items()}
