"""Operations that run in processes of their own: each prepares, and returns what is measured.

A place is a folder; the database in it, or the one that it names, was filled by `persist`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import polars as pl

from algomancy_data.testing.workloads import frames
from folders import open_folder
from peers.checks import to_pandas
from peers.database import query, to_sql, write_database
from peers.sqlite import SQLite
from stores import DATASET, open_manager, physical_names, source_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.alone import Frames

TABLES: dict[str, pl.DataFrame] = {"orders": pl.DataFrame(), "customers": pl.DataFrame()}


def warm_up(place: Path) -> None:
    tables = frames(100)
    persist(tables, place)()
    load({}, place)()
    save(tables, place)()


def persist(tables: Frames, place: Path) -> Callable[[], object]:
    manager, source = open_manager(url(place)), source_of(tables)

    def operation() -> None:
        manager.add_data_source(source)
        manager.close()

    return operation


def persist_by_pandas(tables: Frames, place: Path) -> Callable[[], object]:
    write = to_sql(to_pandas(tables))
    tables.clear()
    return lambda: write(SQLite(place / "pandas.db"))


def persist_by_polars(tables: Frames, place: Path) -> Callable[[], object]:
    write = write_database(tables)
    return lambda: write(SQLite(place / "polars.db"))


def load(_tables: Frames, place: Path) -> Callable[[], object]:
    manager = open_manager(url(place))
    return lambda: manager.get_data(DATASET)


def load_by_polars(_tables: Frames, place: Path) -> Callable[[], object]:
    def operation() -> object:
        with ours(place).adbc() as connection:
            return [pl.read_database(query, connection) for query in queries()]

    return operation


def load_by_pandas(_tables: Frames, place: Path) -> Callable[[], object]:
    def operation() -> object:
        with ours(place).engine() as engine:
            return [pd.read_sql(query, engine) for query in queries()]

    return operation


def save(tables: Frames, place: Path) -> Callable[[], object]:
    manager, source = open_folder(place / "folder"), source_of(tables)
    return lambda: manager.add_data_source(source)


def derive(_tables: Frames, place: Path) -> Callable[[], object]:
    manager = open_manager(url(place))

    def operation() -> None:
        manager.derive_data(DATASET, "derived")
        manager.close()

    return operation


def derive_in_folder(_tables: Frames, place: Path) -> Callable[[], object]:
    manager = open_folder(place / "folder")
    return lambda: manager.derive_data(DATASET, "derived")


def url(place: Path) -> str:
    """Return where our database is: a file in the place, or what a file there says."""
    elsewhere = place / "url"
    return elsewhere.read_text() if elsewhere.exists() else ours(place).url


def ours(place: Path) -> SQLite:
    return SQLite(place / "ours.db")


def queries() -> list[str]:
    return [query(name) for name in physical_names(TABLES).values()]
