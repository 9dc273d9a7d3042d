"""Reading a data table: in parts, over several connections, as a LazyFrame."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, TypeVar

import adbc_driver_manager
import polars as pl
import sqlalchemy as sa
from polars.exceptions import PanicException, PolarsError
from polars.io.plugins import register_io_source
from sqlalchemy import exc

from algomancy_data.database.codec import ForeignValueError
from algomancy_data.database.engines import is_about_damage
from algomancy_data.database.open_scans import watched
from algomancy_data.database.pushdown import pushdown_condition
from algomancy_data.errors import DamagedStoreError, SchemaDriftError
from algomancy_data.memory import IN_MEMORY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from algomancy_data.database.layout import ColumnLayout, TableLayout
    from algomancy_data.database.table_storage import TableStorage


# A part of the rows is one Arrow batch, whose text columns have 32-bit offsets: 2 GiB each.
ROWS_PER_READ: Final = 125_000
"""How many rows are read at once, at most."""
_MOST_READS: Final = 100_000  # of one table, however many rows it is said to have
# What decoding raises where dtype and storage do not go together, since somebody changed them.
_MISFITS: Final = (AttributeError, LookupError, OverflowError, TypeError, ValueError)
_BAD_TEXT: Final = "could not decode to utf-8"


class Selection(NamedTuple):
    """The part of a table that is read.

    Args:
        columns: The columns; None for all.
        predicate: A Polars expression of these columns that is true for the rows to read, and
            looks at each row by itself; None for all.
        head: Only the first so many rows are looked at; None for all.
    """

    columns: Sequence[ColumnLayout] | None = None
    predicate: pl.Expr | None = None
    head: int | None = None


EVERYTHING: Final = Selection()


class PartReader:
    """Reads some columns of a table.

    Args:
        storage: How the database keeps frames.
        layout: Layout of the table.
        columns: The columns to read.
        predicate: A Polars expression of these columns that looks at each row by itself; rows for
            which it is not true may be skipped. None to read all.

    Attributes:
        most_rows: How many rows are read at once, at most.
    """

    def __init__(
        self,
        storage: TableStorage,
        layout: TableLayout,
        columns: Sequence[ColumnLayout],
        predicate: pl.Expr | None = None,
    ) -> None:
        self._storage = storage
        self._layout = layout
        self._columns = columns
        self._predicate = predicate
        self.most_rows = max(ROWS_PER_READ * storage.in_memory_bytes // IN_MEMORY_BYTES, 1)
        self._wanted = {name for one in columns for name in (one.physical, one.mask)}
        self._relations: dict[str, tuple[sa.Table, sa.ColumnElement[bool] | None]] = {}

    def parts(
        self, extents: Sequence[range], most_rows: int | None = None, height: int | None = None
    ) -> list[range]:
        """Cut places into parts of about the best number of rows.

        Args:
            extents: The places.
            most_rows: How many rows a part may have; None for the attribute of that name.
            height: How many rows are there; None for all of the table.
        """
        rows = self.most_rows if most_rows is None else min(most_rows, self.most_rows)
        places = sum(map(len, extents))
        length = places * rows // max(self._layout.height if height is None else height, 1)
        length = max(1, length, places // _MOST_READS)
        return [
            extent[start : start + length]
            for extent in extents
            for start in range(0, len(extent), length)
        ]

    def read(
        self, connection: sa.Connection, places: range, head: int | None = None
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the rows at some places: their values, and how those are stored.

        Args:
            connection: A connection in a transaction.
            places: The places.
            head: How many rows to read at most; None for all.

        Raises:
            ForeignValueError: A column cannot have a value that is stored there.
        """
        condition = None if self._predicate is None else self.relation(places)[1]
        try:
            stored = self._stored(connection, places, head, condition)
            return self._decoded(stored), stored
        except SchemaDriftError as error:
            located = self._located(connection, places, condition, error)
            if located is None:
                raise
            raise located from error
        except (exc.DBAPIError, adbc_driver_manager.Error) as error:
            said = str(error).lower()
            located = None
            if _BAD_TEXT in said:
                located = self._located(connection, places, condition, error)
            elif is_about_damage(said):
                located = self.damage("the database cannot read it, since its file is damaged")
            if located is None:
                raise
            raise located from error

    def _stored(
        self,
        connection: sa.Connection,
        places: range,
        head: int | None,
        condition: sa.ColumnElement[bool] | None,
    ) -> pl.DataFrame:
        most = len(places) if head is None else max(min(head, len(places)), 1)
        if condition is None and self._storage.bulk.takes_text:
            # To have SQLAlchemy write this takes longer than to read a small table.
            quote = connection.dialect.identifier_preparer.quote_identifier
            columns = [quote(name) for name in self._layout.stored_names() if name in self._wanted]
            relation = quote(self._storage.relation(self._layout, places.start))
            of = self._storage.from_text(relation, places)
            limit = "" if head is None else f" LIMIT {head}"
            query = f"SELECT {', '.join(columns)} FROM {of}{limit}"  # noqa: S608  quoted names
            return self._storage.bulk.fetch(connection, query, most)
        table, _ = self.relation(places)
        physical = [column for column in table.columns if str(column.name) in self._wanted]
        rows = self._storage.at(sa.select(*physical), table, places).limit(head)
        if condition is not None:
            rows = rows.where(condition)
        return self._storage.bulk.fetch(connection, rows, most)

    def relation(self, places: range) -> tuple[sa.Table, sa.ColumnElement[bool] | None]:
        """Return the table that has these places, and the SQL condition for the rows to read."""
        name = self._storage.relation(self._layout, places.start)
        if name not in self._relations:
            table = self._storage.table_of(self._layout, name)
            condition = None
            if self._predicate is not None:
                condition = pushdown_condition(self._storage, table, self._layout, self._predicate)
            self._relations[name] = table, condition
        return self._relations[name]

    def _decoded(self, stored: pl.DataFrame) -> pl.DataFrame:
        try:
            return self._storage.codec.decode(stored, self._columns, self._layout.name)
        except (*_MISFITS, PolarsError, PanicException) as error:
            change = (
                f"Table {self._layout.physical!r} holds other types than the catalogue says of "
                f"{self._layout.name!r}"
            )
            raise SchemaDriftError.from_change(change) from error

    def damage(self, problem: str) -> DamagedStoreError:
        """Return the error for a table that differs from what was written."""
        return DamagedStoreError(
            f"Table {self._layout.physical!r}, which holds {self._layout.name!r}, is damaged: "
            f"{problem}. Restore the database from a backup, or delete the dataset and load it "
            f"again."
        )

    def _located(
        self,
        connection: sa.Connection,
        places: range,
        condition: sa.ColumnElement[bool] | None,
        error: Exception,
    ) -> ForeignValueError | None:
        """Return the error with the value's row in the whole table."""
        if isinstance(error, ForeignValueError) and error.row is not None and condition is None:
            return error.at(error.row + self._rows_before(connection, places))
        table, _ = self.relation(places)
        for column in self._columns:
            found = self._storage.foreign_value(connection, table, column)
            if found is not None:
                return ForeignValueError(column, self._layout.name, *found)
        if condition is not None:
            try:
                PartReader(self._storage, self._layout, self._columns).read(connection, places)
            except ForeignValueError as exact:
                return exact
        return None

    def _rows_before(self, connection: sa.Connection, places: range) -> int:
        rows = 0
        for extent in self._storage.extents(connection, self._layout):
            if before := range(extent.start, min(extent.stop, places.start)):
                table, _ = self.relation(before)
                count = sa.select(sa.func.count()).select_from(table)
                rows += connection.scalar(self._storage.at(count, table, before)) or 0
        return rows


_Part = TypeVar("_Part")
_MOST_CONNECTIONS: Final = 4
# So many parts for each connection are in memory before they are asked for.
_PARTS_AHEAD: Final = 2
# What is on the way then takes little memory beside the table.
_PARTS_OF_TABLE: Final = 32


class Readers:
    """More connections that read beside the transaction's own.

    The driver spends its time turning cells into Arrow columns, on one core per connection.

    Their snapshots may differ from the transaction's, so each is checked for the same state; one
    that differs or fails leaves the work to the transaction's connection.

    Args:
        engine: Gives the connections.
        has_same_state: Whether a connection's snapshot is the transaction's, as far as it matters.
    """

    fewest_rows: ClassVar[int] = 50_000
    """In a smaller table, another connection costs more time than it saves."""

    def __init__(self, engine: sa.Engine, has_same_state: Callable[[sa.Connection], bool]) -> None:
        self._engine = engine
        self._has_same_state = has_same_state
        self.connections = min(pl.thread_pool_size(), _MOST_CONNECTIONS)

    def rows_per_read(self, height: int, fewest: int) -> int:
        """Return how many rows of a table to read at once, so that all connections have some.

        Args:
            height: How many rows it has.
            fewest: How many rows are worth a query.
        """
        share = -(-height // self.connections)
        return min(share, max(height // _PARTS_OF_TABLE, fewest))

    def read(
        self,
        connection: sa.Connection,
        read_part: Callable[[sa.Connection, range], _Part],
        parts: Sequence[range],
    ) -> Generator[_Part]:
        """Yield what ``read_part`` returns for each part, in order; only a few are read ahead.

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
            """Return what is read of the part; nothing if the connection cannot help."""
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
    """Read parts that nobody has begun to read, until the first one is done."""
    for place, (part, future) in enumerate(ahead):
        if ahead[0][1].done():
            return
        if future.cancel():
            done: Future[list[_Part]] = Future()
            done.set_result([read(part)])
            ahead[place] = (part, done)


def lazy_table(
    layout: TableLayout,
    batches: Callable[[Selection], Generator[pl.DataFrame]],
    *,
    is_eager: bool,
) -> pl.LazyFrame:
    """Return a table as a LazyFrame.

    Polars hands over those predicates that look at each row by itself, and applies the others.

    Args:
        layout: Layout of the table.
        batches: Yields selected rows of it, in order and some at a time.
        is_eager: Whether all rows are read before the first is handed over.
    """
    if not layout.columns:
        return pl.LazyFrame(height=layout.height)
    by_name = {column.name: column for column in layout.columns}

    def source(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,  # the size of our parts is what the database reads best
    ) -> Iterator[pl.DataFrame]:
        del batch_size
        wanted = list(by_name) if with_columns is None else with_columns
        of_predicate = [] if predicate is None else predicate.meta.root_names()
        needed = dict.fromkeys([*wanted, *of_predicate])
        read = batches(Selection([by_name[name] for name in needed], predicate, n_rows))
        # Not by select, for which some names are patterns.
        taken = (batch if len(needed) == len(wanted) else batch[wanted] for batch in read)
        return iter(list(taken)) if is_eager else watched(taken)

    return register_io_source(
        source, schema={name: column.dtype for name, column in by_name.items()}, is_pure=True
    )
