"""Reading one large table over several connections at once.

The driver spends its time in turning SQLite's cells into Arrow columns, on one core per connection.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

import adbc_driver_manager
import polars as pl
import sqlalchemy as sa
from sqlalchemy import exc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MOST_CONNECTIONS: Final = 4


class Readers:
    """Connections of their own that read beside the one that a transaction is on.

    Their snapshots may differ from the transaction's, so each is asked whether it has the same
    state; one that has not, or that fails, leaves the work to the transaction's connection.

    Args:
        url: The database file.
        has_same_state: Whether a connection's snapshot is the transaction's, as far as it matters.
    """

    def __init__(self, url: sa.URL, has_same_state: Callable[[sa.Connection], bool]) -> None:
        # One that waited for a writer, who may be waiting for the transaction, would never end.
        self._url = url.update_query_dict({"busy_timeout": "0"})
        self._has_same_state = has_same_state
        self.connections = min(pl.thread_pool_size(), _MOST_CONNECTIONS)

    @classmethod
    def for_engine(
        cls, engine: sa.Engine, has_same_state: Callable[[sa.Connection], bool]
    ) -> Self | None:
        """Return readers, or None for a database in memory, which has one connection only."""
        is_memory = isinstance(engine.pool, sa.StaticPool) or not engine.url.database
        return None if is_memory else cls(engine.url, has_same_state)

    @cached_property
    def _engine(self) -> sa.Engine:
        return sa.create_engine(self._url, poolclass=sa.NullPool)

    def read(
        self,
        connection: sa.Connection,
        read_part: Callable[[sa.Connection, range], pl.DataFrame],
        parts: Sequence[range],
    ) -> list[pl.DataFrame]:
        """Return what ``read_part`` gives for each part, in order.

        Args:
            connection: The transaction's connection, which reads as well.
            read_part: Reads a part on a connection; called from several threads.
            parts: What to read.
        """
        pending = deque(enumerate(parts))
        done: dict[int, pl.DataFrame] = {}

        def take_turns(own: sa.Connection) -> None:
            while pending:
                try:
                    number, part = pending.popleft()
                except IndexError:  # another thread was faster
                    return
                done[number] = read_part(own, part)

        def help_out() -> None:
            try:
                with engine.connect() as own:
                    if self._has_same_state(own):
                        take_turns(own)
            except (exc.DBAPIError, adbc_driver_manager.Error):
                return

        engine = self._engine  # made here: the threads would make one each
        helpers = min(self.connections, len(parts)) - 1
        with ThreadPoolExecutor(max(helpers, 1), "algomancy-data-reader") as pool:
            futures = [pool.submit(help_out) for _ in range(helpers)]
            try:
                take_turns(connection)
            finally:
                pending.clear()
            for future in futures:
                future.result()
        return [
            done[number] if number in done else read_part(connection, part)
            for number, part in enumerate(parts)
        ]
