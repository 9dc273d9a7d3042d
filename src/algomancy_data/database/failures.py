"""What a database says when it fails, in words of ours."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import adbc_driver_manager
import sqlalchemy as sa
from sqlalchemy import exc

from algomancy_data.errors import StoreBusyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Generator

_BUSY: Final = ("database is locked", "database table is locked", "database schema is locked")
_REMEDIES: Final = {
    "disk is full": "Free some space; the old state of the data is intact.",
    "unable to open database file": "Check that the folder exists and may be written to.",
    "failed to open": "Check that the folder exists and may be written to.",
    "readonly database": "Check the permissions of the file and of its folder.",
    "file is not a database": "The file is something else: choose another path.",
    "malformed": "Restore the file from a backup.",
    "disk i/o error": "Check the disk; the old state of the data is intact.",
}


def describe(engine: sa.Engine) -> str:
    """Return the engine's URL without its password."""
    return engine.url.render_as_string(hide_password=True)


@contextmanager
def store_errors(engine: sa.Engine, doing: str) -> Generator[None]:
    """Turn what the database or its driver raises into a :class:`StoreError`.

    Args:
        engine: The database.
        doing: What was being done, to complete "… failed while <doing>".

    Raises:
        StoreBusyError: Another process kept its lock for too long.
        StoreError: Anything else.
    """
    try:
        yield
    except (exc.DBAPIError, adbc_driver_manager.Error) as error:
        # The statement and its parameters may be large, and tell a user nothing.
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        text = str(cause)
        raise _translated(engine, doing, text) from error
    except exc.NoSuchModuleError as error:
        msg = f"There is no driver for {describe(engine)}: {error}."
        raise StoreError(msg) from error


def _translated(engine: sa.Engine, doing: str, text: str) -> StoreError:
    reason = text.split("\nquery", maxsplit=1)[0].strip()
    # The driver's guess at why a file could not be opened, which it never is.
    reason = reason.removesuffix(": failed to allocate memory").removesuffix(".") + "."
    if any(busy in text for busy in _BUSY):
        return StoreBusyError(
            f"The database {describe(engine)} failed while {doing}: another connection kept it "
            f"locked for longer than busy_timeout. Try again, or raise the limit with "
            f"?busy_timeout=<seconds> in the URL."
        )
    remedy = next((how for what, how in _REMEDIES.items() if what in text.lower()), "")
    return StoreError(
        f"The database {describe(engine)} failed while {doing}: {reason} {remedy}".strip()
    )
