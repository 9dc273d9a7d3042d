"""The PEP 249 interface of ADBC's PostgreSQL driver, as SQLAlchemy's dialect expects it.

The driver reads results through ``COPY``, which is fast and understands queries only. Cursors for
rows do without it, so that they take any statement.
"""

from __future__ import annotations

import os
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, Final, Self

import adbc_driver_postgresql
from adbc_driver_manager import AdbcConnection, AdbcDatabase, AdbcStatusCode

from algomancy_data.database.adbc import dbapi
from algomancy_data.database.adbc.dbapi import (
    Binary,
    Cursor,
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    apilevel,
    threadsafety,
)
from algomancy_data.database.postgresql import python_values
from algomancy_data.database.postgresql.answers import limited, open_sockets, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager


__all__ = [
    "VARIABLE",
    "Binary",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "StreamCursor",
    "apilevel",
    "connect",
    "paramstyle",
    "threadsafety",
]

paramstyle: Final = "numeric_dollar"

VARIABLE: Final = "ALGOMANCY_POSTGRESQL_DRIVER"
"""Names another build of the driver: the library in its wheels is compiled without optimisation."""

_OF_DRIVER: Final = "[libpq]"  # in its messages

# By class of SQLSTATE, as psycopg names them. Others are a DatabaseError.
_ERRORS: Final[dict[str, type[Error]]] = {
    **dict.fromkeys(("10", "20", "21", "26", "34", "3D", "3F", "42", "44", "P0"), ProgrammingError),
    **dict.fromkeys(("08", "27", "28", "2F", "38", "39", "3B", "40"), OperationalError),
    **dict.fromkeys(("53", "54", "55", "57", "58", "F0", "HV"), OperationalError),
    **dict.fromkeys(("24", "25", "2B", "2D", "XX"), InternalError),
    "0A": NotSupportedError,
    "22": DataError,
    "23": IntegrityError,
}
_STATUS: Final = adbc_driver_postgresql.ConnectionOptions.TRANSACTION_STATUS.value
_TYPE_RESOLVER: Final = "adbc.postgresql.type_resolver_mode"
_REFUSAL: Final = "FATAL:"
# A statement may well take longer than a connection.
_CALLS_BETWEEN_QUESTIONS: Final = 3
_USE_COPY: Final = adbc_driver_postgresql.StatementOptions.USE_COPY.value


class StreamCursor(dbapi.RowCursor):
    """A cursor for rows that stay on the server until they are fetched.

    It stands for a cursor of the server's, which lives as long as the transaction, or as long as
    itself if there is none.
    """

    def __init__(self, connection: Connection, settings: Mapping[str, str], name: str) -> None:
        super().__init__(connection, settings)
        self.arraysize = 1000
        self._connection = connection
        self._name = name
        self._is_open = self._outlives_transaction = False

    def execute(self, operation: str, parameters: Any = None) -> Self:
        """Open the server's cursor for a query, and fetch the first rows."""
        self._outlives_transaction = self._connection.transaction_status == "idle"
        hold = "WITH" if self._outlives_transaction else "WITHOUT"
        super().execute(
            f"DECLARE {self._name} NO SCROLL CURSOR {hold} HOLD FOR {operation}", parameters
        )
        self._is_open = True
        return self._fetch()

    def close(self) -> None:
        """Close the server's cursor as well, if it still exists."""
        is_open, self._is_open = self._is_open, False
        with_transaction = "idle" if self._outlives_transaction else "intrans"
        try:
            if is_open and self._connection.transaction_status == with_transaction:
                super().execute(f"CLOSE {self._name}")
        except Error:
            if not self._connection.is_lost():
                raise
        finally:
            super().close()

    def __del__(self) -> None:
        """Close the cursor: SQLAlchemy forgets one if its transaction cannot begin."""
        with suppress(Exception):  # nobody could catch it
            self.close()

    def _batches(self) -> Iterable[Any] | None:
        first = super()._batches()
        return None if first is None else self._batches_from(first)

    def _batches_from(self, batches: Iterable[Any]) -> Iterator[Any]:
        found = list(batches)
        while found:
            yield from found
            found = list(super(StreamCursor, self._fetch())._batches() or ())

    def _fetch(self) -> Self:
        rows = self._row_iterator
        super().execute(f"FETCH FORWARD {self.arraysize} FROM {self._name}")
        self._row_iterator = rows  # which asked for more
        self.rowcount = -1  # nobody knows how many there are
        return self


class Connection(dbapi.Connection):
    """A connection whose transactions are begun by :meth:`begin`.

    Attributes:
        isolation_level: Level of the next transactions; None for the server's default.
        readonly: Whether the next transactions only read; None for the server's default.
        deferrable: Whether they may wait in order to read a safe snapshot, likewise.
    """

    row_cursor_settings = {_USE_COPY: "false"}  # noqa: RUF012  a Mapping in the base class

    def __init__(self, database: Any, patience: float, answers: Callable[[], bool]) -> None:
        before = open_sockets()
        super().__init__(database)
        new = open_sockets() - before
        # Of several, nobody knows which is libpq's: another library opened one meanwhile.
        self._socket = new.pop() if len(new) == 1 and patience > 0 else None
        self._patience = patience
        self._answers = answers
        self._is_given_up = False
        self.isolation_level: str | None = None
        self.readonly: bool | None = None
        self.deferrable: bool | None = None
        self._values = python_values.Values(self._catalogue_row)
        self._streams = 0

    @property
    def transaction_status(self) -> str:
        """What libpq says: idle, active, intrans, inerror or (connection lost) unknown."""
        return self.adbc_connection.get_option(_STATUS)

    def stream_cursor(self) -> StreamCursor:
        """Return a cursor whose rows stay on the server until they are fetched."""
        self._streams += 1
        self.refuse_fork()
        name = f"algomancy_stream_{self._streams}"
        return StreamCursor(self, self.row_cursor_settings, name)

    def begin(self) -> None:
        """Begin a transaction, unless each statement is to be on its own."""
        if self.autocommit:
            return
        words = ["BEGIN"]
        if self.isolation_level is not None:
            words.append(f"ISOLATION LEVEL {self.isolation_level}")
        if self.readonly is not None:
            words.append("READ ONLY" if self.readonly else "READ WRITE")
        if self.deferrable is not None:
            words.append("DEFERRABLE" if self.deferrable else "NOT DEFERRABLE")
        self._run_at_once(" ".join(words))

    def ping(self) -> bool:
        """Tell whether the server is still there."""
        try:
            if not self.is_lost():
                self._run_at_once("SELECT 1")
        except Error:
            if not self.is_lost():
                raise
        return not self.is_lost()

    def commit(self) -> None:
        """Commit; without a transaction, do nothing.

        Raises:
            InternalError: A statement failed before. PostgreSQL would roll back and say nothing.
        """
        status = self.transaction_status
        if status == "idle":
            return
        if status == "inerror":
            self.run("ROLLBACK")
            msg = "The transaction is rolled back, not committed: one of its statements failed."
            raise InternalError(msg, status_code=AdbcStatusCode.INVALID_STATE, sqlstate="25P02")
        self.run("COMMIT")

    def rollback(self) -> None:
        """Roll back; without a transaction of this process, do nothing."""
        if not self.is_of_parent and self.transaction_status != "idle":
            self.run("ROLLBACK")

    def is_lost(self) -> bool:
        """Return whether the server is gone."""
        return self._closed or self.transaction_status == "unknown"

    def waiting(self) -> AbstractContextManager[None]:
        """Give up calls when the server no longer answers."""
        if self._socket is None:
            return nullcontext()
        return watched(_CALLS_BETWEEN_QUESTIONS * self._patience, self._answers, self._give_up)

    def translated(self, error: Error) -> Error:
        """Return the error of the class that the SQLSTATE stands for."""
        if self._is_given_up:
            msg = f"the server did not answer within {self._patience:g} seconds"
            return OperationalError(msg, status_code=AdbcStatusCode.TIMEOUT)
        return _translated(error)

    def converter(self, type_: Any) -> Callable[[Any], Any] | None:
        """Return a function that makes values as psycopg would return them."""
        return self._values.converter(type_)

    def _run_at_once(self, statement: str) -> None:
        """Execute a statement that is quick on any server."""
        if self._socket is None:
            self.run(statement)
            return
        with limited(self._patience, self._give_up):
            self.run(statement)

    def _give_up(self) -> None:
        self._is_given_up = True
        if self._socket is not None:
            self._socket.shut()

    def _catalogue_row(self, query: str) -> tuple[Any, ...] | None:
        with self.row_cursor() as cursor:
            return cursor.execute(query).fetchone()


def connect(*, type_resolver: str = "server", **parameters: str) -> Connection:
    """Connect to a server.

    Args:
        type_resolver: Where the driver learns of types: ``"server"`` reads all types and columns
            of the database for every connection (measured: 2 s with 10,000 tables) and so knows
            enumerations and other types of users. ``"builtin"`` knows PostgreSQL's own.
        parameters: Connection parameters of libpq by keyword.

    Raises:
        OperationalError: There is no connection; the message does not contain a password.
    """
    # Arrow's texts are UTF-8.
    words = {**parameters, "client_encoding": "utf8"}
    text = " ".join(f"{keyword}={_quoted(value)}" for keyword, value in words.items())

    quick = {_TYPE_RESOLVER: "builtin"}

    def answers() -> bool:
        try:
            with _database(text, quick) as database:
                AdbcConnection(database).close()
        except Error as error:
            return _REFUSAL in str(error)  # which is an answer
        return True

    try:
        database = _database(text, {_TYPE_RESOLVER: type_resolver})
        return Connection(database, _seconds(parameters.get("connect_timeout", "")), answers)
    except Error as error:
        raise _translated(error) from None


def _database(parameters: str, settings: dict[str, str]) -> Any:
    """Return the driver's database object, from the library that the environment names."""
    library = os.environ.get(VARIABLE)
    if not library:
        return adbc_driver_postgresql.connect(parameters, db_kwargs=settings)
    try:
        return AdbcDatabase(driver=library, uri=parameters, **settings)
    except Error as error:
        if _OF_DRIVER in str(error) and not isinstance(error, NotSupportedError):
            raise
        msg = (
            f"{VARIABLE} in the environment names {library!r}, which cannot be loaded or is not "
            f"ADBC's driver for PostgreSQL, 1.13 or later"
        )
        # Without what another library says: that may be the parameters, with the password.
        raise OperationalError(msg, status_code=error.status_code) from None


def _seconds(text: str) -> float:
    """Return a time limit of libpq; 0 for none."""
    try:
        return max(float(text), 0)
    except ValueError:
        return 0  # libpq has the words for it


def _quoted(value: str) -> str:
    escaped = value.replace("\\", r"\\").replace("'", r"\'")
    return f"'{escaped}'"


def _translated(error: Error) -> Error:
    if error.sqlstate is None:
        return error
    class_ = _ERRORS.get(error.sqlstate[:2], DatabaseError)
    options: dict[str, Any] = {
        "sqlstate": error.sqlstate,
        "details": error.details,
        "vendor_code": error.vendor_code,
    }
    if class_ is not NotSupportedError:  # its status is fixed
        options["status_code"] = error.status_code
    return class_(str(error), **options)
