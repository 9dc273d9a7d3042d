"""Starting on a database with many datasets, none of which is read."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import polars as pl
import pytest
import sqlalchemy as sa
from adbc_driver_postgresql import dbapi as postgresql_driver
from adbc_driver_sqlite import dbapi as sqlite_driver

from algomancy_data import DataClassification, DataSource
from algomancy_data.database.models import datasets_table
from harness import Way
from peers import postgresql as peers
from stores import SESSION, Store, open_manager

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness import Race

DATASET_SHARE = 100
QUERY = f"SELECT name, ds_type, sub_tables FROM algomancy_datasets WHERE session_id = '{SESSION}'"


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "SQLite":
        return f"sqlite:///{tmp_path / 'ours.db'}"
    return peers.new_database(request.getfixturevalue("postgresql"), "bench_startup")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(lambda: url, lambda: None)
    yield store
    store.close()


def connected(url: str) -> sqlite_driver.Connection | postgresql_driver.Connection:
    if url.startswith("sqlite"):
        return sqlite_driver.connect(url.removeprefix("sqlite:///"))
    return postgresql_driver.connect(url)


def test_startup(
    race: Race, store: Store, url: str, rows: int, request: pytest.FixtureRequest
) -> None:
    count = rows // DATASET_SHARE
    make_datasets(url, count)

    def read_catalogue() -> int:
        with closing(connected(url)) as connection, connection.cursor() as cursor:
            cursor.execute(QUERY)
            return cursor.fetch_arrow_table().num_rows

    def has_all(found: int) -> None:
        assert found == count

    race(
        f"startup of {request.node.callspec.params['url']}",
        Way(
            "startup",
            store.open,
            before=store.close,
            check=lambda _result: has_all(len(store.manager.get_data_keys())),
        ),
        [Way("bare ADBC reads the catalogue", read_catalogue, check=has_all)],
        workload="many datasets",
        rows=count,
    )


def make_datasets(url: str, count: int) -> None:
    """Write one dataset, and the others by copying its table's declaration and its row."""
    manager = open_manager(url)
    source = DataSource(DataClassification.MASTER_DATA, name="d0")
    source.add_table("t", pl.DataFrame({"number": [1], "text": ["x"], "float": [1.5]}))
    manager.add_data_source(source)
    first = f"ds__{SESSION}__d0__t"
    for start in range(1, count, 1_000):
        with manager.engine.begin() as connection:
            (row,) = connection.execute(sa.select(datasets_table).filter_by(name="d0")).mappings()
            ddl: str | None = f'CREATE TABLE "{first}" (LIKE "{first}")'
            if connection.dialect.name == "sqlite":
                ddl = connection.scalar(
                    sa.text("SELECT sql FROM sqlite_master WHERE name = :first"), {"first": first}
                )
            assert ddl is not None
            names = [f"d{number}" for number in range(start, min(start + 1_000, count))]
            for name in names:
                connection.exec_driver_sql(ddl.replace(first, f"ds__{SESSION}__{name}__t", 1))
            connection.execute(
                sa.insert(datasets_table), [{**row, "name": name, "id": name} for name in names]
            )
    manager.close()
