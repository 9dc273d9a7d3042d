"""Databases in a PostgreSQL server, and what only they offer."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import quote

import duckdb_extension_postgres_scanner
import psycopg
import sqlalchemy as sa
from adbc_driver_postgresql import dbapi

from algomancy_data.database.postgresql import codec
from harness import Way
from peers.checks import kind
from peers.database import Database, stored, write_database

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from peers.database import Frames, Write

    Form = Literal["text", "binary"]

COPY_CHUNK = 1 << 20
COLUMN_TYPES = {
    "integer": "bigint",
    "float": "double precision",
    "text": "text",
    "datetime": "timestamp",
    "bool": "boolean",
}


class PostgreSQL(Database):
    """A database in a server, made anew.

    Args:
        server: The URL of another one there.
        name: How to call it.
    """

    kind = "PostgreSQL"
    driver = psycopg
    dialect = "postgresql+psycopg"
    adbc_driver = dbapi
    scanner = duckdb_extension_postgres_scanner
    scanned = "postgres"
    row = "ctid"

    def __init__(self, server: str, name: str) -> None:
        database = f"bench_{name}"
        with psycopg.connect(server, autocommit=True) as connection:
            # A benchmark that failed may have left a connection.
            connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{database}"')
            # A scan of a large table would begin where another one is, and so would its rows.
            connection.execute(f'ALTER DATABASE "{database}" SET synchronize_seqscans = off')
        url = text(sa.make_url(server).set(database=database))
        super().__init__(url, url)

    def empty(self) -> None:
        """Drop all tables, and have done with what the server still has to write."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
            connection.execute("CHECKPOINT")

    def new(self, name: str) -> Self:
        return type(self)(self.url, name)

    @property
    def connectorx(self) -> str:
        """Return the URL with the socket's folder as the host."""
        url = sa.make_url(self.url)
        folder = url.query.get("host")
        if folder is None:
            return self.url
        return text(url.set(query={}, host=quote(str(folder), safe="")))

    def own_writes(self, tables: Frames) -> list[Way]:
        other = self.new("own_writes")
        write_database(tables)(other)
        writes = {
            "bare adbc_ingest": bare_ingest(tables),
            "limit: COPY TEXT of a ready stream": copy_in(tables, other, "text"),
            "limit: COPY BINARY of a ready stream": copy_in(tables, other, "binary"),
        }
        return [stored(name, write, other, tables) for name, write in writes.items()]

    def own_read(self, tables: Frames, names: dict[str, str]) -> Way:
        return Way(
            "limit: COPY BINARY into bytes",
            lambda: copy_out(self, [names[name] for name in tables], "binary"),
            remark="no columns are made",
        )


def text(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)


def bare_ingest(tables: Frames) -> Write:
    """Return the way of the driver alone, to which columns come encoded."""
    encoded = {name: codec.encode(frame, codec.plan(frame, name)) for name, frame in tables.items()}

    def write(database: Database) -> None:
        with database.adbc() as connection, connection.cursor() as cursor:
            for name, frame in encoded.items():
                cursor.adbc_ingest(name, frame, mode="create")
            connection.commit()

    return write


def copy_out(database: Database, tables: Iterable[str], form: Form) -> list[bytes]:
    """Return what COPY takes, as a server gives it."""
    streams: list[bytes] = []
    with psycopg.connect(database.url) as connection, connection.cursor() as cursor:
        for table in tables:
            stream = io.BytesIO()
            with cursor.copy(f'COPY "{table}" TO STDOUT (FORMAT {form})') as copy:
                for chunk in copy:
                    stream.write(chunk)
            streams.append(stream.getvalue())
    return streams


def copy_in(tables: Frames, filled: Database, form: Form) -> Write:
    """Return the limit: the server stores rows that come in its own format."""
    streams = copy_out(filled, tables, form)

    def write(database: Database) -> None:
        with psycopg.connect(database.url) as connection, connection.cursor() as cursor:
            for (name, frame), stream in zip(tables.items(), streams, strict=True):
                cursor.execute(f'CREATE TABLE "{name}" ({declared(frame)})')
                rows = memoryview(stream)
                with cursor.copy(f'COPY "{name}" FROM STDIN (FORMAT {form})') as copy:
                    for start in range(0, len(rows), COPY_CHUNK):
                        copy.write(rows[start : start + COPY_CHUNK])

    return write


def declared(frame: pl.DataFrame) -> str:
    return ", ".join(f'"{column.name}" {COLUMN_TYPES[kind(column.dtype)]}' for column in frame)
