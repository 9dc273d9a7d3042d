"""PostgreSQL: rows are in the order of the blocks that they lie in."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from algomancy_data.database.codec import postgresql as codec
from algomancy_data.database.marks import read_mark
from algomancy_data.database.naming import TABLE_PREFIX
from algomancy_data.database.storage.base import TableStorage

if TYPE_CHECKING:
    from algomancy_data.database.marks import Mark
    from algomancy_data.database.storage.base import Codec

_LOCK_TIMEOUT: Final = "60s"


class PostgreSQLStorage(TableStorage):
    """How PostgreSQL keeps frames.

    A query without an order may begin in the middle of a table that somebody else is reading
    (``synchronize_seqscans``), or mix the rows of several workers. A scan by ``ctid`` goes
    through the blocks in order, which is the order in which a new table was filled.
    """

    integer = "integer"
    # Each statement sees what is committed then: the lock keeps a dataset as it is meanwhile.
    read_isolation = "READ COMMITTED"
    write_isolation = "READ COMMITTED"

    @property
    def codec(self) -> Codec:
        """The codec of PostgreSQL."""
        return codec

    def begin_reading(self, connection: sa.Connection, session: str, dataset: str) -> None:
        """Keep others from changing a dataset, and see its rows in order."""
        self.hold(connection, session, dataset)
        self.help_reading(connection)

    def hold(self, connection: sa.Connection, session: str, dataset: str) -> None:
        """Keep others from changing a dataset until the transaction ends, or wait for them."""
        self._lock(connection, sa.func.pg_advisory_xact_lock_shared, session, dataset)

    def help_reading(self, connection: sa.Connection) -> None:
        """Get a further connection ready to read beside one that began; it must not wait.

        It takes no lock: behind a writer who waits for the first one it would wait for ever.
        """
        # Where the planner prefers to read the whole table, it does so in order as well.
        connection.exec_driver_sql("SET LOCAL synchronize_seqscans = off")
        connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")

    def begin_writing(self, connection: sa.Connection, session: str, dataset: str) -> None:
        """Keep others from reading and changing a dataset, or wait for them."""
        self._lock(connection, sa.func.pg_advisory_xact_lock, session, dataset)

    def reader_engine(self, engine: sa.Engine) -> sa.Engine | None:
        """Return the engine itself, whose pool has further connections."""
        return engine

    def create(self, connection: sa.Connection, table: sa.Table, mark: Mark) -> None:
        """Create a table that carries a mark, as its comment."""
        table.comment = mark.to_text()
        table.create(connection)

    def marks(self, connection: sa.Connection) -> dict[str, Mark | None]:
        """Return the mark of each table whose name begins like those of this package."""
        tables = sa.text(
            "SELECT relname::text AS name, obj_description(oid, 'pg_class') AS mark "
            "FROM pg_class WHERE relkind = 'r' AND starts_with(relname::text, :names) "
            "AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) "
            "ORDER BY relname"
        )
        rows = connection.execute(tables, {"names": TABLE_PREFIX})
        return {row.name: read_mark(row.mark) for row in rows}

    def declared_columns(self, connection: sa.Connection, physical: str) -> dict[str, str]:
        """Return the declared type of each column of a table, in order; none if it is gone."""
        attributes = sa.text(
            "SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type "
            "FROM pg_attribute "
            "WHERE attrelid = to_regclass(:table) AND attnum > 0 AND NOT attisdropped "
            "ORDER BY attnum"
        )
        name = connection.dialect.identifier_preparer.quote_identifier(physical)
        rows = connection.execute(attributes, {"table": name})
        return {row.name: row.type for row in rows}

    def extent(self, connection: sa.Connection, table: sa.Table) -> range:
        """Return the numbers of the blocks in which the table lies."""
        name = connection.dialect.identifier_preparer.format_table(table)
        blocks = connection.scalar(
            sa.text(
                "SELECT pg_relation_size(to_regclass(:table)) "
                "/ current_setting('block_size')::bigint"
            ),
            {"table": name},
        )
        return range(max(blocks or 0, 1))

    def at(self, query: sa.Select[Any], places: range) -> sa.Select[Any]:
        """Return the query limited to the rows in these blocks."""
        row = sa.column("ctid")
        return query.where(row >= _first_of(places[0]), row < _first_of(places[-1] + 1))

    def _lock(self, connection: sa.Connection, lock: Any, session: str, dataset: str) -> None:
        exact = f"{len(session)}:{session}{dataset}".encode()
        key = int.from_bytes(hashlib.sha256(exact).digest()[:8], signed=True)
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        connection.execute(sa.select(lock(sa.literal(key, sa.BigInteger()))))


def _first_of(block: int) -> sa.ColumnElement[Any]:
    return sa.literal_column(f"'({block},0)'::tid")
