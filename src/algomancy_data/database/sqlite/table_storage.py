"""How SQLite keeps frames: rows are in order of their row numbers."""

from __future__ import annotations

import json
import re
import threading
from contextlib import closing, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl
import sqlalchemy as sa
from sqlalchemy import exc

from algomancy_data.database.codec import first_failure
from algomancy_data.database.naming import ROW_ID, TABLE_PREFIX, read_owner
from algomancy_data.database.sqlite import codec
from algomancy_data.database.sqlite.keys import Clauses, clauses_of, found_keys, is_in_table
from algomancy_data.database.sqlite.row_access import COMPARABLE, SQLiteRows
from algomancy_data.database.sqlite.schema import KnownTables
from algomancy_data.database.table_storage import (
    PLAIN_TEXT,
    Counterpart,
    NameTakenError,
    TableFound,
    TableStorage,
    index_name,
    integer_literal,
    quoted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from algomancy_data.database.layout import ColumnLayout, TableLayout
    from algomancy_data.database.naming import TableOwner
    from algomancy_data.database.row_access import RowAccess
    from algomancy_data.database.sqlite.dbapi import Connection
    from algomancy_data.database.table_keys import KeysFound, KeysInSQL
    from algomancy_data.database.table_storage import BulkAccess, Codec


# At the very end: what stands before may be the name of a column.
_OWNER: Final = re.compile(r"/\*((?:(?!\*/).)*)\*/\)\s*$")
_PAGES_PER_CHECKPOINT: Final = 1_000  # SQLite's default
# Shares of what is made in memory, to cache pages of the file in.
_CACHE_SHARE: Final = 8
_CACHE_SHARE_WITH_KEYS: Final = 2
_MOST_ARGUMENTS: Final = 100  # of a function


# Storage word -> what SQLite's typeof() says of its values, where that is not text.
_KINDS: Final = {
    "integer": ("integer",),
    "boolean": ("integer",),
    "null": (),
    "real": ("real", "integer"),
    "blob": ("blob",),
}
# By the schema that SQLite has in memory: its table of all tables has no index.
_TAKEN: Final = sa.text(
    "SELECT value FROM json_each(:names) AS asked "
    "WHERE EXISTS (SELECT 1 FROM pragma_table_info(asked.value))"
)
_OWNERS: Final = sa.text(
    "SELECT asked.value AS name, found.sql FROM json_each(:names) AS asked "
    "JOIN sqlite_schema AS found "
    "ON found.type = 'table' AND found.name = asked.value COLLATE NOCASE"
)


# As a row of its own: beside each column, a wide table's statement would come many times.
_ABOUT: Final = sa.text(
    "SELECT NULL AS name, sql AS type FROM sqlite_schema WHERE type = 'table' "
    "AND name = :table COLLATE NOCASE "
    "UNION ALL SELECT name, type FROM pragma_table_info(:table)"
)
_MAX_INTEGER: Final = 2**63 - 1
_MOST_TWOS: Final = 62  # whose power is an integer


class SQLiteStorage(TableStorage):
    """How SQLite keeps frames."""

    _checkpoint: threading.Thread | None = None

    anywhere = range(-(2**61), 2**61)  # as long as Python can have one
    fewest_rows_per_read = 40_000
    create_tells_taken = True
    constrains_later = False
    integer = "INTEGER"
    read_isolation = "SERIALIZABLE"
    write_isolation = "IMMEDIATE"

    def __init__(self, bulk: BulkAccess) -> None:
        super().__init__(bulk)
        self._known = KnownTables()

    @property
    def codec(self) -> Codec:
        """The codec of SQLite."""
        return codec

    @property
    def row_access(self) -> RowAccess:
        """Access to rows by number; a new row gets the number after the highest."""
        return SQLiteRows(self)

    def begin_reading(self, connection: sa.Connection, session: str, dataset: str) -> None:
        """Do nothing: a transaction sees the state of its first query."""

    def hold(self, connection: sa.Connection, session: str, dataset: str) -> None:
        """Do nothing: a writer has locked the whole database."""

    def help_reading(self, connection: sa.Connection) -> None:
        """Do nothing: rows are in order anyway."""

    def begin_writing(self, connection: sa.Connection, session: str, *datasets: str) -> None:
        """Do nothing: the transaction has the write lock from the start."""

    @contextmanager
    def large_write(self, connection: sa.Connection, size: int | None = None) -> Generator[None]:
        """Let threads bring the log to the disk, and committed pages from the log into the file.

        SQLite would do both in the commit, and take a sixth of the time of the whole write for the
        pages, and a tenth for the log.
        """
        engine = self.reader_engine(connection.engine)
        if engine is None:
            yield
            return
        driver = cast("Connection", connection.connection.dbapi_connection)
        driver.run("PRAGMA wal_autocheckpoint = 0")
        is_small = size is not None and size < self.in_memory_bytes
        try:
            with (
                driver.syncing_log(),
                nullcontext() if is_small else self._caching(connection, _CACHE_SHARE),
            ):
                yield
        finally:
            driver.run(f"PRAGMA wal_autocheckpoint = {_PAGES_PER_CHECKPOINT}")
        self.finish()
        self._checkpoint = threading.Thread(
            target=_checkpoint, args=(engine,), name="algomancy-data-checkpoint"
        )
        self._checkpoint.start()

    def filling_constrained(self, connection: sa.Connection) -> AbstractContextManager[None]:
        """Cache more of the file, since keys in no order are spread all over an index."""
        return self._caching(connection, _CACHE_SHARE_WITH_KEYS)

    @contextmanager
    def _caching(self, connection: sa.Connection, share: int) -> Generator[None]:
        """Let the page cache have a share of what is made in memory.

        A page that changes once more after it went to the log is written over there, for which the
        commit reads most of the log, and writes it again: check sums go from page to page. With
        32 MiB the pages above the rows of a table stay in the cache from one change to the next.
        """
        driver = connection.connection

        def resize(size: int) -> None:
            # By the driver, which begins no transaction for it.
            with closing(driver.cursor()) as cursor:
                cursor.execute(f"PRAGMA cache_size = {size}")

        before = connection.exec_driver_sql("PRAGMA cache_size").scalar_one()
        resize(-self.in_memory_bytes // share // 1024)
        try:
            yield
        finally:
            with suppress(connection.dialect.loaded_dbapi.Error):  # of a connection that broke
                resize(before)

    def finish(self) -> None:
        """Wait for the thread."""
        if self._checkpoint is not None:
            self._checkpoint.join()
            self._checkpoint = None

    def reader_engine(self, engine: sa.Engine) -> sa.Engine | None:
        """Return an engine on the same file; a database in memory has one connection only."""
        if isinstance(engine.pool, sa.StaticPool) or not engine.url.database:
            return None
        # One that waited for a writer, who may be waiting for the transaction, would never end.
        url = engine.url.update_query_dict({"busy_timeout": "0"})
        return sa.create_engine(url, poolclass=sa.NullPool)

    def taken(self, connection: sa.Connection, names: Sequence[str]) -> set[str]:
        """Return which of some names are taken by tables or views."""
        return set(connection.scalars(_TAKEN, {"names": json.dumps(names)}))

    def create(
        self,
        connection: sa.Connection,
        physical: str,
        columns: Mapping[str, str],
        owner: TableOwner,
        keys: KeysInSQL | None = None,
    ) -> None:
        """Create a table: SQLite keeps the statement, with the comment that names its owner.

        Raises:
            NameTakenError: Something has the name. To ask before would take a statement more.
        """
        statement = self._statement(connection, physical, columns, owner, keys)
        try:
            connection.exec_driver_sql(statement)
        except exc.DBAPIError as error:
            if self.taken(connection, [physical]):
                raise NameTakenError(physical) from error
            raise

    def is_as_created(
        self, connection: sa.Connection, layout: TableLayout, owner: TableOwner
    ) -> bool:
        """Tell whether SQLite certainly has the statement that created a table."""
        if layout.keys:
            return False
        columns = self.columns_of(layout)
        statement = self._statement(connection, layout.physical, columns, owner, None)
        return self._known.has(connection, statement)

    @staticmethod
    def _statement(
        connection: sa.Connection,
        physical: str,
        columns: Mapping[str, str],
        owner: TableOwner,
        keys: KeysInSQL | None,
    ) -> str:
        names = connection.dialect.identifier_preparer
        clauses = Clauses() if keys is None else clauses_of(keys, names.quote_identifier)
        # SQLAlchemy's own statement takes a twentieth of the time of writing a small dataset.
        declared = [
            f"{names.quote_identifier(name)} {word}{clauses.columns.get(name, '')}"
            for name, word in columns.items()
        ]
        listed = ", ".join([*declared, *clauses.table])
        # On a line of its own: no name that has the beginning of a comment in it goes on there.
        name = names.quote_identifier(physical)
        return f"CREATE TABLE {name} ({listed}\n/*{owner.to_text()}*/)"

    def owners(self, connection: sa.Connection) -> dict[str, TableOwner | None]:
        """Return the owner of each table whose name has this package's prefix."""
        tables = sa.text(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name GLOB :names "
            "ORDER BY name"
        )
        rows = connection.execute(tables, {"names": f"{TABLE_PREFIX}*"})
        return {row.name: _owner_in(row.sql) for row in rows}

    def owners_of(
        self, connection: sa.Connection, names: Iterable[str]
    ) -> dict[str, TableOwner | None]:
        """Return the owners of some tables; tables that are gone are left out."""
        rows = connection.execute(_OWNERS, {"names": json.dumps(list(names))})
        return {row.name: _owner_in(row.sql) for row in rows}

    def remark(self, connection: sa.Connection) -> str | None:
        """Return a remark if the file is read without locks."""
        driver = cast("Connection", connection.connection.dbapi_connection)
        if not getattr(driver, "is_lockless", False):
            return None
        return "Nothing can write there, so the file is read without locks (immutable)."

    def self_check(self, connection: sa.Connection) -> list[str]:
        """Return what SQLite finds wrong with the file, which it reads completely."""
        said = connection.scalars(sa.text("SELECT * FROM pragma_integrity_check"))
        return [line for line in said if line != "ok"]

    def foreign_value(
        self, connection: sa.Connection, table: sa.Table, column: ColumnLayout
    ) -> tuple[str, int] | None:
        """Return the first value of another type than its column was written with, and its row."""
        stored = next(one for one in table.columns if str(one.name) == column.physical)
        row_id, kind = sa.column(ROW_ID), sa.func.typeof(stored)
        kinds = ["null", *_KINDS.get(column.storage, ("text",))]
        foreign = sa.select(row_id, kind).select_from(table).where(kind.not_in(kinds))
        found = connection.execute(foreign.order_by(row_id).limit(1)).one_or_none()
        if found is not None:
            before = sa.select(sa.func.count()).select_from(table).where(row_id < found[0])
            what = f"a value of type {found[1]} where {column.storage} was written"
            return what, connection.scalar(before) or 0
        return self._bad_text(connection, table, stored) if "text" in kinds else None

    def _bad_text(
        self, connection: sa.Connection, table: sa.Table, stored: sa.Column[Any]
    ) -> tuple[str, int] | None:
        places = self._extent(connection, table)
        as_bytes = sa.select(sa.cast(stored, sa.LargeBinary()).label("x"))
        rows = self.at(as_bytes.select_from(table), table, places)
        values = self.bulk.fetch(connection, rows, len(places)).cast(pl.Binary)
        row = first_failure(values, pl.col("x").cast(pl.String))
        return None if row is None else ("a text that is not in UTF-8", row)

    def look_at(self, connection: sa.Connection, physical: str) -> TableFound:
        """Return what SQLite says about a table; no columns if it is gone."""
        rows = connection.execute(_ABOUT, {"table": physical}).all()
        statement = next((row.type for row in rows if row.name is None), None)
        columns = {row.name: row.type for row in rows if row.name is not None}
        return TableFound(columns, _owner_in(statement))

    def extents(self, connection: sa.Connection, layout: TableLayout) -> list[range]:
        """Return the row numbers from the first to the last."""
        return [self._extent(connection, sa.table(quoted(layout.physical)))]

    @staticmethod
    def _extent(connection: sa.Connection, table: sa.TableClause) -> range:
        # Each end by itself is found in the index; both of one query read the whole table.
        name = connection.dialect.identifier_preparer.format_table(table)
        ends = (f"(SELECT {end}({ROW_ID}) FROM {name})" for end in ("min", "max"))  # noqa: S608  quoted
        first, last = connection.exec_driver_sql(f"SELECT {', '.join(ends)}").one()
        # An empty table still has columns to read.
        return range(1, 2) if first is None or last is None else range(first, last + 1)

    def copy(
        self,
        connection: sa.Connection,
        originals: Sequence[sa.TableClause],
        physical: str,
        columns: Mapping[str, str],
        owner: TableOwner,
        keys: KeysInSQL | None = None,
    ) -> None:
        """Create a table with the rows of another with the same columns, in order."""
        (original,) = originals
        self.create(connection, physical, columns, owner, keys)
        # In exactly this form, SQLite copies whole records: see "xfer optimization" in its
        # insert.c. The names are quoted by SQLAlchemy.
        names = connection.dialect.identifier_preparer
        connection.exec_driver_sql(
            f"INSERT INTO {names.quote_identifier(physical)} "  # noqa: S608  quoted names
            f"SELECT * FROM {names.format_table(original)}"
        )

    def is_exact_key(self, column: ColumnLayout) -> bool:
        """Tell whether values of a column are equal in SQL exactly where they are in Polars."""
        return column.storage in COMPARABLE and column.mask is None

    def add_keys(self, connection: sa.Connection, keys: KeysInSQL) -> None:
        """Add the indexes of a table, including those of unique keys."""
        names = connection.dialect.identifier_preparer
        on = names.format_table(self.table_of(keys.layout))
        for columns, key in keys.indexes().items():
            if is_in_table(keys, key):
                continue
            unique = "UNIQUE " if key.is_unique else ""
            name = names.quote_identifier(index_name(keys.layout, columns))
            listed = ", ".join(names.quote_identifier(column.physical) for column in columns)
            connection.exec_driver_sql(f"CREATE {unique}INDEX {name} ON {on} ({listed})")

    def add_references(self, connection: sa.Connection, keys: KeysInSQL) -> None:
        """Do nothing: they are part of CREATE TABLE."""

    def defer_references(self, connection: sa.Connection) -> None:
        """Let SQLite check references at the commit.

        It does so in this transaction only: as part of the table it would double the time in which
        rows are written.
        """
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")

    def drop_references(self, connection: sa.Connection, tables: Iterable[str]) -> None:
        """Do nothing: tables can be dropped whatever refers to them."""

    def keys_found(self, connection: sa.Connection, layout: TableLayout) -> KeysFound:
        """Return what SQLite says of a table's keys."""
        return found_keys(connection, layout.physical)

    def from_text(self, table: str, places: range) -> str:
        """Return the FROM clause of a query of the rows with these numbers."""
        if places == self.anywhere:
            return f"{table} ORDER BY {ROW_ID}"
        return f"{table} WHERE {ROW_ID} BETWEEN {places[0]} AND {places[-1]} ORDER BY {ROW_ID}"

    def at(self, query: sa.Select[Any], table: sa.TableClause, places: range) -> sa.Select[Any]:
        """Return the query, limited to the rows with these numbers."""
        del table  # it has the only row number
        row_id = sa.column(ROW_ID)
        limited = query.where(row_id.between(places[0], places[-1]))
        return (query if places == self.anywhere else limited).order_by(row_id)

    def counterpart(
        self, column: sa.Column[Any], layout: ColumnLayout, encoded: list[Any]
    ) -> Counterpart | None:
        """Return how a column compares with literals; None if not as it does in Polars."""
        literal: Callable[[Any], sa.ColumnElement[Any] | None]
        besides = None
        match layout.storage:
            case "integer" | "boolean":
                literal = integer_literal
            case "real":
                literal = _real
            case "iso":
                literal = _moment
                # Years of more or less than four digits have a sign, which is before "/". "0" would
                # be a number where the column is declared as DATE.
                besides = sa.type_coerce(column, sa.String()) < sa.literal("/", sa.String())
            case "text" | "digits":
                literal = _text
            case "blob":
                literal = _blob
            case _:
                return None
        literals = [one for one in map(literal, encoded) if one is not None]
        if len(literals) < len(encoded):
            return None
        # The order of texts is that of the file's encoding, which need not be UTF-8.
        keeps_order = layout.storage in {"integer", "real", "iso", "blob"}
        typed = sa.type_coerce(column, literals[0].type)
        return Counterpart(typed, literals, keeps_order, besides)


def _owner_in(statement: str | None) -> TableOwner | None:
    found = _OWNER.search(statement or "")
    return read_owner(found[1]) if found else None


def _real(value: float) -> sa.ColumnElement[Any] | None:
    """Return a float as a quotient, since SQLite may read digits as another float."""
    number, divisor = value.as_integer_ratio()
    twos = divisor.bit_length() - 1
    if abs(number) > _MAX_INTEGER or twos > 2 * _MOST_TWOS:
        return None
    # A power of two divides exactly.
    powers = [1 << min(twos, _MOST_TWOS), 1 << max(twos - _MOST_TWOS, 0)]
    quotient = " / ".join(f"CAST({whole} AS REAL)" for whole in [number, *powers])
    return sa.literal_column(f"({quotient})", sa.Double())


def _text(value: str) -> sa.ColumnElement[Any] | None:
    if PLAIN_TEXT.fullmatch(value):
        return sa.literal(value, sa.String())
    # Whatever it is, it is not in the statement.
    points = [ord(character) for character in value]
    if len(points) > _MOST_ARGUMENTS or 0 in points:
        return None
    return sa.literal_column(f"char({', '.join(map(str, points))})", sa.String())


def _moment(value: str) -> sa.ColumnElement[Any] | None:
    return sa.literal(value, sa.String()) if value[:1].isdigit() else None


def _blob(value: bytes) -> sa.ColumnElement[Any]:
    return sa.literal_column(f"X'{value.hex()}'", sa.LargeBinary())


def _checkpoint(engine: sa.Engine) -> None:
    # Passive: nobody waits for it. Whatever is left over, the next checkpoint takes.
    with (
        suppress(exc.SQLAlchemyError),
        engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection,
    ):
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
