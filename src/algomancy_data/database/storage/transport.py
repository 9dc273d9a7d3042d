"""Rows between frames and tables: as Arrow, through ADBC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import sqlalchemy as sa

_MOST_ROWS_PER_BATCH: Final = 2**22


class ADBCTransport:
    """Arrow in and out, without a Python object per value.

    Args:
        batch_option: The driver's option for how many rows make a batch, if it gives a column
            the type of its first batch. Otherwise None.
    """

    def __init__(self, batch_option: str | None = None) -> None:
        self._batch_option = batch_option

    def ingest(
        self, connection: sa.Connection, table: sa.Table, parts: Iterable[pl.DataFrame]
    ) -> None:
        """Append rows to a table, in order; columns go by name."""
        with _cursor(connection, {}) as cursor:
            for part in parts:
                cursor.adbc_ingest(str(table.name), part, mode="append")

    def fetch(
        self, connection: sa.Connection, query: sa.Select[Any], most_rows: int
    ) -> pl.DataFrame:
        """Return the rows of a query, in types that suit all of them."""
        statement = query.compile(connection.engine, compile_kwargs={"literal_binds": True})
        settings: dict[str, str] = {}
        if self._batch_option is not None:
            # One batch, for which the driver reserves memory before it knows how many there are.
            settings[self._batch_option] = str(min(most_rows, _MOST_ROWS_PER_BATCH))
        with _cursor(connection, settings) as cursor:
            cursor.execute(str(statement))
            rows = cursor.fetch_record_batch()
            if self._batch_option is None:
                return pl.DataFrame(rows)
            return pl.DataFrame(pa.Table.from_batches(map(_detached, rows), rows.schema))


def _detached(batch: Any) -> Any:
    """Return a copy of a batch: the driver lets go of its columns only all together.

    Otherwise an integer column would keep the texts in memory that were dates.
    """
    return batch.copy_to(pa.default_cpu_memory_manager())


def _cursor(connection: sa.Connection, settings: Mapping[str, str]) -> Any:
    """Return a cursor of the driver on the connection's own transaction."""
    return connection.connection.cursor(adbc_stmt_kwargs=settings)
