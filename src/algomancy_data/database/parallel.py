"""Reading one large table over several connections at once.

The driver spends its time in turning cells into Arrow columns, on one core per connection.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

import adbc_driver_manager
import polars as pl
from sqlalchemy import exc

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    import sqlalchemy as sa

_Part = TypeVar("_Part")
_MOST_CONNECTIONS: Final = 4
# So many parts for each connection are in memory before they are asked for.
_PARTS_AHEAD: Final = 2


class Readers:
    """Connections of their own that read beside the one that a transaction is on.

    Their snapshots may differ from the transaction's, so each is asked whether it has the same
    state; one that has not, or that fails, leaves the work to the transaction's connection.

    Args:
        engine: Gives the connections.
        has_same_state: Whether a connection's snapshot is the transaction's, as far as it matters.
    """

    def __init__(self, engine: sa.Engine, has_same_state: Callable[[sa.Connection], bool]) -> None:
        self._engine = engine
        self._has_same_state = has_same_state
        self.connections = min(pl.thread_pool_size(), _MOST_CONNECTIONS)

    def read(
        self,
        connection: sa.Connection,
        read_part: Callable[[sa.Connection, range], _Part],
        parts: Sequence[range],
    ) -> Generator[_Part]:
        """Yield what ``read_part`` gives for each part, in order; only a few are read ahead.

        Args:
            connection: The transaction's connection, which reads as well.
            read_part: Reads a part on a connection; called from several threads.
            parts: What to read.
        """
        helpers = min(self.connections, len(parts)) - 1
        if not helpers:
            yield from (read_part(connection, part) for part in parts)
            return
        own = threading.local()

        def help_out(part: range) -> list[_Part]:
            """Return what the part gives; nothing if the connection cannot help."""
            try:
                if not hasattr(own, "connection"):
                    own.connection = None
                    opened = connections.enter_context(self._engine.connect())
                    own.connection = opened if self._has_same_state(opened) else None
                return [] if own.connection is None else [read_part(own.connection, part)]
            except (exc.DBAPIError, adbc_driver_manager.Error):
                own.connection = None
                return []

        connections = ExitStack()
        pool = ThreadPoolExecutor(helpers, "algomancy-data-reader")

        def finish() -> None:
            pool.shutdown(cancel_futures=True)
            connections.close()

        coming = iter(parts)
        ahead: deque[tuple[range, Future[list[_Part]]]] = deque()
        try:
            while True:
                room = _PARTS_AHEAD * self.connections - len(ahead)
                ahead.extend((part, pool.submit(help_out, part)) for part in islice(coming, room))
                if not ahead:
                    return
                _read_until_first_is_done(ahead, lambda part: read_part(connection, part))
                part, future = ahead.popleft()
                found = future.result()
                yield found[0] if found else read_part(connection, part)
        finally:
            if hasattr(own, "connection"):
                # Polars lets go of a scan in any thread; one of these cannot wait for itself.
                threading.Thread(target=finish, name="algomancy-data-reader-end").start()
            else:
                finish()


def _read_until_first_is_done(
    ahead: deque[tuple[range, Future[list[_Part]]]], read: Callable[[range], _Part]
) -> None:
    """Read those parts that nobody has begun to read, as long as the first is not there."""
    for place, (part, future) in enumerate(ahead):
        if ahead[0][1].done():
            return
        if future.cancel():
            done: Future[list[_Part]] = Future()
            done.set_result([read(part)])
            ahead[place] = (part, done)
