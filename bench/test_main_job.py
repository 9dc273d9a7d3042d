"""The main job beside the least that it has to do: read CSV, write tables, read tables."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import polars as pl
import pytest
from adbc_driver_sqlite import dbapi

from algomancy_data import DataClassification, DataSource, SimpleETLFactory, StatelessDataManager
from algomancy_data.database import DatabaseDataManager
from algomancy_data.database.codec import sqlite as codec
from algomancy_data.testing.workloads import SCHEMAS, frames, write_csv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DATASET = "d"


@pytest.fixture(scope="module")
def tables(rows: int) -> dict[str, pl.DataFrame]:
    return frames(rows)


@pytest.fixture(scope="module")
def paths(
    tables: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    return write_csv(tables, tmp_path_factory.mktemp("csv"))


@pytest.fixture
def source(tables: dict[str, pl.DataFrame]) -> DataSource:
    source = DataSource(DataClassification.MASTER_DATA, name=DATASET)
    source.tables = tables
    return source


class Store:
    """A manager on a file that can be taken away from under it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.renew()

    def open(self) -> None:
        self.manager = DatabaseDataManager(
            SimpleETLFactory, SCHEMAS, f"sqlite:///{self.path}", "bench", DataSource
        )
        self.manager.startup()

    def renew(self) -> None:
        """Begin with a new file."""
        if hasattr(self, "manager"):
            self.manager.close()
        remove_database(self.path)
        self.open()

    def reopen(self) -> None:
        """Forget what is in memory."""
        self.manager.close()
        self.open()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "store.db")
    yield store
    store.manager.close()


@pytest.fixture
def bare(tmp_path: Path, tables: dict[str, pl.DataFrame]) -> Iterator[BareIngest]:
    bare = BareIngest(tmp_path / "bare.db", tables)
    yield bare
    bare.close()


class BareIngest:
    """The driver alone: ready columns into new tables, one transaction, the same settings."""

    def __init__(self, path: Path, tables: dict[str, pl.DataFrame]) -> None:
        self.path = path
        self._encoded = {
            name: codec.encode(frame, codec.plan(frame, name)) for name, frame in tables.items()
        }
        self._connection: dbapi.Connection | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def renew(self) -> None:
        self.close()
        remove_database(self.path)
        self._connection = dbapi.connect(str(self.path), autocommit=True)
        self._run("PRAGMA page_size = 16384", "PRAGMA journal_mode = wal")

    def write(self) -> None:
        assert self._connection is not None
        self._run("BEGIN IMMEDIATE")
        with self._connection.cursor() as cursor:
            for name, frame in self._encoded.items():
                cursor.adbc_ingest(name, frame, mode="create")
        self._run("COMMIT")

    def _run(self, *statements: str) -> None:
        assert self._connection is not None
        with self._connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement).fetchall()


def remove_database(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def test_etl_beside_read_csv(
    beside: Callable[..., None], paths: dict[str, Path], tables: dict[str, pl.DataFrame]
) -> None:
    managers: list[StatelessDataManager[DataSource]] = []

    def etl() -> None:
        manager = StatelessDataManager(SimpleETLFactory, SCHEMAS, "json", DataSource)
        managers[:] = [manager]
        items = [(name, str(path)) for name, path in paths.items()]
        result = manager.etl_data(manager.prepare_files(file_items_with_path=items), DATASET)
        assert result.is_success, result.messages

    def read_csv() -> None:
        for name, path in paths.items():
            pl.read_csv(path, separator=";", schema=tables[name].schema)

    beside(etl, read_csv)
    assert_same(managers[0].get_data(DATASET), tables)


def test_persist_beside_bare_ingest(
    beside: Callable[..., None],
    store: Store,
    bare: BareIngest,
    source: DataSource,
    tables: dict[str, pl.DataFrame],
) -> None:
    def renew() -> None:
        store.renew()
        bare.renew()

    beside(lambda: store.manager.add_data_source(source), bare.write, renew)
    store.reopen()
    assert_same(store.manager.get_data(DATASET), tables)


def test_derive_beside_bare_ingest(
    beside: Callable[..., None],
    store: Store,
    bare: BareIngest,
    source: DataSource,
    tables: dict[str, pl.DataFrame],
) -> None:
    def renew() -> None:
        store.renew()
        bare.renew()
        store.manager.add_data_source(source)

    beside(lambda: store.manager.derive_data(DATASET, "derived"), bare.write, renew)
    store.reopen()
    assert_same(store.manager.get_data("derived"), tables)


def test_first_load_beside_read_database(
    beside: Callable[..., None], store: Store, source: DataSource, tables: dict[str, pl.DataFrame]
) -> None:
    store.manager.add_data_source(source)

    def read_database() -> None:
        with closing(dbapi.connect(str(store.path))) as connection:
            for name in tables:
                pl.read_database(f'SELECT * FROM "ds__bench__d__{name}"', connection)

    beside(lambda: store.manager.get_data(DATASET), read_database, store.reopen)
    assert_same(store.manager.get_data(DATASET), tables)


def assert_same(source: DataSource | None, tables: dict[str, pl.DataFrame]) -> None:
    assert source is not None
    assert source.list_tables() == list(tables)
    for name, frame in tables.items():
        assert source.get_table(name).equals(frame)
        assert source.get_table(name).schema == frame.schema
