"""What a store asks of a kind of database about single rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    import sqlalchemy as sa

    from algomancy_data.database.layout import ColumnLayout, TableLayout
    from algomancy_data.database.naming import TableOwner
    from algomancy_data.database.table_storage import TableStorage


class RowAccess(ABC):
    """Access to single rows by place; places keep their order when rows are added.

    Args:
        storage: How the database keeps frames.
    """

    number: ClassVar[str] = "n"
    """Name of the column with the numbers of the given rows."""

    keeps_constraints: ClassVar[bool]
    """Whether constraints also cover added rows; if not, the table is rewritten."""

    def __init__(self, storage: TableStorage) -> None:
        self._storage = storage

    def asked(self, names: Iterable[str], keys: pl.DataFrame, numbers: pl.Series) -> pl.DataFrame:
        """Return numbered keys as rows of a temporary table.

        Args:
            names: Names of the columns there.
            keys: The keys.
            numbers: The number of each.
        """
        named = (one.alias(name) for one, name in zip(keys, names, strict=True))
        return pl.DataFrame([numbers.alias(self.number), *named])

    @contextmanager
    def created(
        self, connection: sa.Connection, table: sa.Table, rows: pl.DataFrame
    ) -> Generator[sa.Table]:
        """Create a table with some rows, and drop it at the end of the block."""
        table.create(connection, checkfirst=False)
        if rows.height:
            arrow = rows.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
            self._storage.bulk.ingest(connection, table, self._storage.bulk.arranged(arrow))
        yield table
        table.drop(connection, checkfirst=False)

    @abstractmethod
    def is_comparable(self, column: ColumnLayout) -> bool:
        """Tell whether values of a column are equal in SQL exactly where they are in Polars."""

    @abstractmethod
    def index(
        self, connection: sa.Connection, layout: TableLayout, columns: Sequence[ColumnLayout]
    ) -> None:
        """Index some comparable columns, unless there is such an index."""

    @abstractmethod
    def has_index(
        self, connection: sa.Connection, layout: TableLayout, columns: Sequence[ColumnLayout]
    ) -> bool:
        """Tell whether there is such an index, and rows can be found by it."""

    @abstractmethod
    def find(
        self,
        connection: sa.Connection,
        layout: TableLayout,
        columns: Sequence[ColumnLayout],
        keys: pl.DataFrame,
        numbers: pl.Series,
    ) -> pl.DataFrame:
        """Return the places of the rows that have some keys.

        Args:
            connection: A connection in a transaction.
            layout: Layout of the table.
            columns: Columns of the table, which are comparable.
            keys: Values of these columns, encoded and without nulls.
            numbers: The number of each key.

        Returns:
            ``key``, the number of a row of ``keys``, and ``place``; both Int64, in any order.
        """

    @abstractmethod
    def places(
        self,
        connection: sa.Connection,
        table: sa.Table,
        part: range,
        condition: sa.ColumnElement[bool] | None = None,
    ) -> pl.Series:
        """Return those places of a part that have rows, in order (Int64).

        Args:
            connection: A connection in a transaction.
            table: The table that has these places, or the child.
            part: The places.
            condition: What is true for the rows; None for all.
        """

    @abstractmethod
    def last(self, connection: sa.Connection, layout: TableLayout, rows: int) -> list[range]:
        """Return the places of the last rows, or of all if there are fewer."""

    @abstractmethod
    def rows_before(self, connection: sa.Connection, layout: TableLayout, place: int) -> int:
        """Return how many rows come before a place."""

    @abstractmethod
    def remove(
        self, connection: sa.Connection, layout: TableLayout, places: pl.Series
    ) -> TableLayout:
        """Delete the rows at some places; return the table's new layout."""

    @abstractmethod
    def room(
        self, connection: sa.Connection, layout: TableLayout, owner: TableOwner, rows: int
    ) -> tuple[sa.Table, TableLayout]:
        """Return the table for rows that are appended, and the layout that includes it.

        Args:
            connection: A connection in a transaction.
            layout: Layout of the table.
            owner: What it holds.
            rows: How many rows are appended.
        """
