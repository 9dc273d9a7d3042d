"""PostgreSQL over TCP beside its Unix socket, in a server as it is after its installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from harness import Way
from peers.checks import same_tables
from peers.database import create_as_select, query, stored, write_database
from peers.postgresql import PostgreSQL
from stores import DATASET, Store, first_load, loads_again, physical_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from algomancy_data import DataSource
    from harness import Race
    from peers.server import Server

pytestmark = pytest.mark.full


@pytest.fixture
def by_tcp(server: Server) -> Iterator[Store]:
    store = Store(PostgreSQL(server.by_tcp, "tcp"))
    yield store
    store.close()


@pytest.fixture
def by_unix_socket(server: Server) -> Iterator[Store]:
    store = Store(PostgreSQL(server.by_unix_socket, "unix"))
    yield store
    store.close()


def persist(name: str, store: Store, source: DataSource, tables: dict[str, pl.DataFrame]) -> Way:
    return Way(
        name,
        lambda: store.manager.add_data_source(source),
        before=store.renew,
        check=lambda _result: loads_again(store, DATASET, tables),
    )


def test_persist(
    race: Race,
    by_tcp: Store,
    by_unix_socket: Store,
    source: DataSource,
    tables: dict[str, pl.DataFrame],
) -> None:
    writes = {
        "polars write_database (adbc)": write_database(tables),
        "DuckDB ATTACH": create_as_select(tables),
    }
    race(
        "persist to PostgreSQL over TCP",
        persist("algomancy-data", by_tcp, source, tables),
        [
            persist("ours, Unix socket", by_unix_socket, source, tables),
            *(
                stored(name, write, by_tcp.database.new(f"way_{number}"), tables)
                for number, (name, write) in enumerate(writes.items())
            ),
        ],
    )


def test_first_load(
    race: Race,
    by_tcp: Store,
    by_unix_socket: Store,
    source: DataSource,
    tables: dict[str, pl.DataFrame],
) -> None:
    for store in (by_tcp, by_unix_socket):
        store.refill(source)
    names = physical_names(tables)

    def read_database() -> dict[str, pl.DataFrame]:
        with by_tcp.database.adbc() as connection:
            return {name: pl.read_database(query(names[name]), connection) for name in tables}

    race(
        "first load from PostgreSQL over TCP",
        first_load(by_tcp, tables),
        [
            Way(
                "ours, Unix socket",
                lambda: by_unix_socket.manager.get_data(DATASET),
                before=by_unix_socket.reopen,
            ),
            Way(
                "polars read_database (adbc)",
                read_database,
                check=lambda found: same_tables(found, tables),
            ),
        ],
    )
