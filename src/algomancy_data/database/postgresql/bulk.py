"""Rows between frames and PostgreSQL's tables: as Arrow, through ADBC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import polars as pl
import pyarrow as pa

from algomancy_data.database.adbc.dialect import arrow_cursor, query_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    import sqlalchemy as sa

# PostgreSQL's driver encodes a batch, sends it, and only then encodes the next. What fits into the
# socket's buffer lets the server store one while the next is made: a million rows of 8 columns
# take 1.2 times as long as COPY of a ready stream, in batches of a megabyte twice as long.
_BYTES_PER_BATCH: Final = 2**15
_FEWEST_ROWS_PER_BATCH: Final = 256  # fewer cost more than they gain: each has all columns


class PostgreSQLBulk:
    """Arrow in and out, without a Python object per value."""

    rows_per_write: ClassVar[int] = 200_000  # chosen by measurement, as SQLite's
    takes_text: ClassVar[bool] = True

    def arranged(self, rows: Any) -> list[Any]:
        """Return the rows as they are."""
        return [rows]

    def ingest(
        self, connection: sa.Connection, table: sa.TableClause, parts: Iterable[Any]
    ) -> None:
        """Append rows to a table, in order; columns go by name."""
        with arrow_cursor(connection) as cursor:
            for part in parts:
                height = max(
                    _FEWEST_ROWS_PER_BATCH, _BYTES_PER_BATCH * len(part) // max(part.nbytes, 1)
                )
                batches = part.to_batches(max_chunksize=height)
                stream = pa.RecordBatchReader.from_batches(part.schema, batches)
                cursor.adbc_ingest(str(table.name), stream, mode="append")

    def fetch(
        self, connection: sa.Connection, query: sa.Select[Any] | str, most_rows: int
    ) -> pl.DataFrame:
        """Return the rows of a query, in types that suit all of them."""
        del most_rows  # the database says what types there are
        with arrow_cursor(connection) as cursor:
            cursor.execute(query_text(connection, query))
            # Not as a stream of Polars', which knows no error of the driver's.
            with cursor.reading():
                table = cursor.fetch_arrow_table()
            return pl.DataFrame(table)
