"""What the PEP 249 interfaces of ADBC's drivers have in common.

ADBC's own interface guesses one Arrow type for all rows of a parameter, makes Python objects cell
by cell, and decides when a transaction begins. Here parameters without a common type are bound row
by row, rows are made from slices of columns, and the caller begins transactions.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Final, ParamSpec, Self, TypeVar

import pyarrow as pa
from adbc_driver_manager import AdbcConnection, AdbcStatement, AdbcStatusCode
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

from algomancy_data.database.adbc.interrupts import interruptible
from algomancy_data.database.adbc.parameters import bound, data_error
from algomancy_data.forks import refuse_fork_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

__all__ = [
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
    "RowCursor",
    "apilevel",
    "threadsafety",
]

apilevel: Final = "2.0"
threadsafety: Final = 1
Binary: Final = bytes

# The Python objects of a large result take many times the memory of its columns.
_ROWS_AT_ONCE: Final = 4096
_JULIAN_DAY_ZERO: Final = -2_440_588  # 4714-11-24 BC, PostgreSQL's first day, from 1970 on

_of_parents: Final[list[Any]] = []
"""What a forked process has of its parent's: to end it would end the parent's."""

_T = TypeVar("_T")
_P = ParamSpec("_P")


class _Rows:
    """The rows of a result, in order: the three ways to fetch them (PEP 249)."""

    arraysize: int
    _owner: Connection
    _row_iterator: Iterator[tuple[Any, ...]] | None = None

    @abstractmethod
    def _batches(self) -> Iterable[Any] | None:
        """Return the result in batches; None if the statement had no result."""

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row."""
        with self._owner.translating_errors():
            return next(self._rows(), None)

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """Return some rows."""
        with self._owner.translating_errors():
            return list(islice(self._rows(), self.arraysize if size is None else size))

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all remaining rows."""
        with self._owner.translating_errors():
            return list(self._rows())

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        if self._row_iterator is None:
            batches = self._batches()
            if batches is None:
                raise _no_rows()
            self._row_iterator = _rows(batches, self._owner.converter)
        return self._row_iterator


class Cursor(_Rows, adbc.Cursor):  # pyright: ignore[reportIncompatibleVariableOverride]  arraysize is a property there
    """A cursor for Arrow data: its result is read as a stream, while the connection stays busy."""

    def __init__(self, connection: Connection, settings: Mapping[str, Any]) -> None:
        try:
            super().__init__(connection, settings)
        except BaseException:  # Ctrl-C: a connection with an open statement cannot be closed
            self._closed = True
            if (statement := vars(self).get("_stmt")) is not None:
                statement.close()
            raise
        self._owner = connection
        self._changed_rows: int | None = None

    @property
    def description(self) -> list[tuple[Any, ...]] | None:
        """The columns of the result, or None for a statement without one (PEP 249)."""
        return super().description or None

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed or found, or -1 if unknown."""
        return super().rowcount if self._changed_rows is None else self._changed_rows

    def execute(self, operation: bytes | str, parameters: Any = None) -> Self:
        """Execute a statement with one row of parameters, or with Arrow data."""
        self._forget()
        with self._owner.translating_errors():
            data = bound([parameters], parameters) if parameters else None
            self._call(self._execute, operation, data)
        return self

    def _execute(self, operation: bytes | str, data: Any) -> None:
        # SQLite's driver goes on in the middle when a statement is executed again of whose rows
        # some were read, unless it prepares it anew.
        self._last_query = None
        super().execute(operation, data)
        if self.description is None:
            # SQLite's driver executes what changes no table when its result is read.
            super().fetch_arrow_table()

    def executemany(self, operation: bytes | str, seq_of_parameters: Any) -> None:
        """Execute a statement with each row of parameters, or with Arrow data."""
        self._forget()
        with self._owner.translating_errors():
            try:
                data = bound(seq_of_parameters, seq_of_parameters)
            except DataError:
                # No type suits a column as a whole, but one may suit each row.
                self._executemany_by_row(operation, seq_of_parameters)
            else:
                self._call(super().executemany, operation, data)

    def _executemany_by_row(self, operation: bytes | str, rows: Iterable[Sequence[Any]]) -> None:
        self._changed_rows = 0
        for parameters in rows:
            self._call(super().executemany, operation, bound([parameters], parameters))
            self._changed_rows += max(super().rowcount, 0)

    def adbc_ingest(self, table_name: str, data: Any, *args: Any, **options: Any) -> int:
        """Fill a table with Arrow data, on the connection's own transaction."""
        if not hasattr(data, "__arrow_c_stream__") and not hasattr(data, "__arrow_c_array__"):
            import_module("pyarrow.dataset")  # it may be one: see the package
        with self._owner.translating_errors():
            return self._call(super().adbc_ingest, table_name, data, *args, **options)

    def fetch_arrow_table(self) -> Any:
        """Return all remaining rows as Arrow data."""
        return self._call(super().fetch_arrow_table)

    def reading(self) -> AbstractContextManager[None]:
        """Make those errors the driver's that come with a later row, which Arrow calls OSError."""
        return self._owner.reading()

    def close(self) -> None:
        """Close the cursor; one of a forked process's parent is left alone."""
        if not self._closed and self._owner.is_of_parent:
            _of_parents.append(self)
            self._closed = True
        super().close()

    def _batches(self) -> Iterable[Any] | None:
        # All of it, so that the connection is free to be asked about types.
        return None if self.description is None else self.fetch_arrow_table().to_batches()

    def _call(self, method: Callable[_P, _T], *args: _P.args, **options: _P.kwargs) -> _T:
        with self._owner.waiting():
            return interruptible(partial(method, *args, **options), self._stmt.cancel)

    def _forget(self) -> None:
        self._row_iterator = None
        self._changed_rows = None


class RowCursor(_Rows):
    """A cursor for rows: once a statement is executed, the connection is free for the next.

    Reading all of the result at once also finds errors that come with a later row. Where most
    statements take less time than what is around them, it is the driver's statement and no more.

    Attributes:
        arraysize: How many rows :meth:`fetchmany` returns if it is not told.
        rowcount: How many rows the statement changed or found, or -1 if that is not known.
    """

    def __init__(self, connection: Connection, settings: Mapping[str, str]) -> None:
        self._owner = connection
        self._settings = settings
        self._table: Any = None
        self.arraysize = 1
        self.rowcount = -1

    def take_table(self) -> Any:
        """Return all rows as an Arrow table, which the cursor then no longer has."""
        table, self._table = self._table, None
        return table

    @property
    def description(self) -> list[tuple[Any, ...]] | None:
        """The columns of the result, or None for a statement without one (PEP 249)."""
        if self._table is None or not self._table.num_columns:
            return None
        return [(field.name, field.type, *(None,) * 5) for field in self._table.schema]

    def execute(self, operation: str, parameters: Any = None) -> Self:
        """Execute a statement with one row of parameters, or with Arrow data."""
        RowCursor.close(self)  # a stream stays open
        with self._owner.translating_errors():
            data = bound([parameters], parameters) if parameters else None
            self._table = self._read(operation, data)
        self.rowcount = self._table.num_rows if self._table.num_columns else -1
        return self

    def executemany(self, operation: str, seq_of_parameters: Any) -> None:
        """Execute a statement with each row of parameters, or with Arrow data."""
        RowCursor.close(self)  # a stream stays open
        with self._owner.translating_errors():
            try:
                rows = [bound(seq_of_parameters, seq_of_parameters)]
            except DataError:
                # No type suits a column as a whole, but one may suit each row.
                rows = [bound([parameters], parameters) for parameters in seq_of_parameters]
            self.rowcount = 0
            for data in rows:
                self._change(operation, data)

    def execute_update(self, operation: str, parameters: Any) -> None:
        """Execute a statement that has no result, and count the rows that it changes."""
        self.executemany(operation, [parameters])

    def _read(self, operation: str, data: Any) -> Any:
        """Execute a statement, and return its rows as an Arrow table."""

        def read() -> Any:
            # SQLite's driver executes what changes no table when its result is read.
            handle, _ = self._prepared(statement, operation, data).execute_query()
            with pa.RecordBatchReader.from_stream(handle) as reader:
                return reader.read_all()

        try:
            with self._owner.statement(self._settings) as statement:
                return self._owner.call(read, statement.cancel)
        except OSError as error:
            if not self._may_repeat(operation, error):
                raise
        return self._read(operation, data)

    def _may_repeat(self, operation: str, error: OSError) -> bool:
        """Tell whether a statement that failed at a later row may succeed when repeated."""
        del operation, error  # which is for a driver to know
        return False

    def _change(self, operation: str, data: Any) -> None:
        """Execute a statement, and add to the count the rows that it changed."""
        with self._owner.statement(self._settings) as statement:
            ready = self._prepared(statement, operation, data)
            self.rowcount += max(self._owner.call(ready.execute_update, statement.cancel), 0)

    @staticmethod
    def _prepared(statement: AdbcStatement, operation: str, data: Any) -> AdbcStatement:
        statement.set_sql_query(operation)
        if data is not None:
            statement.prepare()
            bind = statement.bind if hasattr(data, "__arrow_c_array__") else statement.bind_stream
            bind(data)
        return statement

    def __enter__(self) -> Self:
        """Return the cursor."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the cursor."""
        self.close()

    def close(self) -> None:
        """Forget the rows; nothing is open."""
        self._table = None
        self._row_iterator = None
        self.rowcount = -1

    def _batches(self) -> Iterable[Any] | None:
        return None if self.description is None else self._table.to_batches()


class Connection(adbc.Connection):
    """A connection whose transactions the caller begins, commits and rolls back.

    Attributes:
        autocommit: Whether :meth:`begin` does nothing, so that each statement is on its own.
    """

    autocommit: bool

    can_cancel: ClassVar[bool] = True
    """Whether the driver ends a call early when it is asked to."""

    cursor_settings: Mapping[str, str] = {}
    row_cursor_settings: Mapping[str, str] = {}
    row_cursor_class: type[RowCursor] = RowCursor

    def __init__(self, database: Any) -> None:
        self._closed = True  # for what deletes a connection that was never opened
        try:
            connection = AdbcConnection(database)
        except BaseException:
            database.close()
            raise
        super().__init__(database, connection, autocommit=True)
        self.autocommit = False
        self._process = os.getpid()

    def cursor(self, *, adbc_stmt_kwargs: Mapping[str, Any] | None = None) -> Cursor:
        """Return a cursor for Arrow data."""
        self.refuse_fork()
        cursor = Cursor(self, {**self.cursor_settings, **(adbc_stmt_kwargs or {})})
        self._cursors.add(cursor)  # so that the connection closes it before itself
        return cursor

    def row_cursor(self, settings: Mapping[str, str] | None = None) -> RowCursor:
        """Return a cursor for rows.

        Args:
            settings: The driver's options for what it does, beside the usual ones.
        """
        self.refuse_fork()
        return self.row_cursor_class(self, {**self.row_cursor_settings, **(settings or {})})

    def run(self, statement: str) -> None:
        """Execute a statement and ignore its result."""
        self.row_cursor().execute(statement)

    def statement(self, settings: Mapping[str, str]) -> AdbcStatement:
        """Return a new statement of the driver, which the caller closes."""
        # Ctrl-C may come at the end of each call, and a connection with an open statement cannot
        # be closed: with one call, a statement is made and put where it is found.
        made: list[AdbcStatement] = []
        try:
            made.extend(map(AdbcStatement, (self.adbc_connection,)))
            if settings:
                made[0].set_options(**settings)
        except BaseException:
            for statement in made:
                statement.close()
            raise
        return made[0]

    def call(self, method: Callable[[], _T], cancel: Callable[[], object]) -> _T:
        """Make a call that waits for the database; Ctrl-C is noticed, at the latest at its end.

        Args:
            method: The call.
            cancel: Asks it to end early.
        """
        with self.waiting():
            return interruptible(method, cancel) if self.can_cancel else method()

    @property
    def is_of_parent(self) -> bool:
        """Whether this process is a fork of the one that made the connection."""
        return os.getpid() != self._process

    def waiting(self) -> AbstractContextManager[None]:
        """Surround a call that waits for the database."""
        return nullcontext()

    @contextmanager
    def reading(self) -> Generator[None]:
        """Make those errors the driver's that come with a later row, which Arrow calls OSError."""
        try:
            yield
        except OSError as error:
            raise self._late(error) from error

    def _late(self, error: OSError) -> Error:
        return self.translated(DatabaseError(str(error), status_code=AdbcStatusCode.IO))

    @contextmanager
    def translating_errors(self) -> Generator[None]:
        """Turn all errors in a block into those of PEP 249, in the classes that callers expect."""
        try:
            yield
        except OSError as error:
            raise self._late(error) from error
        except Error as error:
            translated = self.translated(error)
            if translated is error:
                raise
            raise translated from None
        except (pa.ArrowException, OverflowError, ValueError) as error:
            raise data_error(f"A value has no Python type: {error}") from error

    def translated(self, error: Error) -> Error:
        """Return the error of ours for one of the driver's."""
        return error

    def converter(self, type_: Any) -> Callable[[Any], Any] | None:
        """Return a function that converts Arrow's values, or None if they stay as they are."""
        del type_  # here all are
        return None

    def __enter__(self) -> Self:
        """Return the connection."""
        return self

    def __del__(self) -> None:
        """Close the connection: an engine of SQLAlchemy need not be disposed of."""
        with suppress(Exception):  # nobody could catch it
            self.close()

    def close(self) -> None:
        """Close the connection and its cursors; a forked process has none."""
        if not self._closed and self.is_of_parent:
            _of_parents.append(self)
            self._closed = True
        super().close()

    def refuse_fork(self) -> None:
        """Raise if this process is a fork of the one that made the connection.

        Raises:
            StoreError: It is: to use the connection would break the other's.
        """
        if self.is_of_parent:
            refuse_fork_of(self._process)


def _rows(
    batches: Iterable[Any],
    converter: Callable[[Any], Callable[[Any], Any] | None],
) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        converters = [converter(field.type) for field in batch.schema]
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            columns = batch.slice(start, _ROWS_AT_ONCE).columns
            yield from zip(*map(_values, columns, converters), strict=True)


def _values(column: Any, convert: Callable[[Any], Any] | None) -> list[Any]:
    try:
        values = column.to_pylist()
    except (OverflowError, ValueError):  # a date after 9999, or another that Python has not
        if not _are_dates(column):
            raise
        return column.cast(pa.string()).to_pylist()
    if convert is None:
        return values
    return [None if value is None else convert(value) for value in values]


def _are_dates(column: Any) -> bool:
    """Tell whether all dates are in a database's range; earlier ones were infinities."""
    if not (pa.types.is_date(column.type) or pa.types.is_timestamp(column.type)):
        return False
    days = column.cast(pa.date32(), safe=False).view(pa.int32()).drop_null().to_pylist()
    return all(day >= _JULIAN_DAY_ZERO for day in days)


def _no_rows() -> ProgrammingError:
    message = "There are no rows: the last statement had no result, or there was none."
    return ProgrammingError(message, status_code=AdbcStatusCode.INVALID_STATE)
