"""How PostgreSQL keeps frames: rows are in order of their blocks."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import sqlalchemy as sa

from algomancy_data.database.naming import TABLE_PREFIX, read_owner
from algomancy_data.database.postgresql import codec
from algomancy_data.database.postgresql.connections import free_connections
from algomancy_data.database.postgresql.keys import (
    EXACT,
    add_keys,
    add_references,
    drop_references,
    found_keys,
    length_problem,
)
from algomancy_data.database.postgresql.names import as_list, as_value, comment_on
from algomancy_data.database.postgresql.row_access import (
    CHILD_PREFIX,
    PostgreSQLRows,
    ctid_literal,
    ctid_text,
    extent_of,
    relation_of,
)
from algomancy_data.database.postgresql.table_parts import PostgreSQLParts
from algomancy_data.database.table_storage import (
    PLAIN_TEXT,
    Counterpart,
    DeclaredType,
    TableFound,
    TableStorage,
    integer_literal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from algomancy_data.database.layout import ColumnLayout, TableLayout
    from algomancy_data.database.naming import TableOwner
    from algomancy_data.database.row_access import RowAccess
    from algomancy_data.database.table_keys import KeysFound, KeysInSQL
    from algomancy_data.database.table_parts import TableParts
    from algomancy_data.database.table_storage import Codec


_LOCK: Final = "pg_advisory_xact_lock"
_LOCK_TIMEOUT: Final = "60s"
# Where the planner prefers to read the whole table, it does so in order as well.
_IN_ORDER: Final = {"synchronize_seqscans": "off", "max_parallel_workers_per_gather": "0"}
_HAS_OWN_LIMIT: Final = "algomancy-data: has its own lock_timeout"


class PostgreSQLStorage(TableStorage):
    """How PostgreSQL keeps frames.

    A query without an order may begin in the middle of a table that somebody else is reading
    (``synchronize_seqscans``), or mix the rows of several workers. A scan by ``ctid`` goes
    through the blocks in order, which is the order in which a new table was filled.
    """

    constrains_later = True
    integer = "integer"
    # Each statement sees what is committed then: the lock keeps a dataset as it is meanwhile.
    read_isolation = "READ COMMITTED"
    write_isolation = "READ COMMITTED"

    @property
    def codec(self) -> Codec:
        """The codec of PostgreSQL."""
        return codec

    @property
    def row_access(self) -> RowAccess | None:
        """Access to rows by block."""
        return PostgreSQLRows(self)

    @property
    def table_parts(self) -> TableParts | None:
        """Parts that become children."""
        return PostgreSQLParts()

    def free_connections(self, connection: sa.Connection) -> int:
        """Return how many more connections the server, the role and the database allow."""
        return free_connections(connection)

    def begin_reading(self, connection: sa.Connection, session: str, dataset: str) -> None:
        """Keep others from changing a dataset, and see its rows in order."""
        _lock(connection, f"{_LOCK}_shared", session, [dataset], _IN_ORDER)

    def hold(self, connection: sa.Connection, session: str, dataset: str) -> None:
        """Keep others from changing a dataset until the transaction ends, or wait for them."""
        _lock(connection, f"{_LOCK}_shared", session, [dataset])

    def help_reading(self, connection: sa.Connection) -> None:
        """Prepare another connection to read beside one that has begun; it must not wait.

        It takes no lock: behind a writer who waits for the first one it would wait for ever.
        """
        settings = ", ".join(map(_set, _IN_ORDER.items()))
        connection.exec_driver_sql(f"SELECT 1 FROM {settings}")  # noqa: S608  words of ours

    def begin_writing(self, connection: sa.Connection, session: str, *datasets: str) -> None:
        """Keep others from reading and changing datasets, or wait for them."""
        if datasets:
            # In one order, so that no two wait for each other.
            _lock(connection, _LOCK, session, sorted(datasets))

    def reader_engine(self, engine: sa.Engine) -> sa.Engine | None:
        """Return the engine itself, whose pool has more connections."""
        return engine

    def can_name(self, connection: sa.Connection, physical: str) -> bool:
        """Tell whether the database's encoding has all characters of a table's name."""
        if physical.isascii():
            return True
        return connection.scalar(sa.func.pg_catalog.getdatabaseencoding()) == "UTF8"

    def taken(self, connection: sa.Connection, names: Sequence[str]) -> set[str]:
        """Return which of some names are taken by relations of any kind."""
        query = sa.text(
            "SELECT name FROM json_array_elements_text(CAST(:names AS json)) AS asked(name) "
            "WHERE to_regclass(quote_ident(name)) IS NOT NULL"
        )
        return set(connection.scalars(query, {"names": as_list(names)}))

    def create(
        self,
        connection: sa.Connection,
        physical: str,
        columns: Mapping[str, str],
        owner: TableOwner,
        keys: KeysInSQL | None = None,
    ) -> None:
        """Create a table, whose comment names its owner."""
        del keys  # are made when there are rows
        names = connection.dialect.identifier_preparer
        name = names.quote_identifier(physical)
        declared = (f"{names.quote_identifier(one)} {word}" for one, word in columns.items())
        connection.exec_driver_sql(f"CREATE TABLE {name} ({', '.join(declared)})")
        connection.exec_driver_sql(comment_on(name, owner.to_text()))

    def copy(
        self,
        connection: sa.Connection,
        originals: Sequence[sa.TableClause],
        physical: str,
        columns: Mapping[str, str],
        owner: TableOwner,
        keys: KeysInSQL | None = None,
    ) -> None:
        """Create a table with the rows of others with the same columns, in order."""
        del columns, keys  # come with the rows; are made when these are there
        self.help_reading(connection)
        # No index has this column, so that the blocks themselves are read.
        first = sa.column("ctid") >= ctid_literal(0, 0)
        each = [sa.select(one).where(first).with_hint(one, "ONLY") for one in originals]
        rows = sa.union_all(*each) if len(each) > 1 else each[0]
        name = connection.dialect.identifier_preparer.quote_identifier(physical)
        # Measured: 1.3 s for a million rows of 8 columns, and 1.6 s by INSERT … SELECT. SQLAlchemy
        # has a construct for it from 2.1 on only.
        connection.exec_driver_sql(f"CREATE TABLE {name} AS {rows.compile(connection)}")
        connection.exec_driver_sql(comment_on(name, owner.to_text()))

    def remark(self, connection: sa.Connection) -> None:
        """Find out who set the time limit for locks, so that the first call need not ask."""
        _has_own_limit(connection)

    def owners(self, connection: sa.Connection) -> dict[str, TableOwner | None]:
        """Return the owner of each table whose name has this package's prefix."""
        tables = sa.text(
            "SELECT relname::text AS name, obj_description(oid, 'pg_class') AS owner "
            "FROM pg_class WHERE relkind = 'r' AND starts_with(relname::text, :names) "
            "AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) "
            "ORDER BY relname"
        )
        rows = connection.execute(tables, {"names": TABLE_PREFIX})
        return {row.name: read_owner(row.owner) for row in rows}

    def owners_of(
        self, connection: sa.Connection, names: Iterable[str]
    ) -> dict[str, TableOwner | None]:
        """Return the owners of some tables; tables that are gone are left out."""
        tables = sa.text(
            "SELECT relname::text AS name, obj_description(oid, 'pg_class') AS owner "
            "FROM pg_class WHERE relkind = 'r' "
            "AND relname = ANY (ARRAY(SELECT json_array_elements_text(CAST(:names AS json)))) "
            "AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
        )
        rows = connection.execute(tables, {"names": as_list(names)})
        return {row.name: read_owner(row.owner) for row in rows}

    def children(self, connection: sa.Connection, physical: str) -> list[str]:
        """Return the children of a table."""
        query = sa.text(
            "SELECT relname::text FROM pg_inherits JOIN pg_class ON oid = inhrelid "
            "WHERE inhparent = to_regclass(:table) AND starts_with(relname::text, :names) "
            "AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
        )
        asked = {"table": as_value(physical), "names": CHILD_PREFIX}
        return list(connection.scalars(query, asked))

    def look_at(self, connection: sa.Connection, physical: str) -> TableFound:
        """Return what PostgreSQL says about a table; no columns if it is gone."""
        attributes = sa.text(
            "SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type, "
            "obj_description(attrelid, 'pg_class') AS owner, "
            "(SELECT json_agg(relname) FROM pg_inherits JOIN pg_class ON oid = inhrelid "
            "WHERE inhparent = attrelid)::text AS children "
            "FROM pg_attribute "
            "WHERE attrelid = to_regclass(:table) AND attnum > 0 AND NOT attisdropped "
            "ORDER BY attnum"
        )
        rows = connection.execute(attributes, {"table": as_value(physical)}).all()
        if not rows:
            return TableFound({})
        children = json.loads(rows[0].children or "[]")
        return TableFound(
            {row.name: row.type for row in rows}, read_owner(rows[0].owner), tuple(children)
        )

    def is_exact_key(self, column: ColumnLayout) -> bool:
        """Tell whether values of a column are equal in SQL exactly where they are in Polars."""
        return column.storage in EXACT

    def index_problem(self, columns: Sequence[ColumnLayout], values: pl.DataFrame) -> str | None:
        """Return why some columns cannot be indexed: nested or long values."""
        problem = super().index_problem(columns, values)
        return problem or length_problem(columns, values)

    def add_keys(self, connection: sa.Connection, keys: KeysInSQL) -> None:
        """Add indexes and constraints, except references, to a table."""
        names = connection.dialect.identifier_preparer
        add_keys(connection, keys, names.format_table(self.table_of(keys.layout)))

    def add_references(self, connection: sa.Connection, keys: KeysInSQL) -> None:
        """Add the missing foreign key constraints."""
        add_references(connection, keys)

    def defer_references(self, connection: sa.Connection) -> None:
        """Do nothing: the constraints are deferred."""

    def drop_references(self, connection: sa.Connection, tables: Iterable[str]) -> None:
        """Drop this package's foreign key constraints on some tables."""
        drop_references(connection, tables)

    def keys_found(self, connection: sa.Connection, layout: TableLayout) -> KeysFound:
        """Return what PostgreSQL says of a table's keys."""
        return found_keys(connection, layout.physical)

    def extents(self, connection: sa.Connection, layout: TableLayout) -> list[range]:
        """Return the places in all blocks of the table and of its children."""
        sizes = sa.text(
            "SELECT pg_relation_size(to_regclass(name)) / current_setting('block_size')::bigint "
            "FROM json_array_elements_text(CAST(:names AS json)) "
            "WITH ORDINALITY AS asked(name, at) "
            "ORDER BY at"
        )
        asked = as_list(map(as_value, layout.relations))
        found = connection.scalars(sizes, {"names": asked}).all()
        return [extent_of(relation, blocks or 0) for relation, blocks in enumerate(found)]

    def relation(self, layout: TableLayout, place: int) -> str:
        """Return the name of the table, or of the child, that has a place."""
        return list(layout.relations)[relation_of(place)]

    def from_text(self, table: str, places: range) -> str:
        """Return the FROM clause of a query of these rows, without children."""
        relation = relation_of(places.start)
        first, last = (ctid_text(place, relation) for place in (places.start, places.stop))
        return f"ONLY {table} WHERE ctid >= {first} AND ctid < {last}"

    def at(self, query: sa.Select[Any], table: sa.TableClause, places: range) -> sa.Select[Any]:
        """Return the query, limited to the rows at these places, without children."""
        row, relation = sa.column("ctid"), relation_of(places.start)
        ends = (ctid_literal(place, relation) for place in (places.start, places.stop))
        first, last = ends
        return query.where(row >= first, row < last).with_hint(table, "ONLY")

    def counterpart(
        self, column: sa.Column[Any], layout: ColumnLayout, encoded: list[Any]
    ) -> Counterpart | None:
        """Return how a column compares with literals; None if not as it does in Polars."""
        operand: sa.ColumnElement[Any] = column
        literal: Callable[[Any], sa.ColumnElement[Any]]
        keeps_order = True
        match layout.storage:
            case "integer" | "ticks":
                literal = integer_literal
            case "numeric" if layout.dtype.is_integer():
                literal = _large_integer
            case "float":
                literal = _float
            case "boolean":
                literal, keeps_order = _boolean, False
            case "date" | "timestamp" if layout.dtype != pl.Datetime("ns"):
                literal = _moment(layout.sql_type)
            case "iso":
                literal, operand = _text, sa.collate(sa.type_coerce(column, sa.Text()), "C")
            case "text" if all(map(PLAIN_TEXT.fullmatch, encoded)):
                literal, keeps_order = _text, False
            case "text":
                # As bytes: no quote or backslash is in the statement, and no character has to be
                # one of the server's encoding.
                literal, keeps_order = _bytes_of_text, False
                operand = sa.func.convert_to(column, "UTF8", type_=sa.LargeBinary())
            case "utf8" | "bytes":
                literal, keeps_order = _bytes, isinstance(layout.dtype, pl.String | pl.Binary)
            case _:
                return None
        literals = [literal(one) for one in encoded]
        return Counterpart(sa.type_coerce(operand, literals[0].type), literals, keeps_order)


def _lock(
    connection: sa.Connection,
    lock: str,
    session: str,
    datasets: Iterable[str],
    settings: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Lock datasets in order and apply settings to the transaction, by one statement.

    Each statement is a way to the server and back. What stands behind FROM is there before
    the function is called for each of its rows.
    """
    if not _has_own_limit(connection):
        settings = {"lock_timeout": _LOCK_TIMEOUT, **settings}
    keys = ",".join(str(_lock_key(session, dataset)) for dataset in datasets)
    rows = ", ".join([*map(_set, settings.items()), f"unnest('{{{keys}}}'::bigint[]) AS key"])
    connection.exec_driver_sql(f"SELECT {lock}(key) FROM {rows}")  # noqa: S608  numbers


def _lock_key(session: str, dataset: str) -> int:
    exact = f"{len(session)}:{session}{dataset}".encode()
    return int.from_bytes(hashlib.sha256(exact).digest()[:8], signed=True)


def _set(setting: tuple[str, str]) -> str:
    """Return an item for FROM that applies a setting to the transaction."""
    name, value = setting
    return f"set_config('{name}', '{value}', true) AS {name}"


def _large_integer(value: Any) -> sa.ColumnElement[Any]:
    return sa.literal(Decimal(int(value)), sa.Numeric())


def _has_own_limit(connection: sa.Connection) -> bool:
    """Tell whether a time limit for locks is set: in the URL, for the role, or anywhere."""
    known: dict[str, bool] = connection.info
    if _HAS_OWN_LIMIT not in known:
        query = sa.text("SELECT source FROM pg_settings WHERE name = 'lock_timeout'")
        known[_HAS_OWN_LIMIT] = connection.scalar(query) != "default"
    return known[_HAS_OWN_LIMIT]


def _float(value: float) -> sa.ColumnElement[Any]:
    return sa.cast(sa.literal(repr(value), sa.Text()), sa.Double())


def _boolean(value: bool) -> sa.ColumnElement[Any]:  # noqa: FBT001  a value
    return sa.literal(value, sa.Boolean())


def _moment(sql_type: str) -> Callable[[Any], sa.ColumnElement[Any]]:
    declared = DeclaredType(sql_type)
    return lambda value: sa.cast(sa.literal(value.isoformat(), sa.Text()), declared)


def _text(value: str) -> sa.ColumnElement[Any]:
    return sa.literal(value, sa.Text())


def _bytes_of_text(value: str) -> sa.ColumnElement[Any]:
    return _bytes(value.encode())


def _bytes(value: bytes) -> sa.ColumnElement[Any]:
    return sa.literal_column(f"decode('{value.hex()}', 'hex')", sa.LargeBinary())
