"""A thousand small datasets: what each one costs, where the rows cost nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import polars as pl
import pytest
import sqlalchemy as sa

from algomancy_data import DataClassification, DataSource
from algomancy_data.testing.workloads import orders
from harness import Way
from peers.checks import same_tables
from peers.sqlite import remove
from stores import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness import Race

WORKLOAD = "many datasets"
DATASET_SHARE = 1_000
ROWS = 1_000


@pytest.fixture
def names(rows: int) -> list[str]:
    """Return a name for each dataset: a thousand of them with the full rows, two in a test."""
    return [f"d{number}" for number in range(max(rows // DATASET_SHARE, 2))]


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return orders(ROWS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "ours.db"
    store = Store(lambda: f"sqlite:///{path}", lambda: remove(path))
    store.open()
    yield store
    store.close()


def dataset(name: str, table: pl.DataFrame) -> DataSource:
    source = DataSource(DataClassification.MASTER_DATA, name=name)
    source.add_table("orders", table)
    return source


def persist_all(store: Store, names: list[str], table: pl.DataFrame) -> None:
    for name in names:
        store.manager.add_data_source(dataset(name, table))


def load_all(store: Store, names: list[str]) -> list[pl.DataFrame]:
    found = [store.manager.get_data(name) for name in names]
    return [source.get_table("orders") for source in found if source is not None]


def write_all(path: Path, names: list[str], table: pl.DataFrame) -> None:
    for name in names:
        table.write_database(name, f"sqlite:///{path}", engine="adbc")


def write_all_by_pandas(path: Path, names: list[str], table: pl.DataFrame) -> None:
    frame = table.to_pandas()
    engine = sa.create_engine(f"sqlite:///{path}")
    for name in names:
        frame.to_sql(name, engine, index=False)
    engine.dispose()


def tables_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]


def test_persist(
    race: Race, store: Store, names: list[str], table: pl.DataFrame, tmp_path: Path
) -> None:
    def way(name: str, write: Callable[[Path, list[str], pl.DataFrame], None]) -> Way:
        path = tmp_path / f"{name.split(maxsplit=1)[0]}.db"

        def check(_result: object) -> None:
            assert sorted(tables_in(path)) == sorted(names)

        return Way(
            name, lambda: write(path, names, table), before=lambda: remove(path), check=check
        )

    def all_there(_result: object) -> None:
        store.reopen()
        assert store.manager.get_data_keys() == names
        assert all(found.equals(table) for found in load_all(store, names))

    race(
        "persist to SQLite",
        Way(
            "add_data_source",
            lambda: persist_all(store, names, table),
            before=store.renew,
            check=all_there,
        ),
        [
            way("polars write_database (adbc)", write_all),
            way("pandas to_sql", write_all_by_pandas),
        ],
        workload=WORKLOAD,
        rows=ROWS * len(names),
        rounds=3,
    )


def test_startup(
    race: Race, store: Store, names: list[str], table: pl.DataFrame, tmp_path: Path
) -> None:
    persist_all(store, names, table)
    path = tmp_path / "others.db"
    write_all(path, names, table)

    def start() -> list[str]:
        store.reopen()
        return store.manager.get_data_keys()

    def check_names(found: list[str]) -> None:
        assert sorted(found) == sorted(names)

    race(
        "startup of SQLite",
        Way("startup, get_data_keys", start, before=store.close, check=check_names),
        [Way("names in sqlite_master", lambda: tables_in(path), check=check_names)],
        workload=WORKLOAD,
        rows=ROWS * len(names),
    )


def test_load(
    race: Race, store: Store, names: list[str], table: pl.DataFrame, tmp_path: Path
) -> None:
    persist_all(store, names, table)
    path = tmp_path / "others.db"
    write_all(path, names, table)
    url = f"sqlite:///{path}"

    def read_all() -> list[pl.DataFrame]:
        return [pl.read_database_uri(f"SELECT * FROM {name}", url, engine="adbc") for name in names]

    def check(found: list[pl.DataFrame]) -> None:
        assert len(found) == len(names)
        assert all(frame.equals(table) for frame in found)

    race(
        "first load from SQLite",
        Way("get_data", lambda: load_all(store, names), before=store.reopen, check=check),
        [
            Way(
                "polars read_database (adbc)",
                read_all,
                check=lambda found: same_tables(
                    dict(zip(names, found, strict=True)), dict.fromkeys(names, table)
                ),
            )
        ],
        workload=WORKLOAD,
        rows=ROWS * len(names),
        rounds=3,
    )
