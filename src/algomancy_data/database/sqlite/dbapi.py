"""The PEP 249 interface of ADBC's SQLite driver, as SQLAlchemy's dialect expects it.

ADBC's own connection either commits after every statement or begins a deferred transaction by
itself. Here the caller says when a transaction begins and which lock it takes, because a
transaction that reads first and writes later may fail to get its lock.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import adbc_driver_sqlite
from adbc_driver_manager import AdbcStatusCode

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
from algomancy_data.database.sqlite import engine
from algomancy_data.database.sqlite.log_sync import LogSync
from algomancy_data.database.sqlite.writer_queue import Turn

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "LOG",
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
LOG: Final = "-wal"
"""What stands behind a file's name in that of its write-ahead log."""

paramstyle: Final = "qmark"

# The driver fixes a column's type by its first batch of rows, and fails on what comes later
# (upstream.md). It also reserves 8 bytes per row and column for a batch before it has seen a row,
# so a batch large enough for any result would be more than the machine has.
BATCH_ROWS: Final = adbc_driver_sqlite.StatementOptions.BATCH_ROWS.value
_ROWS_PER_BATCH: Final = 2**18
_MOST_ROWS_PER_BATCH: Final = 2**30
_GROWTH: Final = 2**4

_LATE_TYPE: Final = re.compile("Type mismatch in column")
# The driver has no status of its own for what it finds when it ends a statement.
_ERRORS: Final[dict[type[Error], re.Pattern[str]]] = {
    IntegrityError: re.compile("constraint failed|datatype mismatch"),
    DataError: _LATE_TYPE,
    OperationalError: re.compile("database (table |schema )?is locked|disk is full|disk I/O error"),
}
# Seconds in a queue that are worth a statement, which tells SQLite how many are left.
_WAITED: Final = 0.1
_NO_TRANSACTION: Final = re.compile("no transaction is active")


# What can be executed again without a second effect.
_QUERY: Final = re.compile(r"\s*(SELECT|VALUES)\b", re.IGNORECASE)


_State: TypeAlias = tuple[tuple[int, int] | None, ...]


class RowCursor(dbapi.RowCursor):
    """A cursor for rows that knows the last row's number."""

    _most_rows = _ROWS_PER_BATCH

    def _may_repeat(self, operation: str, error: OSError) -> bool:
        if self._most_rows == _MOST_ROWS_PER_BATCH or not _QUERY.match(operation):
            return False
        if not _LATE_TYPE.search(str(error)):
            return False
        self._most_rows *= _GROWTH
        self._settings = {**self._settings, BATCH_ROWS: str(self._most_rows)}
        return True

    @property
    def lastrowid(self) -> int:
        """The number of the last row that the connection inserted."""
        with self._owner.row_cursor() as cursor:
            return cursor.execute("SELECT last_insert_rowid()").fetchall()[0][0]


class Connection(dbapi.Connection):
    """A connection whose transactions are begun by :meth:`begin`.

    Attributes:
        begin_mode: How a transaction takes its locks: DEFERRED, IMMEDIATE or EXCLUSIVE.
        path: The file that is open; None for a database in memory.
        file: Device and inode of the file.
        busy_seconds: How long to wait for a lock.
    """

    cursor_settings = row_cursor_settings = {BATCH_ROWS: str(_ROWS_PER_BATCH)}  # noqa: RUF012  a Mapping in the base class
    row_cursor_class = RowCursor
    can_cancel = False
    begin_mode = "DEFERRED"
    _in_transaction = False
    path: str | None = None
    file: tuple[int, int] | None = None
    _log: tuple[int, int] | None = None
    _state: _State | None = None
    busy_seconds = 60.0
    _turn: Turn | None = None
    _log_sync: LogSync | None = None

    @property
    def is_lockless(self) -> bool:
        """Whether the file is on a read-only medium, and opened without locks."""
        return self._state is not None

    def begin(self) -> None:
        """Begin a transaction in :attr:`begin_mode`, unless each statement is to be on its own.

        Raises:
            OperationalError: The file is no longer where it was opened, or is another one.
        """
        self.check_file()
        if self.autocommit:
            return
        before, self._in_transaction = self._in_transaction, True
        try:
            self._run_begin()
        except Error:  # but an interruption may come when the transaction has begun
            self._in_transaction = before
            if not before:
                self._end_turn()
            raise

    def _run_begin(self) -> None:
        """Wait for a turn to write, and begin."""
        began = time.monotonic()
        if self.begin_mode == "IMMEDIATE" and self._log is not None and self._turn is None:
            self._turn = Turn.taken(f"{self.path}{LOG}", self.busy_seconds)
        left = self.busy_seconds - (time.monotonic() - began)
        if left + _WAITED > self.busy_seconds:
            self.run(f"BEGIN {self.begin_mode}")
            return
        self.wait_for_locks(left)
        try:
            self.run(f"BEGIN {self.begin_mode}")
        finally:
            self.wait_for_locks(self.busy_seconds)

    def wait_for_locks(self, seconds: float) -> None:
        """Have SQLite wait for a lock for so long."""
        self.run(f"PRAGMA busy_timeout = {max(int(seconds * 1000), 0)}")

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.end()

    def commit(self) -> None:
        """Commit, or roll back if that fails; without a transaction, do nothing.

        Raises:
            OperationalError: The file is no longer where it was opened, or is another one: what is
                written would go with it.
        """
        if not self._in_transaction:
            return
        try:
            self.check_file()
            self.run("COMMIT")
        except Error:
            # SQLite keeps the transaction, but SQLAlchemy is through with it.
            self.rollback()
            raise
        self._in_transaction = False
        self._end_turn()

    @contextmanager
    def syncing_log(self) -> Generator[None]:
        """Have what is written within the block be on its way to the disk before the commit."""
        # Elsewhere a failure might be told to this thread, and not to SQLite.
        if self._log is None or sys.platform != "linux":
            yield
            return
        self._log_sync = LogSync(f"{self.path}{LOG}")
        try:
            yield
        finally:
            self._log_sync.close()
            self._log_sync = None

    def note_written(self, size: int) -> None:
        """Note that about so many bytes of rows were written."""
        if self._log_sync is not None:
            self._log_sync.note(size)

    def watch(self, path: str, *, is_lockless: bool = False) -> None:
        """Remember which file is open, and let others know, until the connection is closed.

        Args:
            path: The file, which was read at least once: its write-ahead log is open as well.
            is_lockless: Whether it is read without locks, so that nothing may change it.
        """
        self.path = path
        self.file = engine.file_opened(path)
        self._log = engine.identity(path + LOG)
        self._state = _state(path) if is_lockless else None

    def check_file(self) -> None:
        """Make sure that the name still leads to the open file and its log.

        Raises:
            OperationalError: It does not.
        """
        if self.path is None or self.file is None:
            return
        msg = None
        if engine.identity(self.path) != self.file:
            msg = "the file was removed, moved or replaced while it was open"
        elif self._log is not None and engine.identity(self.path + LOG) != self._log:
            msg = f"its file {LOG!r} was removed or replaced while it was open"
        elif self._state is not None and _state(self.path) != self._state:
            msg = "the file was changed, although it was opened where nothing can change it"
        if msg is not None:
            raise OperationalError(msg, status_code=AdbcStatusCode.INVALID_STATE)

    def close(self) -> None:
        """Close the connection and its cursors."""
        try:
            super().close()
        finally:  # if it cannot be closed, others can write all the same
            self._end_turn()
        engine.file_closed(self.file)
        self.file = self.path = None

    def rollback(self) -> None:
        """Roll back; without a transaction of this process, do nothing."""
        if self.is_of_parent:
            return
        was, self._in_transaction = self._in_transaction, False
        try:
            if was:
                self.run("ROLLBACK")
        except Error as error:
            # SQLite rolls back by itself after errors such as a full disk.
            if not _NO_TRANSACTION.search(str(error)):
                raise
        finally:
            self._end_turn()

    def translated(self, error: Error) -> Error:
        """Return the error of the class that the message stands for."""
        for class_, message in _ERRORS.items():
            if message.search(str(error)) and not isinstance(error, class_):
                return class_(str(error), status_code=error.status_code)
        return error


class SharedConnection(Connection):
    """The only connection of a database in memory, on which threads take turns.

    A thread has its turn from the beginning to the end of its transaction.
    """

    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self._free = threading.RLock()
        self._holder: int | None = None

    def begin(self) -> None:
        """Begin a transaction once the other threads' transaction has ended."""
        if not self._free.acquire(timeout=self.busy_seconds):
            msg = "database is locked: another thread's transaction did not end"
            raise OperationalError(msg, status_code=AdbcStatusCode.TIMEOUT)
        before, self._holder = self._holder, threading.get_ident()
        try:
            super().begin()
        except Error:
            self._holder = before
            self._free.release()
            raise

    def commit(self) -> None:
        """Commit this thread's transaction; without one, do nothing."""
        if self._holder == threading.get_ident():
            try:
                super().commit()
            finally:
                self._pass_on()

    def rollback(self) -> None:
        """Roll back this thread's transaction; without one, do nothing."""
        if self._holder == threading.get_ident():
            try:
                super().rollback()
            finally:
                self._pass_on()

    def _pass_on(self) -> None:
        self._holder = None
        self._free.release()


def connect(uri: str) -> Connection:
    """Open a database file, or a private database in memory for ``":memory:"``."""
    database = adbc_driver_sqlite.connect(uri)
    return (SharedConnection if uri == MEMORY else Connection)(database)


def _state(path: str) -> _State:
    """Return size and modification time of a file and its log; None for a missing one."""
    found: list[tuple[int, int] | None] = []
    for name in (path, path + LOG):
        try:
            status = Path(name).stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_size, status.st_mtime_ns))
    return tuple(found)


def _library_version() -> str:
    with connect(MEMORY) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()")
        return cursor.fetchall()[0][0]


sqlite_version: Final = _library_version()
sqlite_version_info: Final = tuple(int(part) for part in sqlite_version.split("."))
