"""Both databases beside what users would write themselves with Polars."""

from __future__ import annotations

import itertools
import time
from contextlib import closing
from typing import TYPE_CHECKING

import polars as pl
import pytest
import sqlalchemy as sa
from adbc_driver_postgresql import dbapi as postgresql_driver
from adbc_driver_sqlite import dbapi as sqlite_driver

from algomancy_data import DataClassification, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.database.models import datasets_table
from algomancy_data.testing.workloads import SCHEMAS, frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DATASET = "d"
FULL_DATASETS, TEST_DATASETS = 10_000, 20
_numbers = itertools.count()


@pytest.fixture(scope="module")
def tables(rows: int) -> dict[str, pl.DataFrame]:
    return frames(rows)


@pytest.fixture
def source(tables: dict[str, pl.DataFrame]) -> DataSource:
    source = DataSource(DataClassification.MASTER_DATA, name=DATASET)
    source.tables = tables
    return source


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Make databases of the kind that the test is about, ``sqlite`` or ``postgresql``."""

    def make() -> str:
        name = f"bench_{next(_numbers)}"
        if request.param == "sqlite":
            return f"sqlite:///{tmp_path / name}.db"
        server = sa.make_url(request.getfixturevalue("postgresql"))
        with (
            closing(postgresql_driver.connect(plain(server), autocommit=True)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"CREATE DATABASE {name}")
        return plain(server.set(database=name))

    return make


def plain(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def opened() -> Iterator[Callable[[str], DatabaseDataManager[DataSource]]]:
    managers: list[DatabaseDataManager[DataSource]] = []

    def open_(url: str) -> DatabaseDataManager[DataSource]:
        manager = DatabaseDataManager(SimpleETLFactory, SCHEMAS, url, "bench", DataSource)
        manager.startup()
        managers.append(manager)
        return manager

    yield open_
    for manager in managers:
        manager.close()


def connected(url: str) -> sqlite_driver.Connection | postgresql_driver.Connection:
    if url.startswith("sqlite"):
        return sqlite_driver.connect(url.removeprefix("sqlite:///"))
    return postgresql_driver.connect(url)


sqlite = pytest.mark.parametrize("new_url", ["sqlite"], indirect=True)
postgresql = pytest.mark.parametrize("new_url", ["postgresql"], indirect=True)


def persist_beside_write_database(beside, new_url, opened, source, tables) -> None:
    places: dict[str, object] = {}

    def renew() -> None:
        places.update(ours=opened(new_url()), other=new_url())

    def write_database() -> None:
        for name, frame in tables.items():
            frame.write_database(name, places["other"], engine="adbc")

    beside(lambda: places["ours"].add_data_source(source), write_database, renew)
    places["ours"].refresh()
    assert_same(places["ours"].get_data(DATASET), tables)


def load_beside_read_database(beside, new_url, opened, source, tables) -> None:
    url = new_url()
    manager = opened(url)
    manager.add_data_source(source)

    def renew() -> None:
        manager.close()
        manager.refresh()

    def read_database() -> None:
        with closing(connected(url)) as connection:
            for name in tables:
                pl.read_database(f'SELECT * FROM "ds__bench__d__{name}"', connection)

    beside(lambda: manager.get_data(DATASET), read_database, renew)
    assert_same(manager.get_data(DATASET), tables)


@sqlite
def test_sqlite_persist_beside_write_database(beside, new_url, opened, source, tables) -> None:
    persist_beside_write_database(beside, new_url, opened, source, tables)


@postgresql
def test_postgresql_persist_beside_write_database(beside, new_url, opened, source, tables) -> None:
    persist_beside_write_database(beside, new_url, opened, source, tables)


@sqlite
def test_sqlite_load_beside_read_database(beside, new_url, opened, source, tables) -> None:
    load_beside_read_database(beside, new_url, opened, source, tables)


@postgresql
def test_postgresql_load_beside_read_database(beside, new_url, opened, source, tables) -> None:
    load_beside_read_database(beside, new_url, opened, source, tables)


@sqlite
def test_sqlite_derive_beside_persist(beside, new_url, opened, source, tables) -> None:
    managers: list[DatabaseDataManager[DataSource]] = []

    def renew() -> None:
        managers[:] = [opened(new_url()), opened(new_url())]
        managers[0].add_data_source(source)

    beside(
        lambda: managers[0].derive_data(DATASET, "derived"),
        lambda: managers[1].add_data_source(source),
        renew,
    )
    managers[0].refresh()
    assert_same(managers[0].get_data("derived"), tables)


@sqlite
def test_sqlite_startup_of_many_datasets(within, new_url, opened, measuring) -> None:
    startup_of_many_datasets(within, new_url(), opened, measuring)


@postgresql
def test_postgresql_startup_of_many_datasets(within, new_url, opened, measuring) -> None:
    startup_of_many_datasets(within, new_url(), opened, measuring)


def startup_of_many_datasets(within, url, opened, measuring) -> None:
    count = FULL_DATASETS if measuring else TEST_DATASETS
    make_datasets(opened(url), count)

    def startup() -> float:
        manager = DatabaseDataManager(SimpleETLFactory, SCHEMAS, url, "bench", DataSource)
        start = time.perf_counter()
        manager.startup()
        seconds = time.perf_counter() - start
        assert len(manager.get_data_keys()) == count
        manager.close()
        return seconds

    within(startup)


def make_datasets(manager: DatabaseDataManager[DataSource], count: int) -> None:
    """Write one dataset, and the others by copying its table's declaration and its row."""
    source = DataSource(DataClassification.MASTER_DATA, name="d0")
    source.add_table("t", pl.DataFrame({"number": [1], "text": ["x"], "float": [1.5]}))
    manager.add_data_source(source)
    first = "ds__bench__d0__t"
    for start in range(1, count, 1_000):
        with manager.engine.begin() as connection:
            (row,) = connection.execute(sa.select(datasets_table).filter_by(name="d0")).mappings()
            ddl = f'CREATE TABLE "{first}" (LIKE "{first}")'
            if connection.dialect.name == "sqlite":
                ddl = connection.scalar(
                    sa.text("SELECT sql FROM sqlite_master WHERE name = :first"), {"first": first}
                )
            names = [f"d{number}" for number in range(start, min(start + 1_000, count))]
            for name in names:
                connection.exec_driver_sql(ddl.replace(first, f"ds__bench__{name}__t", 1))
            connection.execute(
                sa.insert(datasets_table), [{**row, "name": name, "id": name} for name in names]
            )


def assert_same(source: DataSource | None, tables: dict[str, pl.DataFrame]) -> None:
    assert source is not None
    for name, frame in tables.items():
        assert source.get_table(name).equals(frame)
        assert source.get_table(name).schema == frame.schema
