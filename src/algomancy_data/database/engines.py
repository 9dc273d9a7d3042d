"""Engines on databases, made from URLs or text, and their errors."""

from __future__ import annotations

import os
import re
import threading
import warnings
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import adbc_driver_manager
import sqlalchemy as sa
from sqlalchemy import event, exc

from algomancy_data.database.adbc.dialect import ADBCDialect
from algomancy_data.database.backend import backend_for, backend_of_url, fast_url, shown
from algomancy_data.engine_failures import raise_engine_failure
from algomancy_data.errors import (
    DamagedStoreError,
    PortablePathWarning,
    StoreBusyError,
    StoreError,
    StoreUnavailableError,
)
from algomancy_data.forks import after_fork, refuse_fork_of
from algomancy_data.masking import as_cause, mask

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


__all__ = ["begun", "database_url", "store_engine"]


# What cannot be parsed may hold a password all the same.
_CREDENTIALS: Final = re.compile(r"^.*@", re.DOTALL)


def store_engine(database: sa.Engine | sa.URL | str) -> sa.Engine:
    """Return an engine on a database of a known kind.

    A URL without a driver gets ADBC's, and everybody who gives the same URL gets the same engine,
    with the same few connections. An engine on another driver is used as it is, more slowly: never
    is a second driver opened beside a user's.

    Args:
        database: An engine, or a URL such as ``sqlite:///file.db`` or ``postgresql://host/name``.

    Warns:
        PortablePathWarning: The engine is on another driver.

    Raises:
        StoreError: The text is no URL, or names a database that is not known, or a driver that is
            not there.

    Example:
        >>> engine = store_engine("sqlite://")
        >>> engine.url.drivername
        'sqlite+adbc'
        >>> engine.dispose()
    """
    engine = database if isinstance(database, sa.Engine) else _engine_of(database)
    backend = backend_for(engine)
    fast = fast_url(engine.url, backend)
    if backend.driver is None and fast is not None:
        faster = mask(fast.render_as_string(hide_password=True))
        msg = (
            f"The driver {engine.dialect.driver!r} moves rows one by one. {faster} is many times "
            f"faster, if nothing else in this process has the database open."
        )
        warnings.warn(msg, PortablePathWarning, stacklevel=4)
    _in_use.add(engine)
    return engine


@contextmanager
def begun(engine: sa.Engine) -> Generator[sa.Connection]:
    """Surround the use of a connection in a transaction, which is rolled back at the end.

    If the server was restarted while the connection was idle, a new one is taken.
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
    """Parse a URL.

    Raises:
        StoreError: It is none, or leads to a database that is not known.
    """
    try:
        url = sa.make_url(database)
    except (exc.ArgumentError, ValueError):  # upstream.md
        msg = (
            f"{_CREDENTIALS.sub('***@', mask(database))!r} is no database URL. Write, for "
            f"instance, sqlite:///data.db."
        )
        raise StoreError(msg) from None  # SQLAlchemy repeats the text, whatever it holds
    backend_of_url(url)
    return url


def _engine_of(database: sa.URL | str) -> sa.Engine:
    url = database_url(database)
    if "+" not in url.drivername:
        url = fast_url(url, backend_of_url(url)) or url
    try:
        return _engines.get(url)
    except (exc.ArgumentError, ImportError, TypeError, ValueError) as error:
        msg = f"The database URL {shown(url)} is wrong: {mask(error)}"
        raise StoreError(msg) from as_cause(error)


class _Place(NamedTuple):
    """What identifies a database.

    Args:
        url: Its URL.
        folder: The folder in which the path of a file begins.
    """

    url: sa.URL
    folder: Path


class _Engines:
    """The engines in use that were made from URLs, one per database."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: weakref.WeakValueDictionary[_Place, sa.Engine] = weakref.WeakValueDictionary()

    def get(self, url: sa.URL) -> sa.Engine:
        """Return the engine on a database."""
        backend = backend_of_url(url)
        if backend.is_private(url):
            return backend.new_engine(url)
        place = _Place(url, backend.folder(url))
        with self._lock:
            engine = self._known.get(place)
            if engine is None or backend.is_replaced(engine):
                engine = self._known[place] = backend.new_engine(url)
            return engine

    def forget(self) -> None:
        """Forget the engines of the parent in a forked process."""
        self.__init__()
        for engine in list(_in_use):
            # Not closed: the connections are the parent's.
            engine.dispose(close=False)
            if isinstance(engine.dialect, ADBCDialect):
                event.listen(engine, "do_connect", _refuse)


_engines: Final = _Engines()
_in_use: Final[weakref.WeakSet[sa.Engine]] = weakref.WeakSet()
_process: Final = os.getpid()
after_fork(_engines.forget)


def _refuse(*arguments: Any) -> None:
    del arguments  # whatever is to be opened
    refuse_fork_of(_process)


_DAMAGE: Final = (
    "malformed",
    "invalid page in block",
    "could not read block",
    "codec can't decode byte",
    "could not decode to utf-8",
)


# What drivers add to a reason: their own name, and the statement, which may be large.
_STATEMENT: Final = re.compile(r"Failed to execute query '.*?':|\nquery\b.*", re.DOTALL)
_ROLLBACK: Final = "Failed to execute query 'ROLLBACK'"
_DRIVER: Final = re.compile(
    r"^(?:[A-Z_]+: \[\w+\] )?(?:IO: )?(?:Failed to (?:connect|(?:prepare|step) query): )?"
)
_GUESS: Final = re.compile(r"\s*Is the server running\b[^?]*\?")
_AGAIN: Final = "call close() and startup() when it is what you want to work on."
_UNOPENED: Final = ("unable to open database file", "failed to open")
_REMEDIES: Final = {
    "while it was open": f"Nothing was written. Look at the file, and {_AGAIN}",
    "opened where nothing can change it": f"Look at the file, and {_AGAIN}",
    "did not answer": "Check the server; connect_timeout in the URL says how long it may take.",
    "timeout expired": "Check the server; connect_timeout in the URL says how long it may take.",
    "disk is full": "Free some space; the old state of the data is intact.",
    **dict.fromkeys(_UNOPENED, "Check that the folder exists and may be written to."),
    "readonly database": "Check the permissions of the file and of its folder.",
    "file is not a database": "The file is something else: choose another path.",
    "malformed": "Restore the file from a backup.",
    "disk i/o error": "Check the disk; the old state of the data is intact.",
    "connection refused": "Check that the server is running, and host and port.",
    "could not translate host name": "Check the name of the host.",
    "no such file or directory": "Check that the server is running, and the path in the URL.",
    "password authentication failed": "Check user and password.",
    "no password supplied": "Give the password of the user.",
    "permission denied": "Ask the database's administrator for the right to do this.",
    "must be owner of": "Ask the database's administrator for the right to do this.",
    "statement timeout": "Raise statement_timeout, which somebody set for this connection.",
    "terminating connection": "The old state of the data is intact; try again.",
    "server closed the connection": "The old state of the data is intact; try again.",
}


# What a server says that may say something else a little later.
_UNAVAILABLE: Final = (
    "connection refused",
    "failed: no such file or directory",  # the socket, which a server that stops takes with it
    "could not translate host name",
    "no route to host",
    "network is unreachable",
    "connection timed out",
    "did not answer",
    "timeout expired",
    "terminating connection",
    "server closed the connection",
    "the database system is",  # starting up, or shutting down
    "too many clients",
    "remaining connection slots",
    "too many connections",
)


def is_about_damage(text: str) -> bool:
    """Tell whether an error says that the database's own files are damaged."""
    return any(what in text.lower() for what in _DAMAGE)


@contextmanager
def store_errors(engine: sa.Engine, doing: str) -> Generator[None]:
    """Turn what the database or its driver raises into a :class:`StoreError`.

    Args:
        engine: The database.
        doing: What was being done, to complete "… failed while <doing>".

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed, and what ended the work for it failed.
        StoreBusyError: Another process kept its lock for too long.
        DamagedStoreError: Its files are damaged.
        StoreError: Anything else.
    """
    try:
        yield
    except (exc.DBAPIError, adbc_driver_manager.Error) as error:
        if any(isinstance(earlier, KeyboardInterrupt) for earlier in _contexts(error)):
            raise KeyboardInterrupt from error
        said = next((one for one in _contexts(error) if isinstance(one, StoreError)), None)
        if said is not None and _ROLLBACK in str(error):
            raise said from said.__cause__
        raise _translated(engine, doing, mask(_reason(error))) from as_cause(error)
    except exc.TimeoutError as error:  # of the pool
        msg = f"The database {shown(engine.url)} failed while {doing}: all connections are in use."
        raise StoreBusyError(msg) from error
    except exc.NoSuchModuleError as error:
        msg = f"There is no driver for {shown(engine.url)}: {error}."
        raise StoreError(msg) from error
    except BaseException as failure:
        raise_engine_failure(failure, StoreError, f"The database {shown(engine.url)}: {doing}")
        raise


def _reason(error: exc.DBAPIError | adbc_driver_manager.Error) -> str:
    text = str(error.orig if isinstance(error, exc.DBAPIError) else error)
    for earlier in _contexts(error):
        if _ROLLBACK not in text:
            break
        text = str(earlier)  # the rollback failed because the connection broke before
    return text


def _contexts(error: BaseException) -> Generator[BaseException]:
    """Yield the exceptions that were being handled when the error was raised."""
    while (earlier := error.__context__) is not None:
        yield earlier
        error = earlier


def _translated(engine: sa.Engine, doing: str, text: str) -> StoreError:
    reason = " ".join(_GUESS.sub("", _STATEMENT.sub("", _DRIVER.sub("", text))).split())
    # The driver's guess at why a file could not be opened, which it never is.
    reason = reason.removesuffix(": failed to allocate memory").removesuffix(".") + "."
    backend = backend_for(engine)
    if any(words in text for words in backend.locked):
        return StoreBusyError(
            f"The database {shown(engine.url)} failed while {doing}: another connection kept it "
            f"locked for longer than the limit. Try again, or raise the limit: "
            f"{backend.lock_limit}."
        )
    kind = DamagedStoreError if is_about_damage(text) else StoreError
    if any(words in text.lower() for words in _UNAVAILABLE):
        kind = StoreUnavailableError
    remedy = next((how for what, how in _REMEDIES.items() if what in text.lower()), "")
    is_unopened = any(words in text.lower() for words in _UNOPENED)
    if is_unopened and (why := backend.why_unopened(engine.url)):
        reason, remedy = why, ""
    return kind(f"The database {shown(engine.url)} failed while {doing}: {reason} {remedy}".strip())
