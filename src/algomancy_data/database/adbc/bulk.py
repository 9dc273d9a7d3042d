"""Rows between frames and tables: as Arrow, through ADBC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import polars as pl
import pyarrow as pa

from algomancy_data.database.sqlite.dbapi import BATCH_ROWS
from algomancy_data.errors import SchemaDriftError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import sqlalchemy as sa

_MOST_ROWS_PER_BATCH: Final = 2**22
# Measured: 0.38 s instead of 0.48 s for a million rows of 8 columns; more are no faster.
_ROWS_PER_STATEMENT: Final = 4
_MOST_PARAMETERS: Final = 32_766  # of a statement, in SQLite
# PostgreSQL's driver encodes a batch, sends it, and only then encodes the next. What fits into the
# socket's buffer lets the server store one while the next is made: a million rows of 8 columns
# take 1.2 times as long as COPY of a ready stream, in batches of a megabyte twice as long.
_BYTES_PER_BATCH: Final = 2**15
_FEWEST_ROWS_PER_BATCH: Final = 256  # fewer cost more than they gain: each has all columns


class ADBCTransport:
    """Arrow in and out, without a Python object per value."""

    rows_per_write: ClassVar[int] = 200_000  # chosen by measurement, as SQLite's

    def arranged(self, rows: pl.DataFrame) -> list[Any]:
        """Return encoded rows as :meth:`ingest` takes them; may be called in another thread."""
        return [rows.to_arrow()]

    def ingest(self, connection: sa.Connection, table: sa.Table, parts: Iterable[Any]) -> None:
        """Append rows to a table, in order; columns go by name."""
        with _cursor(connection, {}) as cursor:
            for part in parts:
                height = max(
                    _FEWEST_ROWS_PER_BATCH, _BYTES_PER_BATCH * len(part) // max(part.nbytes, 1)
                )
                batches = part.to_batches(max_chunksize=height)
                stream = pa.RecordBatchReader.from_batches(part.schema, batches)
                cursor.adbc_ingest(str(table.name), stream, mode="append")

    def fetch(
        self, connection: sa.Connection, query: sa.Select[Any], most_rows: int
    ) -> pl.DataFrame:
        """Return the rows of a query, in types that suit all of them."""
        del most_rows  # the database says what types there are
        with _cursor(connection, {}) as cursor:
            cursor.execute(_text(connection, query))
            return pl.DataFrame(cursor.fetch_record_batch())


class SQLiteTransport(ADBCTransport):
    """As :class:`ADBCTransport`, but several rows per statement, and types of all rows."""

    rows_per_write: ClassVar[int] = 50_000

    def arranged(self, rows: pl.DataFrame) -> list[Any]:
        """Return Arrow tables with the rows of a statement side by side, and with the rest."""
        together = min(_ROWS_PER_STATEMENT, _MOST_PARAMETERS // rows.width)
        rest = rows.height % together
        whole, others = rows.head(rows.height - rest), rows.tail(rest)
        return [
            _side_by_side(part, places)
            for part, places in ((whole, together), (others, 1))
            if not part.is_empty()
        ]

    def ingest(self, connection: sa.Connection, table: sa.Table, parts: Iterable[Any]) -> None:
        """Append rows to a table, in order, as :meth:`arranged` returns them."""
        names = connection.dialect.identifier_preparer
        width = len(table.columns)
        with _cursor(connection, {}) as cursor:
            for part in parts:
                columns = ", ".join(map(names.quote_identifier, part.column_names[:width]))
                row = f"({', '.join('?' * width)})"
                cursor.executemany(
                    f"INSERT INTO {names.format_table(table)} ({columns}) "  # noqa: S608  quoted
                    f"VALUES {', '.join([row] * (part.num_columns // width))}",
                    part,
                )

    def fetch(
        self, connection: sa.Connection, query: sa.Select[Any], most_rows: int
    ) -> pl.DataFrame:
        """Return the rows of a query, in types that suit all of them."""
        # One batch, for which the driver reserves memory before it knows how many there are.
        settings = {BATCH_ROWS: str(min(most_rows, _MOST_ROWS_PER_BATCH))}
        with _cursor(connection, settings) as cursor:
            cursor.execute(_text(connection, query))
            rows = cursor.fetch_record_batch()
            return pl.DataFrame(_checked(pa.Table.from_batches(map(_detached, rows), rows.schema)))


def _side_by_side(rows: pl.DataFrame, places: int) -> Any:
    wide = rows.select(
        pl.nth(number).gather_every(places, place).alias(f"{place},{number}")
        for place in range(places)
        for number in range(rows.width)
    )
    # Not as the stream of the frame: the driver crashes when it binds texts that are Arrow views.
    table = wide.to_arrow(compat_level=pl.CompatLevel.oldest())
    return table.rename_columns(rows.columns * places)


def _detached(batch: Any) -> Any:
    """Return a copy of a batch: the driver lets go of its columns only all together.

    Otherwise an integer column would keep the texts in memory that were dates.
    """
    return batch.copy_to(pa.default_cpu_memory_manager())


def _checked(table: Any) -> Any:
    """Return a table whose texts are in UTF-8, which SQLite does not look at."""
    try:
        table.validate(full=True)
    except pa.ArrowInvalid as error:
        change = "A table holds texts that are not in UTF-8"
        raise SchemaDriftError.from_change(change) from error
    return table


def _text(connection: sa.Connection, query: sa.Select[Any]) -> str:
    return str(query.compile(connection.engine, compile_kwargs={"literal_binds": True}))


def _cursor(connection: sa.Connection, settings: Mapping[str, str]) -> Any:
    """Return a cursor of the driver on the connection's own transaction."""
    return connection.connection.cursor(adbc_stmt_kwargs=settings)
