"""A thousand small datasets: what each one costs, where the rows cost nothing."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import polars as pl
import pytest

from algomancy_data.testing.workloads import orders
from harness import SLOW, Way
from peers.checks import identical, same_tables
from peers.database import stored, to_sql, write_database
from peers.postgresql import PostgreSQL
from peers.sqlite import SQLite
from stores import source_of

if TYPE_CHECKING:
    from harness import Race
    from peers.database import Database
    from stores import Store

pytestmark = pytest.mark.parametrize("database", [SQLite, PostgreSQL], indirect=True)

WORKLOAD = "many datasets"
DATASET_SHARE = 1_000
ROWS = 1_000


@pytest.fixture(scope="module")
def tables(rows: int) -> dict[str, pl.DataFrame]:
    """Return a table for each dataset: a thousand of them with the full rows, two in a test."""
    names = (f"d{number}" for number in range(max(rows // DATASET_SHARE, 2)))
    return dict.fromkeys(names, orders(ROWS))


@pytest.fixture
def persisted(store: Store, tables: dict[str, pl.DataFrame]) -> Store:
    persist_all(store, tables)
    return store


@pytest.fixture
def other(database: Database, tables: dict[str, pl.DataFrame]) -> Database:
    """Return what others made of the tables."""
    other = database.new("others")
    write_database(tables)(other)
    return other


def persist_all(store: Store, tables: dict[str, pl.DataFrame]) -> None:
    for name, table in tables.items():
        store.manager.add_data_source(source_of({"orders": table}, name))


def load_all(store: Store, tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    found = {name: store.manager.get_data(name) for name in tables}
    return {name: source.get_table("orders") for name, source in found.items() if source}


def test_persist(
    race: Race, database: Database, store: Store, tables: dict[str, pl.DataFrame]
) -> None:
    def all_there(_result: object) -> None:
        store.reopen()
        assert store.manager.get_data_keys() == list(tables)
        identical(tables, load_all(store, tables))

    fewer = dict(islice(tables.items(), max(int(len(tables) * SLOW), 1)))
    frames = {name: table.to_pandas() for name, table in fewer.items()}
    writes = {
        "polars write_database (adbc)": (write_database(tables), 1),
        "pandas to_sql": (to_sql(frames), len(fewer) / len(tables)),
    }
    race(
        f"persist to {database.kind}",
        Way(
            "add_data_source",
            lambda: persist_all(store, tables),
            before=store.renew,
            check=all_there,
        ),
        [
            stored(
                name,
                write,
                database.new(name.split()[0]),
                fewer if share < 1 else tables,
                share=share,
            )
            for name, (write, share) in writes.items()
        ],
        workload=WORKLOAD,
        rows=ROWS * len(tables),
        rounds=2,
    )


def test_persist_in_one_call(
    race: Race, database: Database, store: Store, tables: dict[str, pl.DataFrame]
) -> None:
    def persist() -> None:
        store.manager.add_data_sources(
            source_of({"orders": table}, name) for name, table in tables.items()
        )

    def all_there(_result: object) -> None:
        store.reopen()
        identical(tables, load_all(store, tables))

    race(
        f"persist in one call to {database.kind}",
        Way("add_data_sources", persist, before=store.renew, check=all_there),
        [
            stored(
                "polars write_database (adbc)",
                write_database(tables),
                database.new("polars"),
                tables,
            )
        ],
        workload=WORKLOAD,
        rows=ROWS * len(tables),
        rounds=2,
    )


def test_load(
    race: Race,
    database: Database,
    persisted: Store,
    other: Database,
    tables: dict[str, pl.DataFrame],
) -> None:
    def read_all() -> dict[str, pl.DataFrame]:
        return {
            name: pl.read_database_uri(f"SELECT * FROM {name}", other.url, engine="adbc")
            for name in tables
        }

    race(
        f"first load from {database.kind}",
        Way(
            "get_data",
            lambda: load_all(persisted, tables),
            before=persisted.reopen,
            check=lambda found: identical(tables, found),
        ),
        [
            Way(
                "polars read_database (adbc)",
                read_all,
                check=lambda found: same_tables(found, tables),
            )
        ],
        workload=WORKLOAD,
        rows=ROWS * len(tables),
        rounds=2,
    )
