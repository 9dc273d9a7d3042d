"""Single rows of SQLite's tables, by their row numbers."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import sqlalchemy as sa

from algomancy_data.database.naming import ROW_ID
from algomancy_data.database.table_storage import RowAccess, quoted

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from algomancy_data.database.table_storage import BulkAccess

_TEMPORARY: Final = "algomancy_rows_to_find"
_NUMBER: Final = "n"


class SQLiteRows(RowAccess):
    """Rows by their numbers.

    Args:
        bulk: How rows get there and back.
    """

    def __init__(self, bulk: BulkAccess) -> None:
        self._bulk = bulk

    def index(self, connection: sa.Connection, table: sa.Table, columns: Sequence[str]) -> None:
        """Make an index of some columns, unless there is one; it goes with the table."""
        names = connection.dialect.identifier_preparer
        listed = ", ".join(map(names.quote_identifier, columns))
        connection.exec_driver_sql(
            f"CREATE INDEX IF NOT EXISTS {names.quote_identifier(_index_name(table, columns))} "
            f"ON {names.format_table(table)} ({listed})"
        )

    def has_index(self, connection: sa.Connection, table: sa.Table, columns: Sequence[str]) -> bool:
        """Tell whether there is such an index."""
        query = sa.text("SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = :name")
        return connection.scalar(query, {"name": _index_name(table, columns)}) is not None

    def find(
        self, connection: sa.Connection, table: sa.Table, keys: pl.DataFrame, numbers: pl.Series
    ) -> pl.DataFrame:
        """Return the places of the rows that have the same values as some others."""
        by_name = {str(column.name): column for column in table.columns}
        stored = [by_name[name] for name in keys.columns]
        types = {f"k{at}": column.type for at, column in enumerate(stored)}
        rows = pl.DataFrame(
            [
                numbers.alias(_NUMBER),
                *(one.alias(name) for one, name in zip(keys, types, strict=True)),
            ]
        )
        with self._temporary(connection, types, rows) as asked:
            same = [column == asked.c[name] for column, name in zip(stored, types, strict=True)]
            number = sa.column(_NUMBER, sa.BigInteger(), _selectable=asked).label("key")
            place = sa.column(ROW_ID, sa.BigInteger(), _selectable=table).label("place")
            wanted: list[sa.ColumnElement[Any]] = [number, place]
            query = sa.select(*wanted).select_from(asked.join(table, sa.and_(*same)))
            found = self._bulk.fetch(connection, query, max(keys.height, 1))
        return found.cast(pl.Int64())

    def places(self, connection: sa.Connection, table: sa.Table, part: range) -> pl.Series:
        """Return those row numbers of a part that have rows, in order."""
        row_id = sa.column(ROW_ID)
        query = sa.select(row_id.label("place")).select_from(table)
        query = query.where(row_id.between(part[0], part[-1])).order_by(row_id)
        return self._bulk.fetch(connection, query, len(part))["place"].cast(pl.Int64())

    def place_before_end(self, connection: sa.Connection, table: sa.Table, rows: int) -> int:
        """Return the row number from which on so many rows are left."""
        row_id = sa.column(ROW_ID)
        last = sa.select(row_id).select_from(table).order_by(row_id.desc()).limit(max(rows, 1))
        return connection.scalar(sa.select(sa.func.min(last.subquery().c[0]))) or 1

    def rows_before(self, connection: sa.Connection, table: sa.Table, place: int) -> int:
        """Return how many rows have a lower number."""
        before = sa.select(sa.func.count()).select_from(table).where(sa.column(ROW_ID) < place)
        return connection.scalar(before) or 0

    def remove(self, connection: sa.Connection, table: sa.Table, places: pl.Series) -> None:
        """Delete the rows with these numbers."""
        with self._temporary(connection, {}, places.alias(_NUMBER).to_frame()) as asked:
            numbers = sa.select(asked.c[_NUMBER])
            connection.execute(sa.delete(table).where(sa.column(ROW_ID).in_(numbers)))

    @contextmanager
    def _temporary(
        self,
        connection: sa.Connection,
        types: Mapping[str, sa.types.TypeEngine[object]],
        rows: pl.DataFrame,
    ) -> Generator[sa.Table]:
        """Have rows in a table that only this connection sees."""
        number = sa.Column(_NUMBER, sa.Integer(), primary_key=True, autoincrement=False)
        columns = (sa.Column(name, of_type) for name, of_type in types.items())
        table = sa.Table(
            quoted(_TEMPORARY), sa.MetaData(), number, *columns, prefixes=["TEMPORARY"]
        )
        table.create(connection, checkfirst=False)
        if rows.height:
            arrow = rows.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
            self._bulk.ingest(connection, table, self._bulk.arranged(arrow))
        yield table
        table.drop(connection, checkfirst=False)


def _index_name(table: sa.Table, columns: Sequence[str]) -> str:
    """Return a name that no other index has: SQLite has them all in one space."""
    exact = "\0".join([str(table.name), *columns]).encode()
    return f"algomancy_key_{hashlib.sha256(exact).hexdigest()[:32]}"
