"""Opening a database; whoever imports this imports SQLAlchemy."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from algomancy_data.cli.passwords import with_password
from algomancy_data.database import DatabaseDataManager
from algomancy_data.database.catalogue import has_catalogue
from algomancy_data.errors import StoreNotFoundError

if TYPE_CHECKING:
    from collections.abc import Generator

    from algomancy_data.cli.stores import Making, Place
    from algomancy_data.metrics import ProgressListener


@contextmanager
def opened_database(
    place: Place, making: Making, progress: ProgressListener | None, *, may_create: bool
) -> Generator[DatabaseDataManager[Any]]:
    """Open a database for the length of a block; see :func:`algomancy_data.cli.stores.opened`."""
    if not may_create and place.sqlite_path is not None and not place.sqlite_path.exists():
        msg = f"There is no database file {os.fspath(place.sqlite_path)!r}."
        raise StoreNotFoundError(msg)
    manager: DatabaseDataManager[Any] = DatabaseDataManager(
        making.factory,
        making.schemas,
        with_password(sa.make_url(place.url)),
        place.session,
        making.data_class,
        progress=progress,
    )
    try:
        if not may_create and not has_catalogue(manager.engine):
            msg = f"The database {place} has no datasets: it has no table 'algomancy_datasets'."
            raise StoreNotFoundError(msg)
        manager.startup()
        yield manager
    finally:
        manager.close()
