"""The PEP 249 face of ADBC's SQLite driver, as SQLAlchemy's SQLite dialect expects it.

ADBC's own connection either commits after every statement or begins a deferred transaction by
itself. Here the caller says when a transaction begins and which lock it takes, because a
transaction that reads first and writes later may fail to get its lock.
"""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import adbc_driver_sqlite
from adbc_driver_manager import AdbcConnection, AdbcStatusCode
from adbc_driver_manager import dbapi as adbc
from adbc_driver_manager.dbapi import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

__all__ = [
    "MEMORY",
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
    "SharedConnection",
    "apilevel",
    "connect",
    "paramstyle",
    "sqlite_version",
    "sqlite_version_info",
    "threadsafety",
]

MEMORY: Final = ":memory:"

apilevel: Final = "2.0"
paramstyle: Final = "qmark"
threadsafety: Final = 1
Binary: Final = bytes

# ADBC fixes a column's type by its first batch of rows, and fails on what comes later. One
# batch for the whole result means that all rows are looked at. This is the largest it takes.
_ROWS_PER_BATCH: Final = 2**31 - 2
BATCH_ROWS: Final = adbc_driver_sqlite.StatementOptions.BATCH_ROWS.value

_NO_TRANSACTION: Final = re.compile("no transaction is active")


@contextmanager
def _interruptible() -> Generator[None]:
    """Let Ctrl-C be a KeyboardInterrupt, at the end of the call that it came in.

    The driver manager wants to cancel the statement then. SQLite's driver cannot do that, and
    its refusal is what would be raised.
    """
    try:
        yield
    except NotSupportedError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise error.__cause__ from None
        raise


class Cursor(adbc.Cursor):
    """A cursor that knows which statements have no result, and lets itself be interrupted."""

    @property
    def description(self) -> list[tuple[Any, ...]] | None:
        """The columns of the result, or None for a statement without one (PEP 249)."""
        return super().description or None

    def execute(self, operation: bytes | str, parameters: Any = None) -> Self:
        """Execute a statement."""
        with _interruptible():
            return super().execute(operation, parameters)

    def executemany(self, operation: bytes | str, seq_of_parameters: Any) -> None:
        """Execute a statement with several sets of parameters."""
        with _interruptible():
            super().executemany(operation, seq_of_parameters)

    def adbc_ingest(self, table_name: str, data: Any, *args: Any, **options: Any) -> int:
        """Insert an Arrow stream into a table; return the number of rows."""
        with _interruptible():
            return super().adbc_ingest(table_name, data, *args, **options)


class Connection(adbc.Connection):
    """A connection whose transactions are begun by :meth:`begin`."""

    def __init__(self, database: Any, connection: AdbcConnection) -> None:
        super().__init__(database, connection, autocommit=True)
        self._in_transaction = False
        self.begin_mode = "DEFERRED"

    def cursor(self, *, adbc_stmt_kwargs: Mapping[str, Any] | None = None) -> Cursor:
        """Return a cursor whose results have types that suit all of their rows."""
        settings = {BATCH_ROWS: str(_ROWS_PER_BATCH)} | dict(adbc_stmt_kwargs or {})
        cursor = Cursor(self, settings, dbapi_backend=self._backend)
        self._cursors.add(cursor)
        return cursor

    def begin(self) -> None:
        """Begin a transaction in :attr:`begin_mode`: DEFERRED, IMMEDIATE or EXCLUSIVE."""
        before, self._in_transaction = self._in_transaction, True
        try:
            self.run(f"BEGIN {self.begin_mode}")
        except Error:  # but an interruption may come when the transaction has begun
            self._in_transaction = before
            raise

    def commit(self) -> None:
        """Commit; without a transaction, do nothing."""
        if self._in_transaction:
            self.run("COMMIT")
            self._in_transaction = False

    def rollback(self) -> None:
        """Roll back; without a transaction, do nothing."""
        if not self._in_transaction:
            return
        self._in_transaction = False
        try:
            self.run("ROLLBACK")
        except Error as error:
            # SQLite rolls back by itself after errors such as a full disk.
            if not _NO_TRANSACTION.search(str(error)):
                raise

    def run(self, statement: str) -> None:
        """Execute a statement that has no interesting result."""
        with self.cursor() as cursor:
            cursor.execute(statement).fetchall()

    def __enter__(self) -> Self:
        """Return the connection."""
        return self


class SharedConnection(Connection):
    """The one connection of a database in memory, on which threads take turns.

    A thread has its turn from the beginning to the end of its transaction.
    """

    def __init__(self, database: Any, connection: AdbcConnection) -> None:
        super().__init__(database, connection)
        self._turn = threading.RLock()
        self._owner: int | None = None
        self.turn_seconds = 60.0

    def begin(self) -> None:
        """Begin a transaction when the other threads' one has ended."""
        if not self._turn.acquire(timeout=self.turn_seconds):
            msg = "database is locked: another thread's transaction did not end"
            raise OperationalError(msg, status_code=AdbcStatusCode.TIMEOUT)
        before, self._owner = self._owner, threading.get_ident()
        try:
            super().begin()
        except Error:
            self._owner = before
            self._turn.release()
            raise

    def commit(self) -> None:
        """Commit this thread's transaction; without one, do nothing."""
        if self._owner == threading.get_ident():
            super().commit()
            self._end_turn()

    def rollback(self) -> None:
        """Roll back this thread's transaction; without one, do nothing."""
        if self._owner == threading.get_ident():
            try:
                super().rollback()
            finally:
                self._end_turn()

    def _end_turn(self) -> None:
        self._owner = None
        self._turn.release()


def connect(uri: str) -> Connection:
    """Open a database file, or a private database in memory for ``":memory:"``."""
    database = adbc_driver_sqlite.connect(uri)
    try:
        connection = AdbcConnection(database)
    except BaseException:
        database.close()
        raise
    return (SharedConnection if uri == MEMORY else Connection)(database, connection)


def _library_version() -> str:
    with connect(MEMORY) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()")
        return cursor.fetchall()[0][0]


sqlite_version: Final = _library_version()
sqlite_version_info: Final = tuple(int(part) for part in sqlite_version.split("."))
