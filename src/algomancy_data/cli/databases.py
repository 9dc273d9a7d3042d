"""Opening a database; whoever imports this imports SQLAlchemy."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from algomancy_data.cli.passwords import with_password
from algomancy_data.database import DatabaseDataManager
from algomancy_data.database.catalogue import has_catalogue, session_names
from algomancy_data.database.engines import database_url, store_engine
from algomancy_data.errors import (
    CommandLineError,
    DamagedStoreError,
    StoreBusyError,
    StoreError,
    StoreNotFoundError,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import polars as pl

    from algomancy_data.cli.stores import Making, Place
    from algomancy_data.datamanager import DataManager


@contextmanager
def opened_database(
    place: Place, making: Making, *, may_create: bool
) -> Generator[DatabaseDataManager[Any]]:
    """Open a database for the length of a block; see :func:`algomancy_data.cli.stores.opened`."""
    if not may_create:
        _check_file(place)
    manager: DatabaseDataManager[Any] = DatabaseDataManager(
        making.factory,
        making.schemas,
        with_password(database_url(place.url)),
        place.session,
        making.data_class,
        read_limits=making.read_limits,
    )
    try:
        if not may_create and not has_catalogue(manager.engine):
            msg = f"The database {place} has no datasets: it has no table 'algomancy_datasets'."
            raise StoreNotFoundError(msg)
        manager.startup()
        yield manager
    finally:
        manager.close()


def query_in(manager: DataManager[Any], sql: str, datasets: Sequence[str] | None) -> pl.DataFrame:
    """Return the result of a query that the database runs itself.

    Raises:
        CommandLineError: The store is no database, or does not understand the query.
    """
    if not isinstance(manager, DatabaseDataManager):
        msg = "--in-database needs a database, and the store is a folder."
        raise CommandLineError(msg)
    try:
        return manager.query(sql, datasets or None)
    except (StoreBusyError, DamagedStoreError):
        raise
    except StoreError as error:
        raise CommandLineError(str(error)) from error


def sessions_of(place: Place) -> list[str]:
    """Return the sessions of a database that have datasets."""
    _check_file(place)
    engine = store_engine(with_password(database_url(place.url)))
    try:
        return session_names(engine) if has_catalogue(engine) else []
    finally:
        engine.dispose()


def _check_file(place: Place) -> None:
    if place.sqlite_path is not None and not place.sqlite_path.exists():
        msg = f"There is no database file {os.fspath(place.sqlite_path)!r}."
        raise StoreNotFoundError(msg)
