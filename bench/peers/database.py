"""A database, as users would write and read it without us.

`sqlite` and `postgresql` say where the two differ.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import duckdb
import pandas as pd
import polars as pl
import sqlalchemy as sa

from harness import SLOW, Way
from peers.checks import same_tables, stored_rows, to_pandas

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import ModuleType

    from adbc_driver_manager.dbapi import Connection

    Frames = dict[str, pl.DataFrame]
    Write = Callable[["Database"], object]


class Database(ABC):
    """Where one way has its tables, and how the libraries of Python get there.

    Args:
        url: As SQLAlchemy reads it.
        address: As ADBC, DuckDB and the driver of most users read it.
    """

    kind: ClassVar[str]
    driver: ClassVar[ModuleType]
    """What most users connect with."""
    dialect: ClassVar[str]
    """That of SQLAlchemy on this driver."""
    adbc_driver: ClassVar[ModuleType]
    scanner: ClassVar[ModuleType]
    """DuckDB's extension as a package: nothing is fetched at run time."""
    scanned: ClassVar[str]
    """What the extension calls such a database."""
    row: ClassVar[str]
    """The hidden column that has the rows as they were written."""

    def __init__(self, url: str, address: str) -> None:
        self.url = url
        self.address = address

    @abstractmethod
    def empty(self) -> None:
        """Take all tables away."""

    @abstractmethod
    def new(self, name: str) -> Self:
        """Return another one beside this, without tables."""

    def copy(self) -> Self:
        """Return the same tables for libraries that may not share this one, while it is closed."""
        return self

    @property
    @abstractmethod
    def connectorx(self) -> str:
        """Return the URL as connectorx reads it."""

    @abstractmethod
    def own_writes(self, tables: Frames) -> list[Way]:
        """Return the ways to write tables that are particular to this kind, limits last."""

    @abstractmethod
    def own_read(self, tables: Frames, names: dict[str, str]) -> Way:
        """Return the limit of reading: what the database does in it."""

    def connect(self) -> Any:
        return self.driver.connect(self.address)

    def adbc(self) -> Connection:
        return self.adbc_driver.connect(self.address)

    @contextmanager
    def engine(self) -> Generator[sa.Engine]:
        engine = sa.create_engine(sa.make_url(self.url).set(drivername=self.dialect))
        try:
            yield engine
        finally:
            engine.dispose()

    @contextmanager
    def attached(
        self, option: Literal["", ", READ_ONLY"] = ""
    ) -> Generator[duckdb.DuckDBPyConnection]:
        """Connect to a DuckDB of its own that calls this database ``place``."""
        assert self.scanner.__file__ is not None
        (extension,) = Path(self.scanner.__file__).parent.rglob("*.duckdb_extension")
        with duckdb.connect() as connection:
            connection.execute(f"LOAD '{extension}'")
            connection.execute(f"ATTACH '{self.address}' AS place (TYPE {self.scanned}{option})")
            yield connection


def writes(tables: Frames, fewer: Frames, database: Database) -> list[Way]:
    """Return the ways to write the tables, each into a database of its own beside this one.

    Args:
        tables: The tables.
        fewer: What slow ways write of them.
        database: The one of ours.
    """
    made = {
        "pandas to_sql": (to_sql(to_pandas(fewer)), SLOW),
        "polars write_database (adbc)": (write_database(tables), 1),
        "polars write_database (sqlalchemy)": (write_database_by_sqlalchemy(fewer), SLOW),
        "DuckDB ATTACH": (create_as_select(tables), 1),
    }
    shared = [
        stored(
            name, write, database.new(f"way_{number}"), tables if share == 1 else fewer, share=share
        )
        for number, (name, (write, share)) in enumerate(made.items())
    ]
    return shared + database.own_writes(tables)


def stored(name: str, write: Write, database: Database, tables: Frames, *, share: float = 1) -> Way:
    """Return a way that writes the tables into a database that is empty, and checked."""

    def check(_result: object) -> None:
        with closing(database.connect()) as connection:
            stored_rows(connection.cursor(), tables)

    return Way(name, lambda: write(database), database.empty, database.empty, check, share=share)


def to_sql(frames: dict[str, pd.DataFrame]) -> Write:
    def write(database: Database) -> None:
        with database.engine() as engine:
            for name, frame in frames.items():
                frame.to_sql(name, engine, index=False)

    return write


def write_database(tables: Frames) -> Write:
    def write(database: Database) -> None:
        for name, frame in tables.items():
            frame.write_database(name, database.url, engine="adbc")

    return write


def write_database_by_sqlalchemy(tables: Frames) -> Write:
    def write(database: Database) -> None:
        with database.engine() as engine:
            for name, frame in tables.items():
                frame.write_database(name, engine, engine="sqlalchemy")

    return write


def create_as_select(tables: Frames) -> Write:
    def write(database: Database) -> None:
        with database.attached() as connection:
            for name, frame in tables.items():
                connection.register("frame", frame)
                connection.execute(f"CREATE TABLE place.{name} AS SELECT * FROM frame")

    return write


def reads(tables: Frames, fewer: Frames, names: dict[str, str], database: Database) -> list[Way]:
    """Return the ways to read the tables.

    Args:
        tables: What is in the database.
        fewer: What the slow way reads of them, from a database of its own.
        names: How the tables are called there.
        database: The one that we wrote; it is closed, and ADBC may share it with us later.
    """
    copy, of_pandas = database.copy(), database.new("pandas")
    # pandas goes by the declared types. In SQLite, only itself declares datetimes; in PostgreSQL,
    # ADBC declares the same types, and is ready sooner.
    fill = to_sql(to_pandas(fewer)) if database.kind == "SQLite" else write_database(fewer)
    fill(of_pandas)
    queries = {name: query(names[name]) for name in tables}

    def read_sql() -> dict[str, pd.DataFrame]:
        with of_pandas.engine() as engine:
            return {name: pd.read_sql(name, engine) for name in fewer}

    def read_database_adbc() -> Frames:
        with database.adbc() as connection:
            return {name: pl.read_database(queries[name], connection) for name in tables}

    def read_database_sqlalchemy() -> Frames:
        with copy.engine() as engine:
            return {name: pl.read_database(queries[name], engine) for name in tables}

    def fetch_arrow() -> Frames:
        found = {}
        with database.adbc() as connection, connection.cursor() as cursor:
            for name in tables:
                cursor.execute(queries[name])
                found[name] = pl.DataFrame(cursor.fetch_arrow_table())
        return found

    def connectorx() -> Frames:
        return {name: pl.read_database_uri(queries[name], copy.connectorx) for name in tables}

    def duckdb_attached() -> Frames:
        with copy.attached(", READ_ONLY") as connection:
            return {
                name: connection.execute(f'SELECT * FROM place."{names[name]}"').pl()
                for name in tables
            }

    def check(found: Frames) -> str | None:
        """Let a library that reads in several threads have the rows in another order."""
        keys = {name: frame.columns[0] for name, frame in tables.items()}
        is_moved = not all(found[name][key].is_sorted() for name, key in keys.items())
        lost = same_tables({name: found[name].sort(key) for name, key in keys.items()}, tables)
        said = [lost, "rows come in another order" if is_moved else None]
        return "; ".join(filter(None, said)) or None

    made = {
        "polars read_database (adbc)": read_database_adbc,
        "polars read_database (sqlalchemy)": read_database_sqlalchemy,
        "bare ADBC": fetch_arrow,
        "connectorx": connectorx,
        "DuckDB ATTACH": duckdb_attached,
    }
    by_pandas = Way(
        "pandas read_sql", read_sql, check=lambda found: same_tables(found, fewer), share=SLOW
    )
    shared = [Way(name, read, check=check) for name, read in made.items()]
    return [by_pandas, *shared, copy.own_read(tables, names)]


def query(table: str) -> str:
    return f'SELECT * FROM "{table}"'
