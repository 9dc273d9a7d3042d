"""From what a user has (an engine, a URL, a text) to an engine that speaks through ADBC."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import exc

from algomancy_data.database import dialects
from algomancy_data.database.dialects.sqlite import SQLiteADBCDialect
from algomancy_data.errors import StoreError

__all__ = ["adbc_engine"]

_ADBC_DRIVERS: Final = {"sqlite": "sqlite+adbc"}
del dialects  # imported for its registration


def adbc_engine(database: sa.Engine | sa.URL | str) -> sa.Engine:
    """Return an engine whose connections are ADBC's.

    Args:
        database: An engine on ``sqlite+adbc``, or a URL; ``sqlite:///file.db`` means ADBC.

    Raises:
        StoreError: The text is no URL, or names another database or driver.

    Example:
        >>> engine = adbc_engine("sqlite://")
        >>> engine.url.drivername
        'sqlite+adbc'
        >>> engine.dispose()
    """
    if isinstance(database, sa.Engine):
        if isinstance(database.dialect, SQLiteADBCDialect):
            return database
        raise _unsupported(database.url)
    try:
        url = sa.make_url(database)
    except exc.ArgumentError as error:
        msg = f"{database!r} is no database URL. Write, for instance, sqlite:///data.db."
        raise StoreError(msg) from error
    url = url.set(drivername=_ADBC_DRIVERS.get(url.drivername, url.drivername))
    if url.drivername not in _ADBC_DRIVERS.values():
        raise _unsupported(url)
    try:
        return sa.create_engine(url)
    except exc.ArgumentError as error:
        msg = f"The database URL {url.render_as_string(hide_password=True)} is wrong: {error}"
        raise StoreError(msg) from error


def _unsupported(url: sa.URL) -> StoreError:
    return StoreError(
        f"A database is reached through ADBC only, but {url.render_as_string(hide_password=True)} "
        f"names the driver {url.drivername!r}. Two SQLite libraries on one file in one process "
        f"lose data, so no second driver is opened beside yours. Give the URL as sqlite:///… or "
        f"sqlite+adbc:///…, or an engine made from it."
    )
