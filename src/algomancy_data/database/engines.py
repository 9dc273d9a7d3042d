"""From what a user has (an engine, a URL, a text) to the engine that a store works on."""

from __future__ import annotations

import os
import re
import threading
import time
import warnings
import weakref
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import event, exc

from algomancy_data.database import postgresql, sqlite
from algomancy_data.database.adbc.dbapi import Error
from algomancy_data.database.sqlite.dbapi import MEMORY
from algomancy_data.database.sqlite.second_library import identity
from algomancy_data.errors import PortablePathWarning, StoreError
from algomancy_data.forks import refuse_fork_of
from algomancy_data.masking import as_cause, mask

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["begun", "database_url", "store_engine"]

_ADBC: Final = {
    "sqlite": "sqlite+adbc",
    "postgresql": "postgresql+adbc",
    "postgres": "postgresql+adbc",
}
# What cannot be parsed may hold a password all the same.
_CREDENTIALS: Final = re.compile(r"^.*@", re.DOTALL)
_IDLE_SINCE: Final = "algomancy-data: idle since"
# Seconds for which an idle connection is taken to be alive. Asking costs a round trip.
_FRESH: Final = 1.0
# Connections that stay open when nobody uses them; there may be more in use.
_KEPT: Final = 4
del postgresql, sqlite  # imported for their registration


def store_engine(database: sa.Engine | sa.URL | str) -> sa.Engine:
    """Return an engine on SQLite or PostgreSQL.

    A URL without a driver gets ADBC's, and everybody who gives the same URL gets the same engine,
    with the same few connections. An engine on another driver is used as it is, more slowly: never
    is a second driver opened beside a user's.

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
        url = _shown(engine.url.set(drivername=fast))
        msg = (
            f"The driver {engine.dialect.driver!r} moves rows one by one. {url} is many times "
            f"faster, if nothing else in this process has the database open."
        )
        warnings.warn(msg, PortablePathWarning, stacklevel=4)
    _in_use.add(engine)
    return engine


@contextmanager
def begun(engine: sa.Engine) -> Generator[sa.Connection]:
    """Surround the use of a connection in a transaction, which is rolled back at the end.

    If the server was restarted while nobody used the connection, a new one is taken.
    """
    with _begun(engine) as connection:
        yield connection


def _begun(engine: sa.Engine) -> sa.Connection:
    connection = engine.connect()
    try:
        connection.begin()
    except exc.DBAPIError as error:
        connection.close()
        if not error.connection_invalidated:
            raise
    else:
        return connection
    connection = engine.connect()
    try:
        connection.begin()
    except BaseException:
        connection.close()
        raise
    return connection


def database_url(database: sa.URL | str) -> sa.URL:
    """Return the URL that a text is.

    Raises:
        StoreError: It is none, or one of another database than SQLite and PostgreSQL.
    """
    try:
        url = sa.make_url(database)
    except (exc.ArgumentError, ValueError):
        msg = (
            f"{_CREDENTIALS.sub('***@', mask(database))!r} is no database URL. Write, for "
            f"instance, sqlite:///data.db."
        )
        raise StoreError(msg) from None  # SQLAlchemy repeats the text, whatever it holds
    if url.get_backend_name() not in _ADBC:
        raise _unsupported(url)
    return url


def _engine_of(database: sa.URL | str) -> sa.Engine:
    url = database_url(database)
    url = url.set(drivername=_ADBC.get(url.drivername, url.drivername))
    try:
        return _engines.get(url)
    except (exc.ArgumentError, ImportError, TypeError, ValueError) as error:
        msg = f"The database URL {_shown(url)} is wrong: {mask(error)}"
        raise StoreError(msg) from as_cause(error)


class _Place(NamedTuple):
    """What tells one database from another.

    Args:
        url: Its URL.
        folder: The folder in which the path of a file begins.
    """

    url: sa.URL
    folder: Path


class _Engines:
    """The engines that were made of URLs, while somebody uses them: one for each database."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: weakref.WeakValueDictionary[_Place, sa.Engine] = weakref.WeakValueDictionary()

    def get(self, url: sa.URL) -> sa.Engine:
        """Return the engine on a database."""
        if _is_private(url):
            return _new_engine(url)
        is_relative = (
            url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_absolute()
        )
        place = _Place(url, Path.cwd() if is_relative else Path())
        with self._lock:
            engine = self._known.get(place)
            if engine is None or _is_replaced(engine):
                engine = self._known[place] = _new_engine(url)
            return engine

    def forget(self) -> None:
        """Let nobody in a forked process go on with what its parent has open."""
        self.__init__()
        for engine in list(_in_use):
            # Not closed: the connections are the parent's.
            engine.dispose(close=False)
            if engine.dialect.driver == "adbc":
                event.listen(engine, "do_connect", _refuse)


_engines: Final = _Engines()
_in_use: Final[weakref.WeakSet[sa.Engine]] = weakref.WeakSet()
_process: Final = os.getpid()
os.register_at_fork(after_in_child=_engines.forget)


def _refuse(*arguments: Any) -> None:
    del arguments  # whatever is to be opened
    refuse_fork_of(_process)


def _is_private(url: sa.URL) -> bool:
    """Tell whether each engine has a database of its own: one in memory."""
    return url.get_backend_name() == "sqlite" and url.database in {None, "", MEMORY}


def _is_replaced(engine: sa.Engine) -> bool:
    """Tell whether the file that an engine has opened is no longer the one of that name."""
    opened = _opened_files.get(engine)
    return opened is not None and identity(opened.path) != opened.file


class _OpenedFile(NamedTuple):
    """The file that an engine's last new connection is on."""

    path: str
    file: tuple[int, int] | None


_opened_files: Final[weakref.WeakKeyDictionary[sa.Engine, _OpenedFile]] = (
    weakref.WeakKeyDictionary()
)


def _new_engine(url: sa.URL) -> sa.Engine:
    if _is_private(url):
        return sa.create_engine(url)
    if url.drivername not in _ADBC.values():
        return sa.create_engine(url)
    pool: dict[str, Any] = {"pool_size": _KEPT, "max_overflow": -1}
    if url.drivername == _ADBC["postgresql"]:
        # Tables of this package have PostgreSQL's own types only.
        arguments = {"type_resolver": "builtin"}
        engine = sa.create_engine(url, connect_args=arguments, pool_reset_on_return=None, **pool)
        event.listen(engine, "reset", _roll_back)
        event.listen(engine, "checkin", _note_time)
        event.listen(engine, "checkout", _ask_first)
    else:
        engine = sa.create_engine(url, **pool)
        reference = weakref.ref(engine)

        @event.listens_for(engine, "connect")
        def note_file(connection: Any, record: Any) -> None:
            del record
            if (own := reference()) is not None:
                _opened_files[own] = _OpenedFile(connection.path, connection.file)

        del note_file  # the engine has it
    return engine


def _roll_back(connection: Any, record: Any, state: Any) -> None:
    """Make a connection ready for the next user, unless its server is gone.

    SQLAlchemy would write a traceback to standard error; the next user gets another connection.
    """
    del record, state
    try:
        connection.rollback()
    except Error:
        if not connection.is_lost():
            raise


def _note_time(connection: Any, record: Any) -> None:
    del connection  # the time is that of its place in the pool
    record.info[_IDLE_SINCE] = time.monotonic()


def _ask_first(connection: Any, record: Any, proxy: Any) -> None:
    """Let the pool open new connections if the server is no longer there for an old one."""
    del proxy
    since = record.info.pop(_IDLE_SINCE, None)
    if since is None or (time.monotonic() - since < _FRESH and not connection.is_lost()):
        return
    if not connection.ping():
        msg = "The server closed the connection."
        raise exc.InvalidatePoolError(msg)


def _shown(url: sa.URL) -> str:
    return mask(url.render_as_string(hide_password=True))


def _unsupported(url: sa.URL) -> StoreError:
    return StoreError(
        f"Datasets are kept in SQLite or PostgreSQL, but {_shown(url)} is another database. Write "
        f"sqlite:///data.db or postgresql://host/name."
    )
