"""The transactions of a store: each sees one state of a dataset, or alone changes some."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from sqlalchemy.pool import StaticPool

from algomancy_data.database.engines import begun, store_errors
from algomancy_data.errors import StoreError
from algomancy_data.forks import ProcessLock

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    import sqlalchemy as sa

    from algomancy_data.database.early import EarlyWrite
    from algomancy_data.database.table_storage import TableStorage

_LARGE_WRITE: Final = 16 * 1024 * 1024


class Transactions:
    """Begins the transactions of a store.

    Args:
        engine: The engine through which everything goes.
        storage: How its database keeps frames.
        session_id: The session.

    Attributes:
        writing_engine: The engine for transactions that write.
        share_connection: Whether all threads share one connection, as that of a database in
            memory.
        lock: Held during each transaction, but for those of scans.
        early: The early write that is going on, if any.
        not_opened: Why the store is not open; None if it is.
    """

    def __init__(self, engine: sa.Engine, storage: TableStorage, session_id: str) -> None:
        self._engine = engine
        self._storage = storage
        self._session_id = session_id
        self._reading_engine = engine.execution_options(isolation_level=storage.read_isolation)
        self.writing_engine = engine.execution_options(isolation_level=storage.write_isolation)
        self.share_connection = isinstance(engine.pool, StaticPool)
        self.lock = ProcessLock()
        self.early: EarlyWrite | None = None
        self.not_opened: str | None = "The manager has not been started: call startup() first."

    @contextmanager
    def reading(
        self, doing: str, name: str | None = None, *, alone: bool = True
    ) -> Generator[sa.Connection]:
        """Begin a transaction that sees one state of a dataset, if one is named.

        Args:
            doing: What is done, for errors.
            name: Name of the dataset.
            alone: Other threads wait. A scan cannot ask for that: any thread may resume it.
        """
        self.require_open()
        self.lock.check()
        if self.early is not None and name is not None and self.early.is_of(name):
            self.early.give_up()  # it has the lock, for which this thread would wait for ever
        with (
            self.lock if alone else nullcontext(),
            store_errors(self._engine, doing),
            begun(self._reading_engine) as connection,
        ):
            if name is not None:
                self._storage.begin_reading(connection, self._session_id, name)
            yield connection

    @contextmanager
    def writing(
        self, doing: str, name: str | Iterable[str], size: int = 0
    ) -> Generator[sa.Connection]:
        """Begin a transaction that alone changes some datasets, and commit it.

        Args:
            doing: What is done, for errors.
            name: Names of the datasets.
            size: About how many bytes are written, at least.
        """
        self.require_open()
        self.give_up_early()
        is_large = size >= _LARGE_WRITE
        with (
            self.lock,
            store_errors(self._engine, doing),
            begun(self.writing_engine) as connection,
            self._storage.large_write(connection, size) if is_large else nullcontext(),
        ):
            names = [name] if isinstance(name, str) else name
            self._storage.begin_writing(connection, self._session_id, *names)
            yield connection
            connection.commit()

    def give_up_early(self) -> None:
        """Roll back an early write: it holds the lock that others need."""
        if self.early is not None:
            self.early.give_up()

    def require_open(self) -> None:
        """Make sure that the store is open.

        Raises:
            StoreError: It is not; the message says why.
        """
        if self.not_opened is not None:
            raise StoreError(self.not_opened)
