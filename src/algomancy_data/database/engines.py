"""From what a user has (an engine, a URL, a text) to the engine that a store works on."""

from __future__ import annotations

import re
import warnings
from typing import Final

import sqlalchemy as sa
from sqlalchemy import exc

from algomancy_data.database import dialects
from algomancy_data.errors import PortablePathWarning, StoreError

__all__ = ["store_engine"]

_ADBC: Final = {
    "sqlite": "sqlite+adbc",
    "postgresql": "postgresql+adbc",
    "postgres": "postgresql+adbc",
}
# What cannot be parsed may hold a password all the same.
_CREDENTIALS: Final = re.compile(r"^.*@", re.DOTALL)
del dialects  # imported for its registration


def store_engine(database: sa.Engine | sa.URL | str) -> sa.Engine:
    """Return an engine on SQLite or PostgreSQL.

    A URL without a driver gets ADBC's. An engine on another driver is used as it is, more
    slowly: never is a second driver opened beside a user's.

    Args:
        database: An engine, or a URL such as ``sqlite:///file.db`` or ``postgresql://host/name``.

    Warns:
        PortablePathWarning: The engine is on another driver.

    Raises:
        StoreError: The text is no URL, or names another database, or a driver that is not there.

    Example:
        >>> engine = store_engine("sqlite://")
        >>> engine.url.drivername
        'sqlite+adbc'
        >>> engine.dispose()
    """
    engine = database if isinstance(database, sa.Engine) else _engine_of(database)
    fast = _ADBC.get(engine.dialect.name)
    if fast is None:
        raise _unsupported(engine.url)
    if engine.dialect.driver != "adbc":
        url = engine.url.set(drivername=fast).render_as_string(hide_password=True)
        msg = (
            f"The driver {engine.dialect.driver!r} moves rows one by one. {url} is many times "
            f"faster, if nothing else in this process has the database open."
        )
        warnings.warn(msg, PortablePathWarning, stacklevel=4)
    return engine


def _engine_of(database: sa.URL | str) -> sa.Engine:
    try:
        url = sa.make_url(database)
    except exc.ArgumentError as error:
        shown = _CREDENTIALS.sub("***@", str(database))
        msg = f"{shown!r} is no database URL. Write, for instance, sqlite:///data.db."
        raise StoreError(msg) from error
    if url.get_backend_name() not in _ADBC:
        raise _unsupported(url)
    url = url.set(drivername=_ADBC.get(url.drivername, url.drivername))
    # Tables of this package have PostgreSQL's own types only.
    arguments = {"type_resolver": "builtin"} if url.drivername == _ADBC["postgresql"] else {}
    try:
        return sa.create_engine(url, connect_args=arguments)
    except (exc.ArgumentError, ImportError) as error:
        msg = f"The database URL {url.render_as_string(hide_password=True)} is wrong: {error}"
        raise StoreError(msg) from error


def _unsupported(url: sa.URL) -> StoreError:
    return StoreError(
        f"Datasets are kept in SQLite or PostgreSQL, but "
        f"{url.render_as_string(hide_password=True)} is another database. Write "
        f"sqlite:///data.db or postgresql://host/name."
    )
