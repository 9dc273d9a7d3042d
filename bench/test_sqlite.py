"""The store in a SQLite file beside what users would do instead."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pandas as pd
import polars as pl
import pytest
import sqlalchemy as sa
from adbc_driver_sqlite import dbapi

from harness import Way
from peers import pandas_package, sqlite
from peers.checks import same_tables, to_pandas
from stores import DATASET, Store, loads_again, physical_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from algomancy_data import DataSource
    from harness import Race


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ours.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store(lambda: f"sqlite:///{path}", lambda: sqlite.remove(path))
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
    race: Race, store: Store, source: DataSource, tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    race("persist to SQLite", persist_way(store, source, tables), sqlite.persist(tables, tmp_path))


def test_first_load(
    race: Race, full: Store, path: Path, tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    copy, of_pandas = tmp_path / "copy.db", tmp_path / "pandas.db"
    full.close()  # and with it what is still in the log
    shutil.copy(path, copy)
    sqlite.to_sql(to_pandas(tables))(of_pandas)
    full.open()
    race(
        "first load from SQLite",
        Way(
            "get_data",
            lambda: full.manager.get_data(DATASET),
            before=full.reopen,
            check=lambda found: same_tables(found.tables, tables),
        ),
        sqlite.first_load(tables, physical_names(tables), path, copy, of_pandas),
    )


def test_partial_load(
    race: Race, full: Store, path: Path, tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    columns = ["order_id", "amount"]
    expected = tables["orders"].filter(pl.col("status") == "returned").select(columns)
    name = physical_names(tables)["orders"]
    query = f"""SELECT order_id, amount FROM "{name}" WHERE status = 'returned'"""
    copy = tmp_path / "copy.db"
    full.close()
    shutil.copy(path, copy)
    full.open()

    def read_database() -> pl.DataFrame:
        with closing(dbapi.connect(str(path))) as connection:
            return pl.read_database(query, connection)

    def read_sql() -> pd.DataFrame:
        engine = sa.create_engine(f"sqlite:///{copy}")
        found = pd.read_sql(query, engine)
        engine.dispose()
        return found

    def check(found: pl.DataFrame | pd.DataFrame) -> str | None:
        return same_tables({"orders": found}, {"orders": expected})

    race(
        "partial load from SQLite",
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
    race: Race, store: Store, source: DataSource, tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    other = Store(
        lambda: f"sqlite:///{tmp_path / 'other.db'}", lambda: sqlite.remove(tmp_path / "other.db")
    )
    frames, copied = to_pandas(tables), tmp_path / "pandas.db"

    def fill() -> None:
        store.renew()
        store.manager.add_data_source(source)

    def by_pandas(place: Path) -> None:
        sqlite.to_sql(pandas_package.derive(DATASET, frames))(place)

    race(
        "derive in SQLite",
        Way(
            "derive_data",
            lambda: store.manager.derive_data(DATASET, "derived"),
            before=fill,
            check=lambda _result: loads_again(store, "derived", tables),
        ),
        [
            persist_way(other, source, tables),
            sqlite.stored("pandas package", by_pandas, copied, tables),
        ],
    )
    other.close()


def test_delete(
    race: Race, store: Store, source: DataSource, tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    path, frames = tmp_path / "dropped.db", to_pandas(tables)

    def fill() -> None:
        store.renew()
        store.manager.add_data_source(source)

    def fill_other() -> None:
        sqlite.remove(path)
        sqlite.write_database(tables, "adbc")(path)

    def drop() -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            for name in frames:
                connection.execute(f'DROP TABLE "{name}"')

    race(
        "delete from SQLite",
        Way(
            "delete_data",
            lambda: store.manager.delete_data(DATASET),
            before=fill,
            check=lambda _result: store.is_empty(),
        ),
        [Way("sqlite3 DROP TABLE", drop, before=fill_other)],
    )
