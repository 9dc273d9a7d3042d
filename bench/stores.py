"""Our managers as the benchmarks use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data import DataClassification, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.testing.workloads import SCHEMAS
from peers.checks import same_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

DATASET = "d"
SESSION = "bench"


def source_of(tables: dict[str, pl.DataFrame]) -> DataSource:
    """Return a dataset of tables."""
    source = DataSource(DataClassification.MASTER_DATA, name=DATASET)
    source.tables = tables
    return source


def open_manager(url: str) -> DatabaseDataManager[DataSource]:
    """Return a manager that has started."""
    manager = DatabaseDataManager(SimpleETLFactory, SCHEMAS, url, SESSION, DataSource)
    manager.startup()
    return manager


class Store:
    """A manager on a database that can be taken away from under it.

    Args:
        url: Where the database is.
        remove: Makes an empty one of it, while nobody is connected.
    """

    def __init__(self, url: Callable[[], str], remove: Callable[[], object]) -> None:
        self._url = url
        self._remove = remove

    def open(self) -> None:
        self.manager = open_manager(self._url())

    def close(self) -> None:
        if hasattr(self, "manager"):
            self.manager.close()

    def renew(self) -> None:
        """Begin with an empty database."""
        self.close()
        self._remove()
        self.open()

    def reopen(self) -> None:
        """Forget what is in memory, and connect anew."""
        self.close()
        self.open()

    def is_empty(self) -> None:
        assert self.manager.get_data_keys() == []


def loads_again(store: Store, name: str, tables: dict[str, pl.DataFrame]) -> None:
    """Assert that a dataset comes back identical from where it is kept."""
    store.reopen()
    source = store.manager.get_data(name)
    assert source is not None
    assert source.list_tables() == list(tables)
    assert same_tables(source.tables, tables) is None
    for table, frame in tables.items():
        assert source.get_table(table).schema == frame.schema


def physical_names(tables: dict[str, pl.DataFrame]) -> dict[str, str]:
    """Return how the dataset's tables are called in a database."""
    return {name: f"ds__{SESSION}__{DATASET}__{name}" for name in tables}
