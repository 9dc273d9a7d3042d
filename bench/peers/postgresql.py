"""PostgreSQL, as users would write and read it without us."""

from __future__ import annotations

import io
from contextlib import closing
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

import duckdb
import duckdb_extension_postgres_scanner
import pandas as pd
import polars as pl
import psycopg
import sqlalchemy as sa
from adbc_driver_postgresql import dbapi

from algomancy_data.database.codec import postgresql as codec
from harness import Way
from peers.checks import kind, same_tables, stored_rows, to_pandas
from peers.duckdb_extensions import load

if TYPE_CHECKING:
    from collections.abc import Callable

COPY_CHUNK = 1 << 20
COLUMN_TYPES = {
    "integer": "bigint",
    "float": "double precision",
    "text": "text",
    "datetime": "timestamp",
    "bool": "boolean",
}


def new_database(server: str, name: str) -> str:
    """Make a database on a server, and return its URL."""
    url = sa.make_url(server).set(drivername="postgresql")
    with psycopg.connect(text(url), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return text(url.set(database=name))


def text(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)


def empty(url: str) -> None:
    """Drop all tables, and have done with what the server still has to write."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        connection.execute("CHECKPOINT")


def persist(tables: dict[str, pl.DataFrame], url: str) -> list[Way]:
    """Return the ways to write the tables into a database that is emptied, and checked there."""
    writers = {
        "pandas to_sql": to_sql(to_pandas(tables)),
        "polars write_database (adbc)": write_database(tables, "adbc"),
        "polars write_database (sqlalchemy)": write_database(tables, "sqlalchemy"),
        "DuckDB ATTACH": attach_and_create(tables),
        "bare adbc_ingest": bare_ingest(tables),
    }
    ways = [stored(name, write, url, tables) for name, write in writers.items()]
    empty(url)
    write_database(tables, "adbc")(url)
    for form in ("text", "binary"):
        copied = copy_in(tables, ready_streams(tables, url, form), form)
        ways.append(stored(f"limit: COPY {form.upper()} of a ready stream", copied, url, tables))
    return ways


def stored(
    name: str, write: Callable[[str], object], url: str, tables: dict[str, pl.DataFrame]
) -> Way:
    def check(_result: object) -> None:
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            stored_rows(cursor, {name: name for name in tables}, tables)

    return Way(name, lambda: write(url), before=lambda: empty(url), check=check)


def to_sql(frames: dict[str, pd.DataFrame]) -> Callable[[str], None]:
    def write(url: str) -> None:
        engine = engine_of(url)
        for name, frame in frames.items():
            frame.to_sql(name, engine, index=False)
        engine.dispose()

    return write


def engine_of(url: str) -> sa.Engine:
    return sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))


def write_database(
    tables: dict[str, pl.DataFrame], engine: Literal["adbc", "sqlalchemy"]
) -> Callable[[str], None]:
    def by_adbc(url: str) -> None:
        for name, frame in tables.items():
            frame.write_database(name, url, engine="adbc")

    def by_sqlalchemy(url: str) -> None:
        place = engine_of(url)
        with place.begin() as connection:
            for name, frame in tables.items():
                frame.write_database(name, connection, engine="sqlalchemy")
        place.dispose()

    return by_adbc if engine == "adbc" else by_sqlalchemy


def attach_and_create(tables: dict[str, pl.DataFrame]) -> Callable[[str], None]:
    def write(url: str) -> None:
        with duckdb.connect() as connection:
            load(connection, duckdb_extension_postgres_scanner)
            connection.execute(f"ATTACH '{url}' AS place (TYPE postgres)")
            for name, frame in tables.items():
                connection.register("frame", frame)
                connection.execute(f"CREATE TABLE place.{name} AS SELECT * FROM frame")

    return write


def bare_ingest(tables: dict[str, pl.DataFrame]) -> Callable[[str], None]:
    """Return the way of the driver alone, to which columns come encoded."""
    encoded = {name: codec.encode(frame, codec.plan(frame, name)) for name, frame in tables.items()}

    def write(url: str) -> None:
        with closing(dbapi.connect(url)) as connection, connection.cursor() as cursor:
            for name, frame in encoded.items():
                cursor.adbc_ingest(name, frame, mode="create")
            connection.commit()

    return write


def ready_streams(tables: dict[str, pl.DataFrame], url: str, form: str) -> dict[str, bytes]:
    """Return what COPY takes, as a server gave it."""
    streams = {}
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for name in tables:
            stream = io.BytesIO()
            with cursor.copy(f'COPY "{name}" TO STDOUT (FORMAT {form})') as copy:
                for chunk in copy:
                    stream.write(chunk)
            streams[name] = stream.getvalue()
    return streams


def copy_in(
    tables: dict[str, pl.DataFrame], streams: dict[str, bytes], form: str
) -> Callable[[str], None]:
    """Return the limit: the server stores rows that come in its own format."""

    def write(url: str) -> None:
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            for name, frame in tables.items():
                columns = declared(frame)
                cursor.execute(f'CREATE TABLE "{name}" ({columns})')
                stream = memoryview(streams[name])
                with cursor.copy(f'COPY "{name}" FROM STDIN (FORMAT {form})') as copy:
                    for start in range(0, len(stream), COPY_CHUNK):
                        copy.write(stream[start : start + COPY_CHUNK])

    return write


def declared(frame: pl.DataFrame) -> str:

    return ", ".join(f'"{column.name}" {COLUMN_TYPES[kind(column.dtype)]}' for column in frame)


def first_load(
    tables: dict[str, pl.DataFrame], names: dict[str, str], url: str, of_pandas: str
) -> list[Way]:
    """Return the ways to read the tables.

    Args:
        tables: What is in the databases.
        names: How the tables are called in the first database.
        url: Of the database that we wrote.
        of_pandas: Of one that pandas wrote.
    """

    def read_sql() -> dict[str, pd.DataFrame]:
        engine = engine_of(of_pandas)
        found = {name: pd.read_sql(name, engine) for name in tables}
        engine.dispose()
        return found

    def read_database_adbc() -> dict[str, pl.DataFrame]:
        with closing(dbapi.connect(url)) as connection:
            return {name: pl.read_database(query(names[name]), connection) for name in tables}

    def read_database_sqlalchemy() -> dict[str, pl.DataFrame]:
        engine = engine_of(url)
        found = {name: pl.read_database(query(names[name]), engine) for name in tables}
        engine.dispose()
        return found

    def fetch_arrow() -> dict[str, pl.DataFrame]:
        found = {}
        with closing(dbapi.connect(url)) as connection, connection.cursor() as cursor:
            for name in tables:
                cursor.execute(query(names[name]))
                found[name] = pl.DataFrame(cursor.fetch_arrow_table())
        return found

    def connectorx() -> dict[str, pl.DataFrame]:
        place = with_socket_as_host(url)
        return {name: pl.read_database_uri(query(names[name]), place) for name in tables}

    def duckdb_attached() -> dict[str, pl.DataFrame]:
        with duckdb.connect() as connection:
            load(connection, duckdb_extension_postgres_scanner)
            connection.execute(f"ATTACH '{url}' AS place (TYPE postgres, READ_ONLY)")
            return {
                name: connection.execute(f'SELECT * FROM place."{names[name]}"').pl()
                for name in tables
            }

    def copy_out() -> None:
        ready_streams({names[name]: frame for name, frame in tables.items()}, url, "binary")

    def check(found: dict[str, pl.DataFrame | pd.DataFrame]) -> str | None:
        return same_tables(found, tables)

    return [
        Way("pandas read_sql", read_sql, check=check),
        Way("polars read_database (adbc)", read_database_adbc, check=check),
        Way("polars read_database (sqlalchemy)", read_database_sqlalchemy, check=check),
        Way("bare ADBC", fetch_arrow, check=check),
        Way("connectorx", connectorx, check=check),
        Way("DuckDB ATTACH", duckdb_attached, check=check),
        Way("limit: COPY BINARY into bytes", copy_out, remark="no columns are made"),
    ]


def with_socket_as_host(url: str) -> str:
    """Return a URL as connectorx reads it: the socket's folder is the host."""
    made = sa.make_url(url)
    folder = made.query.get("host")
    return url if folder is None else text(made.set(query={}, host=quote(str(folder), safe="")))


def query(table: str) -> str:
    return f'SELECT * FROM "{table}"'
