"""Ten million rows of eight columns, from CSV with their keys checked, into databases."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import polars as pl
import pytest

from algomancy_data.testing.workloads import SCHEMAS, frames, write_csv
from etl_contest import dtypes_of
from harness import Way
from peers.checks import stored_rows
from peers.postgresql import PostgreSQL
from peers.sqlite import SQLite
from stores import load_files, open_manager, physical_names

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Race
    from peers.database import Database
    from peers.server import Server

pytestmark = [pytest.mark.long, pytest.mark.full]

TIMES = 10
DUCKDB_TYPES = {
    pl.Int64(): "BIGINT",
    pl.Float64(): "DOUBLE",
    pl.String(): "VARCHAR",
    pl.Datetime("us"): "TIMESTAMP",
    pl.Boolean(): "BOOLEAN",
}


@pytest.fixture(scope="module")
def many(rows: int) -> dict[str, pl.DataFrame]:
    return frames(rows * TIMES)


@pytest.fixture(scope="module")
def files(
    many: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    return write_csv(many, tmp_path_factory.mktemp("many"))


@pytest.fixture(params=["SQLite", "PostgreSQL", "PostgreSQL over TCP"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Database]:
    """Return where ours goes, and what that is called."""
    if request.param == "SQLite":
        return request.param, SQLite(tmp_path / "ours.db")
    server: Server = request.getfixturevalue("server")
    urls = {"PostgreSQL": server.by_unix_socket, "PostgreSQL over TCP": server.by_tcp}
    return request.param, PostgreSQL(urls[request.param], "many")


def load_checked(files: dict[str, Path], database: Database) -> None:
    manager = open_manager(database.url)
    result = load_files(manager, files)
    manager.close()
    assert result.is_success, result.messages


def by_duckdb(files: dict[str, Path], database: Database) -> None:
    with database.attached() as connection:
        connection.execute("BEGIN")
        for schema in SCHEMAS:
            name = schema.file_name()
            types = {column: DUCKDB_TYPES[dtype] for column, dtype in dtypes_of(schema).items()}
            connection.execute(
                f"CREATE TABLE place.{name} AS FROM "
                f"read_csv(?, header = true, delim = ';', columns = {types})",
                [str(files[name])],
            )
        connection.execute("COMMIT")


def test_load(
    race: Race,
    place: tuple[str, Database],
    files: dict[str, Path],
    many: dict[str, pl.DataFrame],
) -> None:
    name, database = place
    other = database.new("duckdb")
    names = physical_names(many)

    def check(where: Database, tables: dict[str, pl.DataFrame]) -> None:
        with closing(where.connect()) as connection:
            stored_rows(connection.cursor(), tables)

    race(
        f"CSV, keys checked, {name}",
        Way(
            "algomancy-data",
            lambda: load_checked(files, database),
            database.empty,
            database.empty,
            lambda _: check(database, {names[name]: frame for name, frame in many.items()}),
        ),
        [
            Way(
                "DuckDB ATTACH",
                lambda: by_duckdb(files, other),
                other.empty,
                other.empty,
                lambda _: check(other, many),
                "no check",
            )
        ],
        workload="ten million rows",
        rows=many["orders"].height,
        rounds=1,
    )
