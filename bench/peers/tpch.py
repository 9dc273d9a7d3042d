"""What others do with the CSV files of TPC-H and a database, without any check."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import polars as pl
import sqlalchemy as sa

from algomancy_data import DataType
from algomancy_data.schema.kinds import column_types
from peers import dlt_load
from tpch import SCHEMAS

if TYPE_CHECKING:
    from pathlib import Path

    from peers.database import Database

_ARROW: Final = {
    DataType.INTEGER: "int64",
    pl.Decimal(15, 2): "decimal 15 2",
    DataType.STRING: "string",
    pl.Date(): "date32",
}
_DUCKDB: Final = {
    DataType.INTEGER: "BIGINT",
    pl.Decimal(15, 2): "DECIMAL(15, 2)",
    DataType.STRING: "VARCHAR",
    pl.Date(): "DATE",
}


def by_polars(files: dict[str, Path], database: Database) -> None:
    for schema in SCHEMAS:
        name = schema.file_name()
        types = column_types(schema.datatypes())
        dtypes = {column: kind.dtype for column, kind in types.items()}
        if database.kind == "SQLite":  # whose ADBC driver takes no decimals
            amounts = [column for column, dtype in dtypes.items() if dtype.is_decimal()]
            dtypes |= dict.fromkeys(amounts, pl.Float64())
        frame = pl.read_csv(files[name], schema=dtypes)
        frame.write_database(name, database.url, engine="adbc")


def by_duckdb(files: dict[str, Path], database: Database) -> None:
    with database.attached() as connection:
        connection.execute("BEGIN")
        for schema in SCHEMAS:
            name = schema.file_name()
            types = {column: _DUCKDB[dtype] for column, dtype in schema.datatypes().items()}
            connection.execute(
                f"CREATE TABLE place.{name} AS FROM read_csv(?, header = true, columns = {types})",
                [str(files[name])],
            )
        connection.execute("COMMIT")


class DLT:
    """A process that has imported dlt and waits until it shall load.

    Args:
        files: The CSV files by table.
        folder: For dlt's own files.
    """

    def __init__(self, files: dict[str, Path], folder: Path) -> None:
        self._folder = folder
        self._tables = [
            (
                schema.file_name(),
                str(files[schema.file_name()]),
                {column: _ARROW[dtype] for column, dtype in schema.datatypes().items()},
            )
            for schema in SCHEMAS
        ]

    def start(self, url: str) -> None:
        """Get ready to load into a database."""
        shutil.rmtree(self._folder, ignore_errors=True)
        place = sa.make_url(url)
        if place.get_backend_name() == "postgresql":
            # dlt wants a host and a password; the socket in the query counts.
            place = place.set(host="localhost", password="none")  # noqa: S106  it has none
        asked = {
            "destination": place.get_backend_name(),
            "url": place.render_as_string(hide_password=False),
            "folder": str(self._folder),
            "tables": self._tables,
        }
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter and file
            [sys.executable, dlt_load.__file__, json.dumps(asked)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._wait_for("ready")

    def load(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        self._wait_for("done")

    def close(self) -> None:
        self._process.communicate()

    def _wait_for(self, word: str) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == word:
                return
        raise AssertionError(f"dlt ended with status {self._process.wait()} instead of {word}.")
