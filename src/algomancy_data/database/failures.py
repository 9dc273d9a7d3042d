"""What a database says when it fails, in words of ours."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import adbc_driver_manager
import sqlalchemy as sa
from sqlalchemy import exc

from algomancy_data.database.backend import backend_for, shown
from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import DamagedStoreError, StoreBusyError, StoreError
from algomancy_data.masking import as_cause, mask

if TYPE_CHECKING:
    from collections.abc import Generator

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
_DRIVER: Final = re.compile(r"^[A-Z_]+: \[\w+\] ")
_AGAIN: Final = "call close() and startup() when it is what you want to work on."
_REMEDIES: Final = {
    "while it was open": f"Nothing was written. Look at the file, and {_AGAIN}",
    "opened where nothing can change it": f"Look at the file, and {_AGAIN}",
    "did not answer": "Check the server; connect_timeout in the URL says how long it may take.",
    "timeout expired": "Check the server; connect_timeout in the URL says how long it may take.",
    "disk is full": "Free some space; the old state of the data is intact.",
    "unable to open database file": "Check that the folder exists and may be written to.",
    "failed to open": "Check that the folder exists and may be written to.",
    "readonly database": "Check the permissions of the file and of its folder.",
    "file is not a database": "The file is something else: choose another path.",
    "malformed": "Restore the file from a backup.",
    "disk i/o error": "Check the disk; the old state of the data is intact.",
    "connection refused": "Check that the server is running, and host and port.",
    "no such file or directory": "Check that the server is running, and the path in the URL.",
    "password authentication failed": "Check user and password.",
    "permission denied": "Ask the database's administrator for the right to do this.",
    "must be owner of": "Ask the database's administrator for the right to do this.",
    "statement timeout": "Raise statement_timeout, which somebody set for this connection.",
    "terminating connection": "The old state of the data is intact; try again.",
    "server closed the connection": "The old state of the data is intact; try again.",
}


def is_about_damage(text: str) -> bool:
    """Tell whether a database says that its own files are damaged."""
    return any(what in text.lower() for what in _DAMAGE)


def describe(engine: sa.Engine) -> str:
    """Return the engine's URL without its password."""
    return shown(engine.url)


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
        with engine_failures(StoreError, f"The database {describe(engine)}: {doing}"):
            yield
    except (exc.DBAPIError, adbc_driver_manager.Error) as error:
        if any(isinstance(earlier, KeyboardInterrupt) for earlier in _contexts(error)):
            raise KeyboardInterrupt from error
        raise _translated(engine, doing, mask(_reason(error))) from as_cause(error)
    except exc.TimeoutError as error:  # of the pool
        msg = f"The database {describe(engine)} failed while {doing}: all connections are in use."
        raise StoreBusyError(msg) from error
    except exc.NoSuchModuleError as error:
        msg = f"There is no driver for {describe(engine)}: {error}."
        raise StoreError(msg) from error


def _reason(error: exc.DBAPIError | adbc_driver_manager.Error) -> str:
    text = str(error.orig if isinstance(error, exc.DBAPIError) else error)
    for earlier in _contexts(error):
        if _ROLLBACK not in text:
            break
        text = str(earlier)  # the rollback failed because the connection broke before
    return text


def _contexts(error: BaseException) -> Generator[BaseException]:
    """Yield what was raised before, while which the error was raised."""
    while (earlier := error.__context__) is not None:
        yield earlier
        error = earlier


def _translated(engine: sa.Engine, doing: str, text: str) -> StoreError:
    reason = " ".join(_STATEMENT.sub("", _DRIVER.sub("", text)).split())
    # The driver's guess at why a file could not be opened, which it never is.
    reason = reason.removesuffix(": failed to allocate memory").removesuffix(".") + "."
    backend = backend_for(engine)
    if any(words in text for words in backend.locked):
        return StoreBusyError(
            f"The database {describe(engine)} failed while {doing}: another connection kept it "
            f"locked for longer than the limit. Try again, or raise the limit: "
            f"{backend.lock_limit}."
        )
    kind = DamagedStoreError if is_about_damage(text) else StoreError
    remedy = next((how for what, how in _REMEDIES.items() if what in text.lower()), "")
    return kind(f"The database {describe(engine)} failed while {doing}: {reason} {remedy}".strip())
