"""SQLite files, as users would write and read them without us.

Several SQLite libraries work in this process. Two of them on one file void each other's locks, so
each way has a file of its own, and ADBC, which shares our library, is the only one on ours.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import duckdb
import duckdb_extension_sqlite_scanner
import pandas as pd
import polars as pl
import sqlalchemy as sa
from adbc_driver_sqlite import dbapi

from algomancy_data.database.codec import sqlite as codec
from harness import Way
from peers.checks import same_tables, stored_rows, to_pandas
from peers.duckdb_extensions import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DATETIMES = "%Y-%m-%d %H:%M:%S"


def remove(path: Path) -> None:
    """Remove a database with what lies beside it."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def persist(tables: dict[str, pl.DataFrame], folder: Path) -> list[Way]:
    """Return the ways to write the tables into a new file, where they are checked."""
    made = {
        "pandas to_sql": to_sql(to_pandas(tables)),
        "polars write_database (adbc)": write_database(tables, "adbc"),
        "polars write_database (sqlalchemy)": write_database(tables, "sqlalchemy"),
        "sqlite3 executemany": executemany(tables),
        "DuckDB ATTACH": attach_and_create(tables),
    }
    return [
        *(
            stored(name, write, folder / f"{number}.db", tables)
            for number, (name, write) in enumerate(made.items())
        ),
        bare_ingest(tables, folder / "bare.db"),
        insert_select(tables, folder / "limit.db"),
    ]


def stored(
    name: str, write: Callable[[Path], object], path: Path, tables: dict[str, pl.DataFrame]
) -> Way:
    def check(_result: object) -> None:
        with closing(sqlite3.connect(path)) as connection:
            stored_rows(connection.cursor(), {name: name for name in tables}, tables)

    return Way(name, lambda: write(path), lambda: remove(path), lambda: remove(path), check)


def to_sql(frames: dict[str, pd.DataFrame]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        engine = sa.create_engine(f"sqlite:///{path}")
        for name, frame in frames.items():
            frame.to_sql(name, engine, index=False)
        engine.dispose()

    return write


def write_database(tables: dict[str, pl.DataFrame], engine: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        for name, frame in tables.items():
            frame.write_database(name, f"sqlite:///{path}", engine=engine)

    return write


def executemany(tables: dict[str, pl.DataFrame]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            for name, frame in tables.items():
                columns = ", ".join(f'"{column}"' for column in frame.columns)
                connection.execute(f'CREATE TABLE "{name}" ({columns})')
                texts = frame.with_columns(pl.col(pl.Datetime).dt.to_string(DATETIMES))
                marks = ", ".join("?" * frame.width)
                connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', texts.iter_rows())

    return write


def attach_and_create(tables: dict[str, pl.DataFrame]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with duckdb.connect() as connection:
            load(connection, duckdb_extension_sqlite_scanner)
            connection.execute(f"ATTACH '{path}' AS place (TYPE sqlite)")
            for name, frame in tables.items():
                connection.register("frame", frame)
                connection.execute(f"CREATE TABLE place.{name} AS SELECT * FROM frame")

    return write


class BareIngest:
    """The driver alone: ready columns into new tables, one transaction, our settings."""

    def __init__(self, path: Path, tables: dict[str, pl.DataFrame]) -> None:
        self._path = path
        self._encoded = {
            name: codec.encode(frame, codec.plan(frame, name)) for name, frame in tables.items()
        }
        self._connection: dbapi.Connection | None = None

    def open(self) -> None:
        self.close()
        self._connection = dbapi.connect(str(self._path), autocommit=True)
        self._run("PRAGMA page_size = 16384", "PRAGMA journal_mode = wal")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        remove(self._path)

    def write(self) -> None:
        assert self._connection is not None
        self._run("BEGIN IMMEDIATE")
        with self._connection.cursor() as cursor:
            for name, frame in self._encoded.items():
                cursor.adbc_ingest(name, frame, mode="create")
        self._run("COMMIT")

    def check(self, tables: dict[str, pl.DataFrame]) -> None:
        assert self._connection is not None
        with self._connection.cursor() as cursor:
            stored_rows(cursor, {name: name for name in tables}, tables)

    def _run(self, *statements: str) -> None:
        assert self._connection is not None
        with self._connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement).fetchall()


def bare_ingest(tables: dict[str, pl.DataFrame], path: Path) -> Way:
    """Return the way of the driver alone, to which columns come encoded."""
    bare = BareIngest(path, tables)
    return Way(
        "bare adbc_ingest",
        bare.write,
        bare.open,
        bare.close,
        lambda _result: bare.check(tables),
        remark="the columns are encoded before",
    )


def insert_select(tables: dict[str, pl.DataFrame], path: Path) -> Way:
    """Return the limit: SQLite itself copies rows that it has in memory, column by column."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    for name, frame in tables.items():
        columns = ", ".join(f'"{column}"' for column in frame.columns)
        memory.execute(f'CREATE TABLE "{name}" ({columns})')
        texts = frame.with_columns(pl.col(pl.Datetime).dt.to_string(DATETIMES))
        marks = ", ".join("?" * frame.width)
        memory.execute("BEGIN")
        memory.executemany(f'INSERT INTO "{name}" VALUES ({marks})', texts.iter_rows())
        memory.execute("COMMIT")

    def attach() -> None:
        remove(path)
        memory.execute(f"ATTACH '{path}' AS place")
        memory.execute("PRAGMA place.page_size = 16384")
        memory.execute("PRAGMA place.journal_mode = wal")

    def copy() -> None:
        memory.execute("BEGIN")
        for name, frame in tables.items():
            columns = ", ".join(f'"{column}"' for column in frame.columns)
            memory.execute(f'CREATE TABLE place."{name}" ({columns})')
            # Without the order by, SQLite would copy whole records.
            memory.execute(
                f'INSERT INTO place."{name}" SELECT {columns} FROM main."{name}" ORDER BY rowid'
            )
        memory.execute("COMMIT")

    def detach() -> None:
        memory.execute("DETACH place")
        remove(path)

    def check(_result: object) -> None:
        for name, frame in tables.items():
            (rows,) = memory.execute(f'SELECT count(*) FROM place."{name}"').fetchone()
            assert rows == frame.height

    return Way("limit: INSERT … SELECT in SQLite", copy, attach, detach, check)


def first_load(
    tables: dict[str, pl.DataFrame], names: dict[str, str], ours: Path, copy: Path, of_pandas: Path
) -> list[Way]:
    """Return the ways to read the tables.

    Args:
        tables: What is in the files.
        names: How the tables are called in the first two files.
        ours: Our file, which may be open.
        copy: A copy of it.
        of_pandas: A file that pandas wrote.
    """

    def read_sql() -> dict[str, pd.DataFrame]:
        engine = sa.create_engine(f"sqlite:///{of_pandas}")
        found = {name: pd.read_sql(name, engine) for name in tables}
        engine.dispose()
        return found

    def read_database_adbc() -> dict[str, pl.DataFrame]:
        with closing(dbapi.connect(str(ours))) as connection:
            return {name: pl.read_database(query(names[name]), connection) for name in tables}

    def read_database_sqlalchemy() -> dict[str, pl.DataFrame]:
        engine = sa.create_engine(f"sqlite:///{copy}")
        found = {name: pl.read_database(query(names[name]), engine) for name in tables}
        engine.dispose()
        return found

    def fetch_arrow() -> dict[str, pl.DataFrame]:
        found = {}
        with closing(dbapi.connect(str(ours))) as connection, connection.cursor() as cursor:
            for name in tables:
                cursor.execute(query(names[name]))
                found[name] = pl.DataFrame(cursor.fetch_arrow_table())
        return found

    def connectorx() -> dict[str, pl.DataFrame]:
        url = f"sqlite://{copy}"
        return {name: pl.read_database_uri(query(names[name]), url) for name in tables}

    def duckdb_attached() -> dict[str, pl.DataFrame]:
        with duckdb.connect() as connection:
            load(connection, duckdb_extension_sqlite_scanner)
            connection.execute(f"ATTACH '{copy}' AS place (TYPE sqlite, READ_ONLY)")
            return {
                name: connection.execute(f'SELECT * FROM place."{names[name]}"').pl()
                for name in tables
            }

    def scan() -> None:
        with closing(sqlite3.connect(copy)) as connection:
            stored_rows_of = connection.cursor()
            for name, frame in tables.items():
                lengths = ", ".join(f'count("{column}")' for column in frame.columns)
                stored_rows_of.execute(f'SELECT {lengths} FROM "{names[name]}"').fetchone()

    def check(found: dict[str, pl.DataFrame | pd.DataFrame]) -> str | None:
        return same_tables(found, tables)

    return [
        Way("pandas read_sql", read_sql, check=check),
        Way("polars read_database (adbc)", read_database_adbc, check=check),
        Way("polars read_database (sqlalchemy)", read_database_sqlalchemy, check=check),
        Way("bare ADBC", fetch_arrow, check=check),
        Way("connectorx", connectorx, check=check),
        Way("DuckDB ATTACH", duckdb_attached, check=check),
        Way("limit: a scan in SQLite", scan, remark="no values leave SQLite"),
    ]


def query(table: str) -> str:
    return f'SELECT * FROM "{table}"'
