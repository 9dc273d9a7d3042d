"""Our managers as the benchmarks use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data import DataClassification, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.testing.workloads import SCHEMAS
from harness import Way
from peers.checks import identical, same_tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import polars as pl

    from algomancy_data import DataManager, ETLResult
    from peers.database import Database

DATASET = "d"
SESSION = "bench"


def source_of(tables: dict[str, pl.DataFrame], name: str = DATASET) -> DataSource:
    """Return a dataset of tables."""
    source = DataSource(DataClassification.MASTER_DATA, name=name)
    source.tables = tables
    return source


def open_manager(url: str) -> DatabaseDataManager[DataSource]:
    """Return a manager that has started."""
    manager = DatabaseDataManager(SimpleETLFactory, SCHEMAS, url, SESSION, DataSource)
    manager.startup()
    return manager


def load_files(
    manager: DataManager[DataSource], paths: Mapping[str, Path], name: str = DATASET
) -> ETLResult:
    """Make a dataset of files, by table, in a manager."""
    items = [(table, str(path)) for table, path in paths.items()]
    return manager.etl_data(manager.prepare_files(file_items_with_path=items), name)


class Store:
    """A manager on a database that can be taken away from under it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def open(self) -> None:
        self.manager = open_manager(self.database.url)

    def close(self) -> None:
        if hasattr(self, "manager"):
            self.manager.close()

    def renew(self) -> None:
        """Begin with an empty database."""
        self.close()
        self.database.empty()
        self.open()

    def refill(self, source: DataSource) -> None:
        """Begin with a database that has this dataset."""
        self.renew()
        self.manager.add_data_source(source)

    def reopen(self) -> None:
        """Forget what is in memory, and connect anew."""
        self.close()
        self.open()

    def is_empty(self) -> None:
        assert self.manager.get_data_keys() == []


def loads_again(store: Store, name: str, tables: dict[str, pl.DataFrame]) -> None:
    """Assert that a dataset comes back identical from where it is kept."""
    store.reopen()
    has(store.manager.get_data(name), tables)


def has(source: DataSource | None, tables: dict[str, pl.DataFrame]) -> None:
    """Assert that a dataset has these tables, identical and in order."""
    assert source is not None
    assert source.list_tables() == list(tables)
    identical(tables, source.tables)


def first_load(store: Store, tables: dict[str, pl.DataFrame]) -> Way:
    """Return our way to read a dataset of which nothing is in memory."""
    return Way(
        "get_data",
        lambda: store.manager.get_data(DATASET),
        before=store.reopen,
        check=lambda found: same_tables(found.tables, tables),
    )


def physical_names(tables: dict[str, pl.DataFrame]) -> dict[str, str]:
    """Return how the dataset's tables are called in a database."""
    return {name: f"ds__{SESSION}__{DATASET}__{name}" for name in tables}
