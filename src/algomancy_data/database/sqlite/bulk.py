"""Rows between frames and SQLite's tables: as Arrow, through ADBC, several per statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from algomancy_data.database.adbc.dialect import query_text, row_cursor
from algomancy_data.database.sqlite.dbapi import BATCH_ROWS
from algomancy_data.errors import SchemaDriftError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import sqlalchemy as sa

    from algomancy_data.database.sqlite.dbapi import Connection

_MOST_ROWS_PER_BATCH: Final = 2**22
# Measured: 0.38 s instead of 0.48 s for a million rows of 8 columns; more are no faster.
_ROWS_PER_STATEMENT: Final = 4
_MOST_PARAMETERS: Final = 32_766  # of a statement, in SQLite
_MOST_BYTES_IN_VIEW: Final = 12  # https://arrow.apache.org/docs/format/Columnar.html


class SQLiteBulk:
    """Arrow in and out; types are those of all rows, since SQLite declares none."""

    rows_per_write: ClassVar[int] = 50_000
    takes_text: ClassVar[bool] = True

    def arranged(self, rows: Any) -> list[Any]:
        """Return Arrow tables with the rows of a statement side by side, and the rest."""
        height = len(rows)
        if height < self.rows_per_write:
            # To lay them side by side takes longer than it saves, unless others are written then.
            return [rows]
        together = min(_ROWS_PER_STATEMENT, _MOST_PARAMETERS // rows.num_columns)
        rest = height % together
        parts = [_side_by_side(rows, together, height - rest)]
        return [*parts, rows.slice(height - rest)] if rest else parts

    def ingest(
        self, connection: sa.Connection, table: sa.TableClause, parts: Iterable[Any]
    ) -> None:
        """Append rows to a table, in order, as :meth:`arranged` returns them."""
        names = connection.dialect.identifier_preparer
        width = len(table.columns)
        cursor = row_cursor(connection)
        driver = cast("Connection", connection.connection.dbapi_connection)
        for part in parts:
            columns = ", ".join(map(names.quote_identifier, part.column_names[:width]))
            row = f"({', '.join('?' * width)})"
            cursor.executemany(
                f"INSERT INTO {names.format_table(table)} ({columns}) "  # noqa: S608  quoted
                f"VALUES {', '.join([row] * (part.num_columns // width))}",
                part,
            )
            driver.note_written(part.nbytes)
            del part  # before the next one is waited for

    def fetch(
        self, connection: sa.Connection, query: sa.Select[Any] | str, most_rows: int
    ) -> pl.DataFrame:
        """Return the rows of a query, in types that suit all of them."""
        # One batch, for which the driver reserves memory before it knows how many there are.
        settings = {BATCH_ROWS: str(min(most_rows, _MOST_ROWS_PER_BATCH))}
        rows = row_cursor(connection, settings).execute(query_text(connection, query)).take_table()
        table = pa.Table.from_batches(map(_detached, rows.to_batches()), rows.schema)
        del rows
        return pl.DataFrame(_checked(table))


def _side_by_side(rows: Any, places: int, height: int) -> Any:
    """Return the first rows, several in one; Arrow takes half of Polars' time."""
    at = [pl.int_range(place, height, places, eager=True).to_arrow() for place in range(places)]
    columns = [column.chunk(0) for column in rows.columns]
    # All of them are there, as need not be looked at.
    wide = [pc.take(column, numbers, boundscheck=False) for numbers in at for column in columns]
    return pa.Table.from_arrays(wide, names=rows.column_names * places)


def _detached(batch: Any) -> Any:
    """Return a batch, with copies of the columns that frames would share.

    The driver frees the columns of a batch only all at once: an integer column would keep the texts
    in memory that were dates.
    """
    own = pa.default_cpu_memory_manager()
    columns = [one if _fits_into_views(one) else one.copy_to(own) for one in batch.columns]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _fits_into_views(column: Any) -> bool:
    """Tell whether Polars, which has short texts in views of its own, copies a column anyway."""
    if not (pa.types.is_string(column.type) or pa.types.is_binary(column.type)):
        return False
    longest = pc.call_function("max", [pc.call_function("binary_length", [column])]).as_py()
    return longest is None or longest <= _MOST_BYTES_IN_VIEW


def _checked(table: Any) -> Any:
    """Return a table with texts checked to be UTF-8, which SQLite does not do."""
    try:
        table.validate(full=True)
    except pa.ArrowInvalid as error:
        change = "A table holds texts that are not in UTF-8"
        raise SchemaDriftError.from_change(change) from error
    return table
