"""The data tables: create, fill, read and drop them inside a transaction of the caller's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import sqlalchemy as sa

from algomancy_data.database.codec import sqlite as codec
from algomancy_data.database.layout import TableLayout
from algomancy_data.database.naming import NO_COLUMNS, ROW_ID, hashed_table_name, table_name
from algomancy_data.errors import SchemaDriftError, StoreError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from algomancy_data.database.layout import ColumnLayout
    from algomancy_data.database.parallel import Readers

# A range of rows is one Arrow batch, whose text columns have 32-bit offsets: 2 GiB each.
_ROWS_PER_READ: Final = 1_000_000
# As many at a time are encoded, and between them one can interrupt. Chosen by measurement.
_ROWS_PER_WRITE: Final = 100_000
# Below this, opening another connection takes longer than it saves.
_ROWS_WORTH_A_CONNECTION: Final = 50_000
_SPARSE: Final = 100


class _DeclaredType(sa.types.UserDefinedType[Any]):
    """A column's type as the codec names it; SQLite takes any word, and none."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **options: Any) -> str:
        """Return the word."""
        del options  # none concerns a plain word
        return self.name


class PreparedTable:
    """A frame that is ready to be written: whatever it holds can be kept exactly.

    Args:
        name: Logical name of the table.
        frame: Its data.

    Raises:
        UnstorableError: The database cannot keep a column, or so many, exactly.
    """

    def __init__(self, name: str, frame: pl.DataFrame) -> None:
        self.name = name
        self.height = frame.height
        self.columns: tuple[ColumnLayout, ...] = codec.plan(frame, name)
        self._frame = frame

    def write(self, connection: sa.Connection, session: str, dataset: str) -> TableLayout:
        """Create the table and fill it; return how it lies in the database.

        The rows go in on the connection's own transaction, in order.
        """
        physical = _free_name(connection, session, dataset, self.name)
        layout = TableLayout(self.name, physical, self.height, self.columns)
        _table(layout).create(connection)
        if self.columns and self.height:
            encoded = _encoded_ahead(self._frame, self.columns)
            with _cursor(connection) as cursor, closing(encoded) as parts:
                for part in parts:
                    cursor.adbc_ingest(physical, part, mode="append")
        return layout


def read_table(
    connection: sa.Connection, layout: TableLayout, readers: Readers | None = None
) -> pl.DataFrame:
    """Return the frame that lies in a table, in the order in which it was written.

    Args:
        connection: A connection in a transaction.
        layout: How the table lies in the database.
        readers: Further connections to read a large table with.

    Raises:
        SchemaDriftError: The table is gone, or somebody changed its columns or their types.
    """
    check_drift(connection, layout)
    if not layout.columns:
        return pl.DataFrame(height=layout.height)

    def read_part(own: sa.Connection, rows: range) -> pl.DataFrame:
        return codec.decode(_fetch(own, layout, rows), layout.columns, layout.name)

    rows = _row_ids(connection, layout)
    if len(rows) > _SPARSE * max(layout.height, _ROWS_PER_READ):
        parts = [read_part(connection, rows)]  # somebody numbered rows by hand
    elif readers is None or len(rows) < _ROWS_WORTH_A_CONNECTION:
        parts = [read_part(connection, part) for part in _split(rows, _ROWS_PER_READ)]
    else:
        share = -(-len(rows) // readers.connections)
        parts = readers.read(connection, read_part, _split(rows, min(share, _ROWS_PER_READ)))
    return pl.concat(parts) if len(parts) != 1 else parts[0]


def drop_table(connection: sa.Connection, physical: str) -> None:
    """Drop a table, whatever became of it."""
    sa.Table(_quoted(physical), sa.MetaData()).drop(connection, checkfirst=True)


def check_drift(connection: sa.Connection, layout: TableLayout) -> None:
    """Make sure that a table has the columns that were created.

    Raises:
        SchemaDriftError: It is gone, or has other columns.
    """
    expected = layout.physical_columns() or {NO_COLUMNS: ""}
    found = _declared_columns(connection, layout.physical)
    if found == expected:
        return
    if not found:
        what = "is gone"
    else:
        differences = [
            *(f"column {name!r} is missing" for name in expected.keys() - found.keys()),
            *(f"column {name!r} was added" for name in found.keys() - expected.keys()),
            *(
                f"column {name!r} is {found[name] or 'untyped'} instead of {expected[name]}"
                for name in expected.keys() & found.keys()
                if found[name] != expected[name]
            ),
        ]
        what = "was altered: " + ("; ".join(sorted(differences)) or "its columns changed places")
    msg = (
        f"Table {layout.physical!r}, which holds {layout.name!r}, {what}. Undo the change, or "
        f"delete the dataset and load it again."
    )
    raise SchemaDriftError(msg)


def _declared_columns(connection: sa.Connection, physical: str) -> dict[str, str]:
    table_info = sa.text("SELECT name, type FROM pragma_table_info(:table)")
    rows = connection.execute(table_info, {"table": physical})
    return {row.name: row.type for row in rows}


def _encoded_ahead(
    frame: pl.DataFrame, columns: tuple[ColumnLayout, ...]
) -> Generator[pl.DataFrame]:
    """Yield the rows as they go into the table; the next ones are made while some are written."""
    first, *others = frame.iter_slices(_ROWS_PER_WRITE)
    if not others:
        yield codec.encode(first, columns)
        return
    with ThreadPoolExecutor(1, "algomancy-data-encoder") as pool:
        coming = pool.submit(codec.encode, first, columns)
        for rows in others:
            ready = coming.result()
            coming = pool.submit(codec.encode, rows, columns)
            yield ready
        yield coming.result()


def _row_ids(connection: sa.Connection, layout: TableLayout) -> range:
    # Each by itself is found in the index; SQLite reads the whole table for both in one query.
    first, last = (
        connection.scalar(sa.select(outermost(sa.column(ROW_ID))).select_from(_table(layout)))
        for outermost in (sa.func.min, sa.func.max)
    )
    # An empty table still has columns to read.
    return range(1, 2) if first is None or last is None else range(first, last + 1)


def _split(rows: range, length: int) -> list[range]:
    return [rows[start : start + length] for start in range(0, len(rows), length)]


def _fetch(connection: sa.Connection, layout: TableLayout, rows: range) -> pl.DataFrame:
    row_id = sa.column(ROW_ID)
    query = sa.select(_table(layout)).where(row_id.between(rows[0], rows[-1])).order_by(row_id)
    statement = query.compile(connection.engine, compile_kwargs={"literal_binds": True})
    with _cursor(connection) as cursor:
        cursor.execute(str(statement))
        return pl.DataFrame(cursor.fetch_record_batch())


def _free_name(connection: sa.Connection, session: str, dataset: str, table: str) -> str:
    """Return the table's name, or the one with a hash if case makes the plain one taken."""
    for name in (
        table_name(session, dataset, table),
        hashed_table_name(session, dataset, table),
    ):
        if not connection.dialect.has_table(connection, name):
            return name
    msg = (
        f"The database already has a table for {table!r} of dataset {dataset!r} that the "
        f"catalogue does not know, and it is not overwritten. Rename or drop it."
    )
    raise StoreError(msg)


def _table(layout: TableLayout) -> sa.Table:
    columns: Mapping[str, str] = layout.physical_columns() or {NO_COLUMNS: ""}
    return sa.Table(
        _quoted(layout.physical),
        sa.MetaData(),
        *(sa.Column(_quoted(name), _DeclaredType(word)) for name, word in columns.items()),
    )


def _quoted(name: str) -> sa.sql.quoted_name:
    return sa.sql.quoted_name(name, quote=True)


def _cursor(connection: sa.Connection) -> Any:
    """Return a cursor of the driver on the connection's own transaction."""
    return connection.connection.cursor()
