"""The store in PostgreSQL beside what users would do instead."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pandas as pd
import polars as pl
import psycopg
import pytest
from adbc_driver_postgresql import dbapi

from harness import Way
from peers import pandas_package
from peers import postgresql as peers
from peers.checks import same_tables, to_pandas
from stores import DATASET, Store, loads_again, physical_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from algomancy_data import DataSource
    from harness import Race


@pytest.fixture(scope="module")
def url(postgresql: str) -> str:
    """Return our database."""
    return peers.new_database(postgresql, "bench_ours")


@pytest.fixture(scope="module")
def elsewhere(postgresql: str) -> str:
    """Return the database of the peers."""
    return peers.new_database(postgresql, "bench_peers")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(lambda: url, lambda: peers.empty(url))
    yield store
    store.close()


@pytest.fixture
def full(store: Store, source: DataSource) -> Store:
    """Return a store that has the dataset, and nothing of it in memory."""
    store.renew()
    store.manager.add_data_source(source)
    store.reopen()
    return store


def persist_way(store: Store, source: DataSource, tables: dict[str, pl.DataFrame]) -> Way:
    return Way(
        "persist",
        lambda: store.manager.add_data_source(source),
        before=store.renew,
        check=lambda _result: loads_again(store, DATASET, tables),
    )


def test_persist(
    race: Race,
    store: Store,
    source: DataSource,
    tables: dict[str, pl.DataFrame],
    elsewhere: str,
) -> None:
    ours = persist_way(store, source, tables)
    race("persist to PostgreSQL", ours, peers.persist(tables, elsewhere))


def test_first_load(
    race: Race, full: Store, url: str, tables: dict[str, pl.DataFrame], elsewhere: str
) -> None:
    peers.empty(elsewhere)
    peers.write_database(tables, "adbc")(elsewhere)  # the same types as to_sql, and faster
    race(
        "first load from PostgreSQL",
        Way(
            "get_data",
            lambda: full.manager.get_data(DATASET),
            before=full.reopen,
            check=lambda found: same_tables(found.tables, tables),
        ),
        peers.first_load(tables, physical_names(tables), url, elsewhere),
    )


def test_partial_load(race: Race, full: Store, url: str, tables: dict[str, pl.DataFrame]) -> None:
    columns = ["order_id", "amount"]
    expected = tables["orders"].filter(pl.col("status") == "returned").select(columns)
    name = physical_names(tables)["orders"]
    query = f"""SELECT order_id, amount FROM "{name}" WHERE status = 'returned' ORDER BY ctid"""

    def read_database() -> pl.DataFrame:
        with closing(dbapi.connect(url)) as connection:
            return pl.read_database(query, connection)

    def read_sql() -> pd.DataFrame:
        engine = peers.engine_of(url)
        found = pd.read_sql(query, engine)
        engine.dispose()
        return found

    def check(found: pl.DataFrame | pd.DataFrame) -> str | None:
        return same_tables({"orders": found}, {"orders": expected})

    race(
        "partial load from PostgreSQL",
        Way(
            "get_table",
            lambda: full.manager.get_table(
                DATASET, "orders", columns, pl.col("status") == "returned"
            ),
            before=full.reopen,
            check=check,
        ),
        [
            Way("pandas read_sql", read_sql, check=check),
            Way("polars read_database (adbc)", read_database, check=check),
        ],
    )


def test_derive(
    race: Race,
    store: Store,
    source: DataSource,
    tables: dict[str, pl.DataFrame],
    elsewhere: str,
) -> None:
    frames = to_pandas(tables)
    other = Store(lambda: elsewhere, lambda: peers.empty(elsewhere))

    def fill() -> None:
        store.renew()
        store.manager.add_data_source(source)

    def by_pandas(place: str) -> None:
        peers.to_sql(pandas_package.derive(DATASET, frames))(place)

    race(
        "derive in PostgreSQL",
        Way(
            "derive_data",
            lambda: store.manager.derive_data(DATASET, "derived"),
            before=fill,
            check=lambda _result: loads_again(store, "derived", tables),
        ),
        [
            persist_way(other, source, tables),
            peers.stored("pandas package", by_pandas, elsewhere, tables),
        ],
    )
    other.close()


def test_delete(
    race: Race,
    store: Store,
    source: DataSource,
    tables: dict[str, pl.DataFrame],
    elsewhere: str,
) -> None:
    def fill() -> None:
        store.renew()
        store.manager.add_data_source(source)

    def fill_other() -> None:
        peers.empty(elsewhere)
        peers.write_database(tables, "adbc")(elsewhere)

    def drop() -> None:
        with psycopg.connect(elsewhere) as connection:
            for name in tables:
                connection.execute(f'DROP TABLE "{name}"')

    race(
        "delete from PostgreSQL",
        Way(
            "delete_data",
            lambda: store.manager.delete_data(DATASET),
            before=fill,
            check=lambda _result: store.is_empty(),
        ),
        [Way("psycopg DROP TABLE", drop, before=fill_other)],
    )
