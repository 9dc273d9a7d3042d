"""Reading one large table over several connections at once.

The driver spends its time in turning cells into Arrow columns, on one core per connection.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

import adbc_driver_manager
import polars as pl
from sqlalchemy import exc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import sqlalchemy as sa

_Part = TypeVar("_Part")
_MOST_CONNECTIONS: Final = 4


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
    ) -> list[_Part]:
        """Return what ``read_part`` gives for each part, in order.

        Args:
            connection: The transaction's connection, which reads as well.
            read_part: Reads a part on a connection; called from several threads.
            parts: What to read.
        """
        pending = deque(enumerate(parts))
        done: dict[int, _Part] = {}

        def take_turns(own: sa.Connection) -> None:
            while pending:
                try:
                    number, part = pending.popleft()
                except IndexError:  # another thread was faster
                    return
                done[number] = read_part(own, part)

        def help_out() -> None:
            try:
                with self._engine.connect() as own:
                    if self._has_same_state(own):
                        take_turns(own)
            except (exc.DBAPIError, adbc_driver_manager.Error):
                return

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
