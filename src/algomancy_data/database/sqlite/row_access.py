"""Single rows of SQLite's tables, by their row numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl
import sqlalchemy as sa

from algomancy_data.database.naming import ROW_ID
from algomancy_data.database.row_access import RowAccess
from algomancy_data.database.table_keys import KeyKind
from algomancy_data.database.table_storage import index_name, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from algomancy_data.database.layout import ColumnLayout, TableLayout
    from algomancy_data.database.naming import TableOwner

_TEMPORARY: Final = "algomancy_rows_to_find"
COMPARABLE: Final = frozenset({"integer", "boolean", "text", "digits", "iso", "blob"})
"""Words of the codec."""


class SQLiteRows(RowAccess):
    """Rows by their numbers."""

    keeps_constraints = True

    def is_comparable(self, column: ColumnLayout) -> bool:
        """Tell whether values of a column are equal in SQL exactly where they are in Polars."""
        return column.storage in COMPARABLE and column.mask is None

    def index(
        self, connection: sa.Connection, layout: TableLayout, columns: Sequence[ColumnLayout]
    ) -> None:
        """Index some columns, unless there is an index; it is dropped with the table."""
        if _is_primary(layout, columns):
            return
        names = connection.dialect.identifier_preparer
        listed = ", ".join(names.quote_identifier(column.physical) for column in columns)
        connection.exec_driver_sql(
            f"CREATE INDEX IF NOT EXISTS {names.quote_identifier(index_name(layout, columns))} "
            f"ON {names.format_table(self._storage.table_of(layout))} ({listed})"
        )

    def has_index(
        self, connection: sa.Connection, layout: TableLayout, columns: Sequence[ColumnLayout]
    ) -> bool:
        """Tell whether there is such an index."""
        if _is_primary(layout, columns):
            return True
        query = sa.text("SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = :name")
        return connection.scalar(query, {"name": index_name(layout, columns)}) is not None

    def find(
        self,
        connection: sa.Connection,
        layout: TableLayout,
        columns: Sequence[ColumnLayout],
        keys: pl.DataFrame,
        numbers: pl.Series,
    ) -> pl.DataFrame:
        """Return the places of the rows that have some keys."""
        table = self._storage.table_of(layout)
        by_name = {str(column.name): column for column in table.columns}
        stored = [by_name[column.physical] for column in columns]
        types = {f"k{at}": column.type for at, column in enumerate(stored)}
        rows = self.asked(types, keys, numbers)
        with self._temporary(connection, types, rows) as asked:
            same = [column == asked.c[name] for column, name in zip(stored, types, strict=True)]
            number = sa.column(self.number, sa.BigInteger(), _selectable=asked).label("key")
            place = sa.column(ROW_ID, sa.BigInteger(), _selectable=table).label("place")
            wanted: list[sa.ColumnElement[Any]] = [number, place]
            query = sa.select(*wanted).select_from(asked.join(table, sa.and_(*same)))
            found = self._storage.bulk.fetch(connection, query, max(keys.height, 1))
        return found.cast(pl.Int64())

    def places(
        self,
        connection: sa.Connection,
        table: sa.Table,
        part: range,
        condition: sa.ColumnElement[bool] | None = None,
    ) -> pl.Series:
        """Return those row numbers of a part that have rows, in order."""
        query = sa.select(sa.column(ROW_ID).label("place")).select_from(table)
        query = self._storage.at(query, table, part)
        query = query if condition is None else query.where(condition)
        return self._storage.bulk.fetch(connection, query, len(part))["place"].cast(pl.Int64())

    def last(self, connection: sa.Connection, layout: TableLayout, rows: int) -> list[range]:
        """Return the row numbers of the last rows."""
        table, row_id = self._storage.table_of(layout), sa.column(ROW_ID)
        last = sa.select(row_id).select_from(table).order_by(row_id.desc()).limit(max(rows, 1))
        first = connection.scalar(sa.select(sa.func.min(last.subquery().c[0]))) or 1
        (extent,) = self._storage.extents(connection, layout)
        return [range(first, extent.stop)]

    def rows_before(self, connection: sa.Connection, layout: TableLayout, place: int) -> int:
        """Return how many rows have a lower number."""
        table = self._storage.table_of(layout)
        before = sa.select(sa.func.count()).select_from(table).where(sa.column(ROW_ID) < place)
        return connection.scalar(before) or 0

    def remove(
        self, connection: sa.Connection, layout: TableLayout, places: pl.Series
    ) -> TableLayout:
        """Delete the rows with these numbers."""
        table = self._storage.table_of(layout)
        with self._temporary(connection, {}, places.alias(self.number).to_frame()) as asked:
            numbers = sa.select(asked.c[self.number])
            connection.execute(sa.delete(table).where(sa.column(ROW_ID).in_(numbers)))
        return layout

    def room(
        self, connection: sa.Connection, layout: TableLayout, owner: TableOwner, rows: int
    ) -> tuple[sa.Table, TableLayout]:
        """Return the table itself: a new row gets the number after the highest."""
        del connection, owner, rows
        return self._storage.table_of(layout), layout

    def _temporary(
        self,
        connection: sa.Connection,
        types: Mapping[str, sa.types.TypeEngine[object]],
        rows: pl.DataFrame,
    ) -> AbstractContextManager[sa.Table]:
        """Put rows into a table that only this connection sees."""
        number = sa.Column(self.number, sa.Integer(), primary_key=True, autoincrement=False)
        columns = (sa.Column(name, of_type) for name, of_type in types.items())
        table = sa.Table(
            quoted(_TEMPORARY), sa.MetaData(), number, *columns, prefixes=["TEMPORARY"]
        )
        return self.created(connection, table, rows)


def _is_primary(layout: TableLayout, columns: Sequence[ColumnLayout]) -> bool:
    """Tell whether columns are the primary key, which has an index that SQLite named."""
    names = tuple(column.name for column in columns)
    return any(
        key.is_unique and key.kind is KeyKind.PRIMARY and key.columns == names
        for key in layout.keys
    )
