"""Engines on PostgreSQL, whose server may go away while a connection is idle."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event, exc

from algomancy_data.database.adbc.dbapi import Error
from algomancy_data.database.adbc.dialect import pooled_engine

if TYPE_CHECKING:
    import sqlalchemy as sa

_IDLE_SINCE: Final = "algomancy-data: idle since"
# Seconds for which an idle connection is taken to be alive. Asking costs a round trip.
_FRESH: Final = 1.0


def server_engine(url: sa.URL) -> sa.Engine:
    """Return an engine that notices lost connections."""
    # Tables of this package have PostgreSQL's own types only.
    arguments = {"type_resolver": "builtin"}
    engine = pooled_engine(url, connect_args=arguments, pool_reset_on_return=None)
    event.listen(engine, "reset", _roll_back)
    event.listen(engine, "checkin", _note_time)
    event.listen(engine, "checkout", _ask_first)
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
    """Let the pool open new connections if an old one is lost."""
    del proxy
    since = record.info.pop(_IDLE_SINCE, None)
    if since is None or (time.monotonic() - since < _FRESH and not connection.is_lost()):
        return
    if not connection.ping():
        msg = "The server closed the connection."
        raise exc.InvalidatePoolError(msg)
