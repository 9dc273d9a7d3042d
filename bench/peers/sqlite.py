"""SQLite files, and what only they offer.

Several SQLite libraries work in this process. Two of them on one file void each other's locks, so
each way has a file of its own, and ADBC, which shares our library, is the only one on ours.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Self

import duckdb_extension_sqlite_scanner
import polars as pl
from adbc_driver_sqlite import dbapi

from algomancy_data.database.sqlite import codec
from harness import Way
from peers.checks import stored_rows
from peers.database import Database, stored

if TYPE_CHECKING:
    from pathlib import Path

    from peers.database import Frames, Write

DATETIMES = "%Y-%m-%d %H:%M:%S"


class SQLite(Database):
    """A file.

    Args:
        path: Where it is, or will be.
    """

    kind = "SQLite"
    driver = sqlite3
    dialect = "sqlite"
    adbc_driver = dbapi
    scanner = duckdb_extension_sqlite_scanner
    scanned = "sqlite"
    row = "rowid"

    def __init__(self, path: Path) -> None:
        super().__init__(f"sqlite:///{path}", str(path))
        self._path = path

    def empty(self) -> None:
        """Remove the file with what lies beside it."""
        for suffix in ("", "-journal", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def new(self, name: str) -> Self:
        return type(self)(self._path.with_name(f"{name}.db"))

    def copy(self) -> Self:
        copy = self.new("copy")
        shutil.copy(self._path, copy.address)
        return copy

    @property
    def connectorx(self) -> str:
        return f"sqlite://{self.address}"

    def own_writes(self, tables: Frames) -> list[Way]:
        return [
            stored("sqlite3 executemany", executemany(tables), self.new("executemany"), tables),
            bare_ingest(tables, self.new("bare")),
            insert_select(tables, self.new("limit")),
        ]

    def own_read(self, tables: Frames, names: dict[str, str]) -> Way:
        def scan() -> None:
            with closing(sqlite3.connect(self.address)) as connection:
                for name, frame in tables.items():
                    lengths = ", ".join(f'count("{column}")' for column in frame.columns)
                    connection.execute(f'SELECT {lengths} FROM "{names[name]}"').fetchone()

        return Way("limit: a scan in SQLite", scan, remark="no values leave SQLite")


def executemany(tables: Frames) -> Write:
    def write(database: Database) -> None:
        with closing(sqlite3.connect(database.address)) as connection:
            insert_rows(connection, tables)

    return write


def insert_rows(connection: sqlite3.Connection, tables: Frames) -> None:
    with connection:
        for name, frame in tables.items():
            connection.execute(f'CREATE TABLE "{name}" ({columns_of(frame)})')
            texts = frame.with_columns(pl.col(pl.Datetime).dt.to_string(DATETIMES))
            marks = ", ".join("?" * frame.width)
            connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', texts.iter_rows())


def columns_of(frame: pl.DataFrame) -> str:
    return ", ".join(f'"{column}"' for column in frame.columns)


class BareIngest:
    """The driver alone: ready columns into new tables, one transaction, our settings."""

    def __init__(self, tables: Frames, file: SQLite) -> None:
        self._file = file
        self._encoded = {
            name: codec.encode(frame, codec.plan(frame, name)) for name, frame in tables.items()
        }

    def open(self) -> None:
        self._connection = dbapi.connect(self._file.address, autocommit=True)
        self._run("PRAGMA page_size = 16384", "PRAGMA journal_mode = wal")

    def close(self) -> None:
        self._connection.close()
        self._file.empty()

    def write(self) -> None:
        self._run("BEGIN IMMEDIATE")
        with self._connection.cursor() as cursor:
            for name, frame in self._encoded.items():
                cursor.adbc_ingest(name, frame, mode="create")
        self._run("COMMIT")

    def check(self, tables: Frames) -> None:
        with self._connection.cursor() as cursor:
            stored_rows(cursor, tables)

    def _run(self, *statements: str) -> None:
        with self._connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement).fetchall()


def bare_ingest(tables: Frames, file: SQLite) -> Way:
    """Return the way of the driver alone, to which columns come encoded."""
    bare = BareIngest(tables, file)
    return Way(
        "bare adbc_ingest",
        bare.write,
        bare.open,
        bare.close,
        lambda _result: bare.check(tables),
        remark="the columns are encoded before",
    )


def insert_select(tables: Frames, file: SQLite) -> Way:
    """Return the limit: SQLite itself copies rows that it has in memory, column by column."""
    memory = sqlite3.connect(":memory:")
    insert_rows(memory, tables)

    def attach() -> None:
        file.empty()
        memory.execute(f"ATTACH '{file.address}' AS place")
        memory.execute("PRAGMA place.page_size = 16384")
        memory.execute("PRAGMA place.journal_mode = wal")

    def copy() -> None:
        memory.execute("BEGIN")
        for name, frame in tables.items():
            columns = columns_of(frame)
            memory.execute(f'CREATE TABLE place."{name}" ({columns})')
            # Without the order by, SQLite would copy whole records.
            memory.execute(
                f'INSERT INTO place."{name}" SELECT {columns} FROM main."{name}" ORDER BY rowid'
            )
        memory.execute("COMMIT")

    def detach() -> None:
        memory.execute("DETACH place")
        file.empty()

    def check(_result: object) -> None:
        for name, frame in tables.items():
            (rows,) = memory.execute(f'SELECT count(*) FROM place."{name}"').fetchone()
            assert rows == frame.height

    return Way("limit: INSERT … SELECT in SQLite", copy, attach, detach, check)
