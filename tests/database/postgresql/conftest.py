"""Connections of the driver to a server and frames in its tables; managers on a new database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg
import pytest
from adbc_driver_postgresql import dbapi

from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.database.layout import TableLayout
from algomancy_data.database.postgresql import codec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def connect(postgresql: str) -> Callable[[], Any]:
    """Open connections of the driver, without a transaction."""

    def run() -> Any:
        connection = dbapi.connect(postgresql, autocommit=True)
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")  # no test is about a crash of the server
        return connection

    return run


@pytest.fixture
def connection(connect: Callable[[], Any]) -> Iterator[Any]:
    with connect() as opened:
        yield opened


@pytest.fixture(scope="session")
def read(connect: Callable[[], Any]) -> Callable[..., pl.DataFrame]:
    """Read a table in the order in which its rows were written, or some of its pages."""

    def run(connection: Any, table: str, pages: range | None = None) -> pl.DataFrame:
        name = quoted(table)
        with connection.cursor() as cursor:
            if pages is None:
                cursor.execute(
                    "SELECT pg_relation_size($1::regclass) / current_setting('block_size')::int",
                    (name,),
                )
                pages = range(cursor.fetchone()[0] or 1)
            # No plan but one that goes through the pages in their order.
            cursor.execute("SET max_parallel_workers_per_gather = 0")
            cursor.execute("SET synchronize_seqscans = off")
            cursor.execute(
                f"SELECT * FROM {name} "
                f"WHERE ctid >= '({pages[0]},0)'::tid AND ctid < '({pages[-1] + 1},0)'::tid"
            )
            return pl.DataFrame(cursor.fetch_record_batch())

    return run


@pytest.fixture(scope="session")
def write(connect: Callable[[], Any]) -> Callable[..., TableLayout]:
    """Keep a frame in a new table, in one transaction."""

    def run(connection: Any, frame: pl.DataFrame, table: str = "t") -> TableLayout:
        layout = TableLayout("t", table, frame.height, codec.plan(frame, "t"))
        types = layout.physical_columns()
        declared = ", ".join(f"{quoted(name)} {words}" for name, words in types.items())
        with connection.cursor() as cursor:
            # One transaction is what keeps the order: in a table that was there before, rows also
            # go where earlier pages have some room left.
            cursor.execute("BEGIN")
            cursor.execute(f"DROP TABLE IF EXISTS {quoted(table)}")
            cursor.execute(f"CREATE TABLE {quoted(table)} ({declared})")
            if layout.columns and frame.height:
                stored = codec.encode(frame, layout.columns)
                cursor.adbc_ingest(table, stored, mode="append")
            cursor.execute("COMMIT")
        return layout

    return run


@pytest.fixture(scope="session")
def round_trip(
    connect: Callable[[], Any], write: Callable[..., TableLayout], read: Callable[..., pl.DataFrame]
) -> Iterator[Callable[[pl.DataFrame], pl.DataFrame]]:
    """Write a frame and read it back."""
    with connect() as connection:

        def run(frame: pl.DataFrame) -> pl.DataFrame:
            layout = write(connection, frame)
            return codec.decode(read(connection, "t"), layout.columns, "t")

        yield run


@pytest.fixture
def database(postgresql: str) -> Iterator[str]:
    """The URL of a database of the test's own."""
    with psycopg.connect(postgresql, autocommit=True) as admin:
        admin.execute("CREATE DATABASE of_a_test")
    yield postgresql.replace("/postgres?", "/of_a_test?")
    with psycopg.connect(postgresql, autocommit=True) as admin:
        admin.execute("DROP DATABASE of_a_test WITH (FORCE)")


@pytest.fixture
def outside(database: str) -> Callable[[str], list[Any]]:
    """Ask another client, of another driver."""

    def run(statement: str) -> list[Any]:
        with psycopg.connect(database, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture
def new_manager(database: str) -> Iterator[Callable[..., DatabaseDataManager[DataSource]]]:
    """Make started managers on that database."""
    managers: list[DatabaseDataManager[DataSource]] = []

    def make(url: str = database) -> DatabaseDataManager[DataSource]:
        manager = DatabaseDataManager(SimpleETLFactory, [], url, "s", DataSource)
        managers.append(manager)
        manager.startup()
        return manager

    yield make
    for manager in managers:
        manager.close()


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
