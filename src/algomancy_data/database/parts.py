"""Reading a data table part by part, and naming the value that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import adbc_driver_manager
import sqlalchemy as sa
from polars.exceptions import PanicException, PolarsError
from sqlalchemy import exc

from algomancy_data.database.codec.foreign import ForeignValueError
from algomancy_data.database.failures import is_about_damage
from algomancy_data.errors import DamagedStoreError, SchemaDriftError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from algomancy_data.database.layout import ColumnLayout, TableLayout
    from algomancy_data.database.table_storage import TableStorage

# A part of the rows is one Arrow batch, whose text columns have 32-bit offsets: 2 GiB each. Smaller
# parts take less memory on the way, down to this size, and as long.
ROWS_PER_READ: Final = 125_000
"""No more rows than these are read at once."""
_MOST_READS: Final = 100_000  # of one table, however many rows it is said to have
# What decoding raises where dtype and storage do not go together, since somebody changed them.
_MISFITS: Final = (AttributeError, LookupError, OverflowError, TypeError, ValueError)
_BAD_TEXT: Final = "could not decode to utf-8"


class PartReader:
    """Reads some columns of a table.

    Args:
        storage: How the database keeps frames.
        table: The table.
        layout: How the frame lies in it.
        columns: The columns to read.
    """

    def __init__(
        self,
        storage: TableStorage,
        table: sa.Table,
        layout: TableLayout,
        columns: Sequence[ColumnLayout],
    ) -> None:
        self._storage = storage
        self._table = table
        self._layout = layout
        self._columns = columns
        wanted = {name for one in columns for name in (one.physical, one.mask)}
        self._physical = [column for column in table.columns if str(column.name) in wanted]

    def parts(self, places: range, most_rows: int | None = None) -> list[range]:
        """Return the places in parts of about as many rows each as is best, but no more."""
        rows = min(ROWS_PER_READ if most_rows is None else most_rows, ROWS_PER_READ)
        length = len(places) * rows // max(self._layout.height, 1)
        length = max(1, length, len(places) // _MOST_READS)
        return [places[start : start + length] for start in range(0, len(places), length)]

    def read(
        self,
        connection: sa.Connection,
        places: range,
        condition: sa.ColumnElement[bool] | None = None,
        head: int | None = None,
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the rows at some places: their values, and how those are stored.

        Args:
            connection: A connection in a transaction.
            places: The places.
            condition: What is true for the rows to read; None for all.
            head: How many rows to read at most; None for all.

        Raises:
            ForeignValueError: A column cannot have a value that is stored there.
        """
        height = self._layout.height
        rows = self._storage.at(sa.select(*self._physical), places).limit(head)
        if condition is not None:
            rows = rows.where(condition)
        most = len(places) if head is None else max(height, 1)
        try:
            stored = self._storage.bulk.fetch(connection, rows, most)
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
        """Return the error for a table that does not have what was written."""
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
        """Return the error with the row of the whole table in which the value is."""
        if isinstance(error, ForeignValueError) and error.row is not None and condition is None:
            return error.at(error.row + self._rows_before(connection, places))
        for column in self._columns:
            found = self._storage.foreign_value(connection, self._table, column)
            if found is not None:
                return ForeignValueError(column, self._layout.name, *found)
        if condition is not None:
            try:
                self.read(connection, places)
            except ForeignValueError as exact:
                return exact
        return None

    def _rows_before(self, connection: sa.Connection, places: range) -> int:
        first = self._storage.extent(connection, self._table).start
        if first >= places.start:
            return 0
        before = range(first, places.start)
        rows = sa.select(sa.func.count()).select_from(self._table)
        return connection.scalar(self._storage.at(rows, before)) or 0
