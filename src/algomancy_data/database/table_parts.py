"""Large tables written by several workers, each into a table of its own: a part.

Parts are committed one by one, as tables that belong to no dataset yet, so nobody sees their rows.
Their comments name the owner, their names the write, and a lock shows that the write is still
going on. One short transaction then makes them children of a new table and enters that into the
catalogue. If the write ends before, its parts are dropped, or found among the leftovers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from adbc_driver_manager import Error
from sqlalchemy import exc
from sqlalchemy.pool import NullPool

from algomancy_data.database.backend import backend_for
from algomancy_data.database.block_sums import BLOCK_ROWS
from algomancy_data.database.engines import begun, store_engine, store_errors
from algomancy_data.database.layout import ChildTable, TableLayout
from algomancy_data.database.naming import TableOwner
from algomancy_data.database.table_sums import TableSums, joined_sums
from algomancy_data.database.tables import (
    PreparedTable,
    RowEncoder,
    create_table,
    drop_table,
    write_batches,
)
from algomancy_data.errors import StoreError
from algomancy_data.executors.sharing import Share, each_in_order
from algomancy_data.frames.exchange import exchange_directory, remove_mapped
from algomancy_data.frames.mapped import MappedFrames, frame_at, is_exact
from algomancy_data.metrics import NO_PHASE

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    import polars as pl

    from algomancy_data.database.layout import ColumnLayout
    from algomancy_data.database.naming import DatasetOwner
    from algomancy_data.database.table_storage import TableStorage
    from algomancy_data.database.tables import TablePlace
    from algomancy_data.executors.workers import Workers
    from algomancy_data.metrics import Phase

# A part is worth a connection and a table, and several for each worker end at about the same time.
_BLOCKS_PER_PART: Final = 20
_PARTS_PER_WORKER: Final = 4


class TableParts(ABC):
    """How a database handles parts."""

    @abstractmethod
    def begin(self, connection: sa.Connection) -> str:
        """Begin a write, which lasts until the transaction ends; return its name."""

    @abstractmethod
    def is_going_on(self, connection: sa.Connection, write: str) -> bool:
        """Tell whether a write is still going on."""

    @abstractmethod
    def new_name(self, write: str) -> str:
        """Return a name for another part of a write."""

    @abstractmethod
    def publish(self, connection: sa.Connection, storage: TableStorage, table: TableLayout) -> None:
        """Make parts the children of a table, as its layout says."""

    @abstractmethod
    def unpublished(
        self, connection: sa.Connection, write: str | None = None
    ) -> dict[str, TableOwner]:
        """Return the parts that are not yet children of a table, with their owners.

        Args:
            connection: A connection in a transaction.
            write: Only those of this write; None for those of all writes that have ended.
        """


@dataclass(frozen=True)
class RowsToWrite:
    """What a worker needs to write a part; can be pickled.

    Args:
        url: Where the database is.
        write: Which write it is.
        owner: The table.
        columns: How its columns lie in the database.
        place: Where the rows are.
        schema: What is there.
        in_memory_bytes: What a table may take in memory.
    """

    url: sa.URL
    write: str
    owner: TableOwner
    columns: tuple[ColumnLayout, ...]
    place: Path
    schema: pl.Schema
    in_memory_bytes: int


@dataclass(frozen=True)
class WrittenPart:
    """A part that is written.

    Args:
        table: Where they are.
        sums: Their check sums.
    """

    table: ChildTable
    sums: tuple[str, ...]


@dataclass(frozen=True)
class TableInParts:
    """A table whose rows are written, but not visible yet.

    Args:
        prepared: The table.
        storage: How the database keeps frames.
        parts: Where its rows are.
        written: The parts.
    """

    prepared: PreparedTable
    storage: TableStorage
    parts: TableParts
    written: Sequence[WrittenPart]

    @property
    def name(self) -> str:
        """Its logical name."""
        return self.prepared.name

    @property
    def frame(self) -> pl.DataFrame:
        """What it holds."""
        return self.prepared.frame

    def write(
        self,
        connection: sa.Connection,
        owner: DatasetOwner,
        phase: Phase,
        place: TablePlace | None = None,
    ) -> TableLayout:
        """Create the table and make the parts its children; return its layout."""
        del phase  # they were reported already
        empty, _ = create_table(
            connection, self.storage, TableOwner(*owner, self.name), self.prepared.columns, place
        )
        layout = replace(
            empty,
            height=self.frame.height,
            sums=joined_sums([one.sums for one in self.written]),
            children=tuple(one.table for one in self.written),
        )
        self.parts.publish(connection, self.storage, layout)
        return layout


class PartsWriter:
    """Has workers write the large tables of a dataset.

    Args:
        engine: The engine of the store, for transactions that write.
        url: Where workers find the database.
        storage: How it keeps frames.
        parts: What it knows of parts.
        owner: The dataset.
        workers: The workers.
    """

    def __init__(
        self,
        engine: sa.Engine,
        url: sa.URL,
        storage: TableStorage,
        parts: TableParts,
        owner: DatasetOwner,
        workers: Workers,
    ) -> None:
        self._engine = engine
        self._url = url
        self._storage = storage
        self._parts = parts
        self._owner = owner
        self._workers = workers

    @contextmanager
    def written(
        self, tables: Sequence[PreparedTable], phase: Phase
    ) -> Generator[list[PreparedTable | TableInParts]]:
        """Return the tables, with the large ones written as parts that the block may publish.

        Args:
            tables: The tables.
            phase: Told of the rows.
        """
        cuts = {table.name: self._cuts(table) for table in tables}
        if not any(cuts.values()):
            yield list(tables)
            return
        write = None
        try:
            with ExitStack() as going_on:
                with store_errors(self._engine, f"writing dataset {self._owner.dataset!r}"):
                    mark = going_on.enter_context(begun(self._engine))
                    write = self._parts.begin(mark)
                yield [
                    self._in_parts(table, cuts[table.name], write, phase)
                    if cuts[table.name]
                    else table
                    for table in tables
                ]
        finally:
            if write is not None:
                self._drop_unpublished(write)

    def _cuts(self, table: PreparedTable) -> list[range]:
        """Return the row ranges of a table's parts; none if it is better written as a whole."""
        frame = table.frame
        blocks = -(-frame.height // BLOCK_ROWS)
        if (
            blocks <= 1
            or not table.columns
            or not is_exact(frame.schema)
            or frame.estimated_size() < self._workers.least_bytes
        ):
            return []
        wanted = -(-blocks // (max(self._workers.capacity, 1) * _PARTS_PER_WORKER))
        # Whole blocks, so that the check sums of parts are those of the table.
        size = min(wanted, _BLOCKS_PER_PART) * BLOCK_ROWS
        ends = [*range(0, frame.height, size), frame.height]
        return [range(*both) for both in pairwise(ends)]

    def _in_parts(
        self, table: PreparedTable, cuts: Sequence[range], write: str, phase: Phase
    ) -> TableInParts:
        frame = table.frame
        owner = TableOwner(*self._owner, table.name)
        written: list[WrittenPart] = []
        with exchange_directory() as directory:
            shares = [
                Share(
                    f"Rows {rows.start:,} to {rows.stop - 1:,} of table {table.name!r}",
                    (
                        RowsToWrite(
                            self._url,
                            write,
                            owner,
                            table.columns,
                            directory / str(number),
                            frame.schema,
                            self._storage.in_memory_bytes,
                        ),
                    ),
                    partial(_hand_over, frame, rows, directory / str(number)),
                )
                for number, rows in enumerate(cuts)
            ]
            for number, part in enumerate(each_in_order(self._workers, _write, shares)):
                written.append(part)
                remove_mapped(directory / str(number))
                phase.advance(part.table.height)
        return TableInParts(table, self._storage, self._parts, written)

    def _drop_unpublished(self, write: str) -> None:
        """Drop unpublished parts; if that fails, they become leftovers."""
        with suppress(exc.DBAPIError, Error), begun(self._engine) as connection:
            for physical in self._parts.unpublished(connection, write):
                drop_table(connection, physical)
            connection.commit()


def _hand_over(frame: pl.DataFrame, rows: range, place: Path) -> None:
    with MappedFrames(place) as frames:
        for batch in frame.slice(rows.start, len(rows)).iter_slices(BLOCK_ROWS):
            frames.write(batch)
        frames.written()


# --- in workers ------------------------------------------------------------------------------


def _write(task: RowsToWrite) -> WrittenPart:
    """Write rows into a new table, unless the write has ended meanwhile."""
    # A connection of its own, which is closed at the end.
    engine = store_engine(sa.create_engine(task.url, poolclass=NullPool))
    storage = backend_for(engine).table_storage()
    storage.in_memory_bytes = task.in_memory_bytes
    parts = storage.table_parts
    if parts is None:
        msg = f"{backend_for(engine).title} has no tables in parts."
        raise StoreError(msg)
    frame = frame_at(task.place, task.schema)
    physical = parts.new_name(task.write)
    layout = TableLayout(task.owner.table, physical, frame.height, task.columns)
    sums = TableSums(len(task.columns))
    writing = engine.execution_options(isolation_level=storage.write_isolation)
    doing = f"writing table {task.owner.table!r} of dataset {task.owner.dataset!r}"
    with store_errors(engine, doing), begun(writing) as connection:
        declared = storage.columns_of(layout)
        storage.create(connection, physical, declared, task.owner)
        # Not all at once: some are encoded while the server stores others.
        batches = frame.iter_slices(min(storage.rows_per_write(frame), BLOCK_ROWS))
        encode = RowEncoder(storage, task.columns, sums)
        table = storage.target(physical, declared)
        write_batches(connection, storage, table, batches, encode, NO_PHASE.advance)
        if not parts.is_going_on(connection, task.write):
            msg = f"The program that wanted these rows of {task.owner.dataset!r} has ended."
            raise StoreError(msg)
        connection.commit()
    return WrittenPart(ChildTable(physical, frame.height), sums.to_texts())
