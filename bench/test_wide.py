"""A table of 1,000 columns, about as wide as both databases take it, and what is too wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from algomancy_data.errors import UnstorableError
from harness import Way
from peers.checks import same_tables
from peers.database import write_database
from stores import DATASET, first_load, loads_again, source_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Race
    from peers.database import Database
    from stores import Store

WORKLOAD = "wide table"
COLUMNS = 1_000
ROW_SHARE = 100
MOST_COLUMNS = {"SQLite": 2_000, "PostgreSQL": 1_600}


def wide(rows: int, columns: int = COLUMNS) -> pl.DataFrame:
    """Return numbers, texts and truth values in turns; a row fits on a page of PostgreSQL."""
    row = pl.int_range(rows, dtype=pl.Int64)
    makers: list[Callable[[int], pl.Expr]] = [
        lambda number: row * number,
        lambda number: (row % 997 * number) / 7,
        lambda number: pl.format("{}", (row + number) % 10_000),
        lambda number: (row + number) % 3 == 0,
    ]
    return pl.select(
        makers[number % len(makers)](number).alias(f"column_{number}") for number in range(columns)
    )


@pytest.fixture
def other(database: Database) -> Database:
    """Return the database of the others."""
    return database.new("others")


def read_back(other: Database) -> dict[str, pl.DataFrame]:
    return {"wide": pl.read_database_uri("SELECT * FROM wide", other.url, engine="adbc")}


def test_persist_wide(
    race: Race, database: Database, other: Database, store: Store, rows: int
) -> None:
    tables = {"wide": wide(max(rows // ROW_SHARE, 1))}
    source = source_of(tables)
    race(
        f"persist to {database.kind}",
        Way(
            "add_data_source",
            lambda: store.manager.add_data_source(source),
            before=store.renew,
            check=lambda _result: loads_again(store, DATASET, tables),
        ),
        [
            Way(
                "polars write_database (adbc)",
                lambda: write_database(tables)(other),
                before=other.empty,
                check=lambda _result: same_tables(read_back(other), tables),
            )
        ],
        workload=WORKLOAD,
        rows=tables["wide"].height,
        rounds=3,
    )


def test_load_wide(
    race: Race, database: Database, other: Database, store: Store, rows: int
) -> None:
    tables = {"wide": wide(max(rows // ROW_SHARE, 1))}
    store.manager.add_data_source(source_of(tables))
    write_database(tables)(other)
    race(
        f"first load from {database.kind}",
        first_load(store, tables),
        [
            Way(
                "polars read_database (adbc)",
                lambda: read_back(other),
                check=lambda found: same_tables(found, tables),
            )
        ],
        workload=WORKLOAD,
        rows=tables["wide"].height,
        rounds=3,
    )


def test_the_most_columns(database: Database, store: Store) -> None:
    # Truth values: as many numbers would not fit on a page of PostgreSQL.
    most = MOST_COLUMNS[database.kind]
    tables = {"wide": pl.select(pl.lit(value=True).alias(f"c{number}") for number in range(most))}
    store.manager.add_data_source(source_of(tables))
    loads_again(store, DATASET, tables)


def test_too_many_columns(database: Database, store: Store) -> None:
    most = MOST_COLUMNS[database.kind]
    with pytest.raises(UnstorableError, match=f"at most {most:,}"):
        store.manager.add_data_source(source_of({"wide": wide(1, most + 1)}))
    store.is_empty()
