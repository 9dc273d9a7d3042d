"""The store in a database beside what users would do instead."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pandas as pd
import polars as pl
import pytest

from harness import SLOW, Way
from peers import pandas_package
from peers.checks import same_tables, to_pandas
from peers.database import reads, stored, to_sql, write_database, writes
from stores import DATASET, Store, first_load, loads_again, physical_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from algomancy_data import DataSource
    from harness import Race
    from peers.database import Database


@pytest.fixture
def full(store: Store, source: DataSource) -> Store:
    """Return a store that has the dataset, and nothing of it in memory."""
    store.refill(source)
    store.reopen()
    return store


@pytest.fixture
def another(database: Database) -> Iterator[Store]:
    store = Store(database.new("another"))
    yield store
    store.close()


def persist_way(store: Store, source: DataSource, tables: dict[str, pl.DataFrame]) -> Way:
    return Way(
        "persist",
        lambda: store.manager.add_data_source(source),
        before=store.renew,
        check=lambda _result: loads_again(store, DATASET, tables),
    )


def test_persist(
    race: Race,
    database: Database,
    store: Store,
    source: DataSource,
    tables: dict[str, pl.DataFrame],
    fewer: dict[str, pl.DataFrame],
) -> None:
    ours = persist_way(store, source, tables)
    race(f"persist to {database.kind}", ours, writes(tables, fewer, database))


def test_first_load(
    race: Race,
    database: Database,
    full: Store,
    tables: dict[str, pl.DataFrame],
    fewer: dict[str, pl.DataFrame],
) -> None:
    full.close()  # and with it what is still in the log of a file
    peers = reads(tables, fewer, physical_names(tables), database)
    full.open()
    race(
        f"first load from {database.kind}",
        first_load(full, tables),
        peers,
    )


def test_partial_load(
    race: Race, database: Database, full: Store, tables: dict[str, pl.DataFrame]
) -> None:
    columns = ["order_id", "amount"]
    expected = tables["orders"].filter(pl.col("status") == "returned").select(columns)
    name = physical_names(tables)["orders"]
    query = f"""SELECT {", ".join(columns)} FROM "{name}" WHERE status = 'returned'"""
    query += f" ORDER BY {database.row}"  # several processes of PostgreSQL may scan a table
    full.close()
    copy = database.copy()
    full.open()

    def read_database() -> pl.DataFrame:
        with database.adbc() as connection:
            return pl.read_database(query, connection)

    def read_sql() -> pd.DataFrame:
        with copy.engine() as engine:
            return pd.read_sql(query, engine)

    def check(found: pl.DataFrame | pd.DataFrame) -> str | None:
        return same_tables({"orders": found}, {"orders": expected})

    race(
        f"partial load from {database.kind}",
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
    database: Database,
    store: Store,
    another: Store,
    source: DataSource,
    tables: dict[str, pl.DataFrame],
    fewer: dict[str, pl.DataFrame],
) -> None:
    frames = to_pandas(fewer)

    def by_pandas(place: Database) -> None:
        to_sql(pandas_package.derive(DATASET, frames))(place)

    race(
        f"derive in {database.kind}",
        Way(
            "derive_data",
            lambda: store.manager.derive_data(DATASET, "derived"),
            before=lambda: store.refill(source),
            check=lambda _result: loads_again(store, "derived", tables),
        ),
        [
            persist_way(another, source, tables),
            stored("pandas package", by_pandas, database.new("pandas"), fewer, share=SLOW),
        ],
    )


def test_delete(
    race: Race,
    database: Database,
    store: Store,
    source: DataSource,
    tables: dict[str, pl.DataFrame],
) -> None:
    other = database.new("other")

    def fill_other() -> None:
        other.empty()
        write_database(tables)(other)

    def drop() -> None:
        with closing(other.connect()) as connection:
            cursor = connection.cursor()
            for name in tables:
                cursor.execute(f'DROP TABLE "{name}"')
            connection.commit()

    race(
        f"delete from {database.kind}",
        Way(
            "delete_data",
            lambda: store.manager.delete_data(DATASET),
            before=lambda: store.refill(source),
            check=lambda _result: store.is_empty(),
        ),
        [Way(f"{database.driver.__name__} DROP TABLE", drop, before=fill_other)],
    )
