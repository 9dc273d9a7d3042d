"""A DataSource that is no tables, kept as a payload, beside the pandas package's way."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Self

import pytest

from algomancy_data import BaseDataSource, DataClassification, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from harness import SLOW, Way
from peers import pandas_package
from peers.checks import same_tables, to_pandas
from peers.sqlite import SQLite
from stores import DATASET, SESSION, Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from harness import Race
    from peers.database import Database

pytestmark = pytest.mark.parametrize("database", [SQLite], indirect=True)


class Opaque(BaseDataSource):
    """Frames that nobody is to query."""

    frames: dict[str, pl.DataFrame]

    def to_payload(self) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
        return {"name": self.name, "type": str(self.ds_type)}, self.frames

    @classmethod
    def from_payload(cls, metadata: dict[str, Any], tables: dict[str, pl.DataFrame]) -> Self:
        made = cls(metadata["type"], name=metadata["name"])
        made.frames = tables
        return made

    def to_json(self) -> str:
        raise NotImplementedError

    @classmethod
    def from_json(cls, json_string: str) -> Self:
        raise NotImplementedError


@pytest.fixture
def opaque(tables: dict[str, pl.DataFrame]) -> Opaque:
    opaque = Opaque(DataClassification.MASTER_DATA, name=DATASET)
    opaque.frames = tables
    return opaque


class OpaqueStore(Store):
    """A store of those."""

    def open(self) -> None:
        self.manager = DatabaseDataManager(SimpleETLFactory, [], self.database.url, SESSION, Opaque)
        self.manager.startup()


@pytest.fixture
def store(database: Database) -> Iterator[OpaqueStore]:
    store = OpaqueStore(database)
    store.open()
    yield store
    store.close()


class JSONInSQLite:
    """What the pandas package does with a DataSource that is no tables."""

    def __init__(self, database: Database, tables: dict[str, pl.DataFrame]) -> None:
        self._database = database
        self._frames = to_pandas(tables)
        self._tables = tables

    def renew(self) -> None:
        self._database.empty()
        with closing(self._database.connect()) as connection:
            connection.execute("CREATE TABLE datasets (name TEXT PRIMARY KEY, payload TEXT)")

    def persist(self) -> None:
        payload = pandas_package.to_json(DATASET, self._frames)
        with closing(self._database.connect()) as connection, connection:
            connection.execute("INSERT INTO datasets VALUES (?, ?)", (DATASET, payload))

    def load(self) -> object:
        with closing(self._database.connect()) as connection:
            (payload,) = connection.execute("SELECT payload FROM datasets").fetchone()
        return pandas_package.from_json(payload)

    def check(self, found: object) -> str | None:
        return same_tables(found, self._tables)


def test_persist(
    race: Race,
    database: Database,
    store: OpaqueStore,
    opaque: Opaque,
    tables: dict[str, pl.DataFrame],
    fewer: dict[str, pl.DataFrame],
) -> None:
    other = JSONInSQLite(database.new("pandas"), fewer)

    def check(_result: object) -> None:
        store.reopen()
        found = store.manager.get_data(DATASET)
        assert found is not None
        assert same_tables(found.frames, tables) is None

    race(
        "persist a payload to SQLite",
        Way(
            "add_data_source",
            lambda: store.manager.add_data_source(opaque),
            before=store.renew,
            check=check,
        ),
        [
            Way(
                "pandas package",
                other.persist,
                before=other.renew,
                check=lambda _result: other.check(other.load()),
                share=SLOW,
            ),
        ],
    )


def test_load(
    race: Race,
    database: Database,
    store: OpaqueStore,
    opaque: Opaque,
    tables: dict[str, pl.DataFrame],
    fewer: dict[str, pl.DataFrame],
) -> None:
    other = JSONInSQLite(database.new("pandas"), fewer)
    other.renew()
    other.persist()
    store.manager.add_data_source(opaque)
    race(
        "load a payload from SQLite",
        Way(
            "get_data",
            lambda: store.manager.get_data(DATASET),
            before=store.reopen,
            check=lambda found: same_tables(found.frames, tables),
        ),
        [Way("pandas package", other.load, check=other.check, share=SLOW)],
    )
