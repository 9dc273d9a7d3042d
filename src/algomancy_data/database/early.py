"""Early writes: rows go into an open transaction while later ones are still read and checked.

A thread writes the rows of large tables as they are converted, and other tables once they are
whole, unless they are small; only the commit waits for the checks. By then it is known whether the
dataset consists of these very frames. A table that has become another frame is dropped and written
like any other. An early write is a bet: if anything goes wrong, it is rolled back, and the dataset
is written as usual, with the usual errors.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from adbc_driver_manager import Error
from sqlalchemy import exc

from algomancy_data.database.adbc.interrupts import HandedOver
from algomancy_data.database.naming import TableOwner
from algomancy_data.database.table_sums import RowBlocks, TableSums
from algomancy_data.database.tables import (
    PreparedTable,
    RowEncoder,
    create_table,
    drop_table,
    write_batches,
)
from algomancy_data.errors import UnstorableError
from algomancy_data.frames.identical import share_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    import polars as pl
    import sqlalchemy as sa

    from algomancy_data.database.catalogue import Occupant
    from algomancy_data.database.layout import ColumnLayout, TableLayout
    from algomancy_data.database.naming import DatasetOwner
    from algomancy_data.database.table_storage import TableStorage
    from algomancy_data.database.tables import TablePlace
    from algomancy_data.metrics import Phase

_TICK: Final = 0.05  # seconds
# Seconds to wait for another writer's lock: the reading of files waits meanwhile.
_PATIENCE: Final = 1.0


class _GivenUpError(Exception):
    """The early write was given up."""


class _OtherLayoutError(Exception):
    """Rows need another layout than the rows before them."""


@dataclass(frozen=True)
class _Rows:
    """The next rows of a table, or its end.

    Args:
        table: Its name.
        rows: The rows; None at the end.
        frame: At the end, the whole table; None if it was dropped.
    """

    table: str
    rows: pl.DataFrame | None = None
    frame: pl.DataFrame | None = None


@dataclass(frozen=True)
class WrittenTable:
    """A table whose rows were written early.

    Args:
        name: Its logical name.
        frame: What it holds.
        layout: Its layout.
    """

    name: str
    frame: pl.DataFrame
    layout: TableLayout

    @property
    def columns(self) -> tuple[ColumnLayout, ...]:
        """Layouts of its columns."""
        return self.layout.columns

    def write(
        self,
        connection: sa.Connection,
        owner: DatasetOwner,
        phase: Phase,
        place: TablePlace | None = None,
    ) -> TableLayout:
        """Return its layout, with the keys that it is to have."""
        del connection, owner, phase  # they were reported already
        return self.layout if place is None else replace(self.layout, keys=place.keys)


class EarlyWrite:
    """Writes tables of a dataset before it is known whether the dataset will be kept.

    As a :class:`~algomancy_data.metrics.phases.RowSink`, it takes rows on the thread that made it.

    Args:
        owner: The dataset.
        storage: How the database keeps frames.
        begin: Begins a transaction, which the stack that it is given ends, and drops what has the
            name of the dataset; returns the connection, and what there was.
    """

    def __init__(
        self,
        owner: DatasetOwner,
        storage: TableStorage,
        begin: Callable[[ExitStack], tuple[sa.Connection, Occupant]],
    ) -> None:
        self._owner = owner
        self._storage = storage
        self._begin = begin
        self._user = threading.get_ident()
        # While some rows are written, the next ones wait, and others are converted.
        self._waiting: SimpleQueue[_Rows | None] = SimpleQueue()
        self._is_full = threading.Lock()  # held while something waits
        self._work: HandedOver[tuple[sa.Connection, Occupant]] | None = None
        self._has_begun = False
        self._is_given_up = False
        self._transaction = ExitStack()
        self._in_use = threading.RLock()
        self._written: dict[str, WrittenTable] = {}
        self._rows_written = 0

    def is_of(self, dataset: str) -> bool:
        """Tell whether this thread is writing that dataset early."""
        return dataset == self._owner.dataset and threading.get_ident() == self._user

    @property
    def was_given_rows(self) -> bool:
        """Whether there were rows to write."""
        return self._work is not None

    # --- the thread that makes the rows -----------------------------------------------------

    def take(self, table: str, rows: pl.DataFrame) -> None:
        """Queue rows for writing; wait if others are queued already."""
        if rows.height:
            self._put(_Rows(table, rows))

    def end(self, table: str, frame: pl.DataFrame) -> None:
        """Note that a table is complete, and which frame it became."""
        self._put(_Rows(table, frame=frame))

    def take_whole(self, table: str, frame: pl.DataFrame) -> None:
        """Write a table in the background; wait while other rows are already queued."""
        if frame.height:
            self._put(_Rows(table, frame, frame))

    def drop(self, table: str) -> None:
        """Forget the rows of a table."""
        self._put(_Rows(table))

    def _put(self, item: _Rows | None) -> None:
        if self._is_given_up:
            return
        if (work := self._work) is None:
            work = self._work = HandedOver(self._write)
            threading.Thread(target=work.make, name="algomancy-data-writer", daemon=True).start()
        patience = _PATIENCE
        while not work.has_ended:
            if self._is_full.acquire(timeout=_TICK):
                self._waiting.put(item)
                return
            patience -= _TICK
            if patience < 0 and not self._has_begun:
                self._is_given_up = True
                return

    @contextmanager
    def committing(self, phase: Phase) -> Generator[tuple[sa.Connection, Occupant] | None]:
        """Wait until all rows are written, and surround the commit.

        Args:
            phase: Told of the rows.

        Returns:
            A context with the connection whose transaction has the tables, and what had the
            dataset's name before. None if nothing was written.
        """
        self._finish(phase)
        with self._in_use:
            begun = self._begun()
            if begun is not None:
                with self._transaction:
                    yield begun
                return
        self.give_up()
        yield None

    def written(
        self, connection: sa.Connection, tables: Mapping[str, pl.DataFrame]
    ) -> dict[str, WrittenTable]:
        """Return the given tables that were written, and drop all others that were."""
        same: dict[str, WrittenTable] = {}
        for name, table in self._written.items():
            if name in tables and share_memory(table.frame, tables[name]):
                same[name] = table
            else:
                drop_table(connection, table.layout.physical)
        return same

    def give_up(self) -> None:
        """Roll back, unless committed, and release the database's lock."""
        self._is_given_up = True
        if (work := self._work) is not None:
            work.abandon()
            self._work = None
        with self._in_use:
            self._end()

    def _finish(self, phase: Phase) -> None:
        if self._work is not None:
            self._put(None)
        told = 0
        while (work := self._work) is not None:
            is_done = work.has_ended
            written = self._rows_written
            phase.advance(written - told)
            told = written
            if is_done:
                return
            work.wait(_TICK)

    def _begun(self) -> tuple[sa.Connection, Occupant] | None:
        """Return connection and occupant, if all rows are written and the server still has them."""
        work = self._work
        if self._is_given_up or work is None or work.has_failed:
            return None
        connection, occupant = work.result()
        try:
            connection.exec_driver_sql("SELECT 1")  # a server may end what was idle for too long
        except exc.DBAPIError:
            return None
        return connection, occupant

    # --- the thread that writes -------------------------------------------------------------

    def _write(self) -> tuple[sa.Connection, Occupant]:
        try:
            begun = self._begin(self._transaction)
            self._has_begun = True
            item = self._next()
            while item is not None:
                item = self._write_table(begun[0], item)
        except BaseException:
            self._end()
            raise
        return begun

    def _next(self) -> _Rows | None:
        while not self._is_given_up:
            with suppress(Empty):
                item = self._waiting.get(timeout=_TICK)
                self._is_full.release()
                return item
        raise _GivenUpError

    def _write_table(self, connection: sa.Connection, first: _Rows) -> _Rows | None:
        """Write the table that starts with these rows; return what follows it."""
        if first.table in self._written:  # the name of two
            raise _GivenUpError
        rows = _RowsOfTable(first, self._next)
        layout = None
        if first.rows is not None:
            layout = self._filled(connection, rows, self._storage.rows_per_write(first.rows))
        frame = rows.rest()
        if layout is not None and frame is not None:
            self._written[first.table] = WrittenTable(first.table, frame, layout)
        elif layout is not None:
            self._drop(connection, layout)
        return rows.behind()

    def _filled(
        self, connection: sa.Connection, rows: _RowsOfTable, at_once: int
    ) -> TableLayout | None:
        """Create and fill a table; return None if the first rows' layout does not fit all rows."""
        blocks = _in_blocks(rows, at_once)
        whole = rows.whole
        first = next(blocks)
        decisive = first if whole is None else whole
        try:
            columns = PreparedTable(self._storage, rows.table, decisive).columns
        except UnstorableError:  # writing the table as a whole says so
            return None
        owner = TableOwner(*self._owner, rows.table)
        layout, table = create_table(connection, self._storage, owner, columns)
        sums = TableSums(len(columns))
        encoder = RowEncoder(self._storage, columns, sums)

        def encode(block: pl.DataFrame) -> list[object]:
            # A column's layout depends on all its values. As long as all blocks have the same, so
            # has the table.
            if (
                whole is None
                and block is not first
                and PreparedTable(self._storage, rows.table, block).columns != columns
            ):
                raise _OtherLayoutError
            return encoder(block)

        def advance(count: int) -> None:
            nonlocal layout
            layout = replace(layout, height=layout.height + count)
            self._rows_written += count
            if self._is_given_up:
                raise _GivenUpError

        batches = chain([first], blocks)
        try:
            write_batches(connection, self._storage, table, batches, encode, advance)
        except (_OtherLayoutError, UnstorableError):
            self._drop(connection, layout)
            return None
        return replace(layout, sums=sums.to_texts())

    def _drop(self, connection: sa.Connection, layout: TableLayout) -> None:
        drop_table(connection, layout.physical)
        self._rows_written -= layout.height

    # --- any thread -------------------------------------------------------------------------

    def _end(self) -> None:
        # A connection that broke has nothing to roll back.
        with suppress(exc.DBAPIError, Error):
            self._transaction.close()


class _RowsOfTable:
    """The rows of a table, up to its end.

    Args:
        first: The first ones.
        following: Returns the next item, None at the very end.
    """

    def __init__(self, first: _Rows, following: Callable[[], _Rows | None]) -> None:
        self.table = first.table
        self._item: _Rows | None = first
        self._following = following

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Yield the rows as they arrive."""
        while (
            (item := self._item) is not None
            and item.table == self.table
            and (rows := item.rows) is not None
        ):
            yield rows
            # After a whole table comes its end.
            self._item = None if item.frame is None else replace(item, rows=None)
            del rows, item
            self._item = self._item or self._following()

    @property
    def whole(self) -> pl.DataFrame | None:
        """The table, if the rows that come next are all of it."""
        return None if self._item is None else self._item.frame

    def rest(self) -> pl.DataFrame | None:
        """Consume the remaining rows; return the frame that the table became, if any."""
        for _ in self:
            pass
        is_end = self._item is not None and self._item.table == self.table
        return self._item.frame if self._item is not None and is_end else None

    def behind(self) -> _Rows | None:
        """Return what follows the end."""
        is_end = self._item is not None and self._item.table == self.table
        return self._following() if is_end else self._item


def _in_blocks(rows: _RowsOfTable, height: int) -> Iterator[pl.DataFrame]:
    blocks = RowBlocks(height)
    for some in rows:
        yield from blocks.add(some)
    yield from blocks.end()
