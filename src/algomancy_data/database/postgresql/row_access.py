"""Single rows of PostgreSQL's tables, by position; and child tables for added rows.

Rows of a table are in order of insertion only if none was ever deleted, or added after the
transaction that created it: then earlier blocks have room, which new rows fill. So added rows get a
table of their own, which inherits from the first one, whose queries return the rows of both.
Deleting rows leaves the others where they are.

A place is a number of 63 bits: of the table among those of a :class:`TableLayout`, of the block,
and of the row in the block.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import polars as pl
import sqlalchemy as sa

from algomancy_data.database.layout import ChildTable
from algomancy_data.database.postgresql.names import as_value, comment_on
from algomancy_data.database.row_access import RowAccess
from algomancy_data.database.table_storage import (
    INDEX_PREFIX,
    DeclaredType,
    index_name,
    quoted,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from algomancy_data.database.layout import ColumnLayout, TableLayout
    from algomancy_data.database.naming import TableOwner

CHILD_PREFIX: Final = "algomancy_rows_"
"""How the names of child tables begin."""

_RELATION_BITS: Final = 48
_BLOCK_BITS: Final = 16
_COMPARABLE: Final = frozenset(
    {"integer", "ticks", "boolean", "numeric", "date", "timestamp", "iso", "text"}
)
_TEMPORARY: Final = "algomancy_find_"
_PLACES_PER_DELETE: Final = 100_000
# An index is looked into for each key: for more of them, the table is read.
_ROWS_PER_KEY: Final = 20
# So many children of about as many rows become one, up to a size. A row is copied once for each
# power of eight that lies between what is added at a time and that size.
_FANOUT_BITS: Final = 3
_MOST_ROWS_TOGETHER: Final = 2**20


def relation_of(place: int) -> int:
    """Return the number of the table that has a place."""
    return place >> _RELATION_BITS


def extent_of(relation: int, blocks: int) -> range:
    """Return the places of a table with a number of blocks."""
    first = relation << _RELATION_BITS
    return range(first, first + (max(blocks, 1) << _BLOCK_BITS))


def ctid_literal(place: int, relation: int) -> sa.ColumnElement[Any]:
    """Return a place in a table in PostgreSQL's notation."""
    return sa.literal_column(ctid_text(place, relation))


def ctid_text(place: int, relation: int) -> str:
    """Return the same as text."""
    block, row = divmod(place - (relation << _RELATION_BITS), 1 << _BLOCK_BITS)
    return f"'({block},{row})'::tid"


def joined_children(children: Sequence[ChildTable], rows: int) -> int:
    """Return how many of the last children are merged with added rows.

    Example:
        >>> joined_children([ChildTable("a", 80)] + [ChildTable("b", 10)] * 7, 10)
        7
        >>> joined_children([ChildTable("b", 10)] * 6, 10)
        0
    """
    joined, height = 0, rows
    while True:
        size = _size(height)
        rest = children[: len(children) - joined]
        run = next((at for at, one in enumerate(reversed(rest)) if _size(one.height) > size), None)
        run = len(rest) if run is None else run
        more = sum(child.height for child in rest[len(rest) - run :])
        if run < (1 << _FANOUT_BITS) - 1 or height + more > _MOST_ROWS_TOGETHER:
            return joined
        joined, height = joined + run, height + more


def _size(rows: int) -> int:
    return max(rows.bit_length() - 1, 0) // _FANOUT_BITS


class PostgreSQLRows(RowAccess):
    """Rows by block and position."""

    # Those of a table do not look at the rows of its children.
    keeps_constraints = False

    def is_comparable(self, column: ColumnLayout) -> bool:
        """Tell whether values of a column are equal in SQL exactly where they are in Polars."""
        return column.storage in _COMPARABLE

    def index(
        self, connection: sa.Connection, layout: TableLayout, columns: Sequence[ColumnLayout]
    ) -> None:
        """Index some columns, unless there is an index; it is dropped with the table."""
        name = index_name(layout, columns)
        if self._is_there(connection, name):
            return
        names = connection.dialect.identifier_preparer
        listed = ", ".join(
            f'hashtextextended({quoted_name} COLLATE "C", 0)' if _is_text(column) else quoted_name
            for column in columns
            for quoted_name in [names.quote_identifier(column.physical)]
        )
        for physical in layout.relations:
            own = name if physical == layout.physical else ""
            _make_index(connection, own, self._storage.table_of(layout, physical), listed)

    def has_index(
        self, connection: sa.Connection, layout: TableLayout, columns: Sequence[ColumnLayout]
    ) -> bool:
        """Tell whether there is such an index, and a temporary table can be made for lookups."""
        if not self._is_there(connection, index_name(layout, columns)):
            return False
        can_ask = sa.text(
            "SELECT has_schema_privilege(current_schema(), 'CREATE') "
            "AND current_setting('transaction_read_only') = 'off'"
        )
        return bool(connection.scalar(can_ask))

    def find(
        self,
        connection: sa.Connection,
        layout: TableLayout,
        columns: Sequence[ColumnLayout],
        keys: pl.DataFrame,
        numbers: pl.Series,
    ) -> pl.DataFrame:
        """Return the places of the rows that have some keys."""
        names = [f"k{at}" for at in range(len(columns))]
        rows = self.asked(names, keys, numbers)
        types = dict(zip(names, (column.sql_type for column in columns), strict=True))
        found: list[pl.DataFrame] = []
        with self._temporary(connection, {self.number: "bigint"} | types, rows) as asked:
            for relation, (physical, height) in enumerate(layout.relations.items()):
                table = self._storage.table_of(layout, physical)
                by_name = {str(column.name): column for column in table.columns}
                pairs = [
                    (by_name[column.physical], asked.c[name], _is_text(column))
                    for column, name in zip(columns, names, strict=True)
                ]
                same = [stored == given for stored, given, _ in pairs]
                same += [
                    _hash(stored) == _hash(given) for stored, given, is_text in pairs if is_text
                ]
                rows_found = (
                    sa.select(_ctid(table)).select_from(table).where(*same).with_hint(table, "ONLY")
                )
                if keys.height * _ROWS_PER_KEY < height:  # none of the planner's other ways
                    rows_found = rows_found.offset(sa.literal_column("0"))
                each = rows_found.correlate(asked).lateral()
                wanted: list[sa.ColumnElement[Any]] = [
                    asked.c[self.number].label("key"),
                    each.c.place,
                ]
                query = sa.select(*wanted).select_from(asked.join(each, sa.true()))
                part = self._storage.bulk.fetch(connection, query, max(keys.height, 1))
                found.append(
                    pl.DataFrame(
                        [
                            part["key"].cast(pl.Int64()),
                            _places(part["place"], relation).alias("place"),
                        ]
                    )
                )
        return pl.concat(found)

    def places(
        self,
        connection: sa.Connection,
        table: sa.Table,
        part: range,
        condition: sa.ColumnElement[bool] | None = None,
    ) -> pl.Series:
        """Return those places of a part that have rows, in order."""
        query = self._storage.at(sa.select(_ctid(table)), table, part)
        query = query if condition is None else query.where(condition)
        found = self._storage.bulk.fetch(connection, query, len(part))
        return _places(found["place"], relation_of(part.start))

    def last(self, connection: sa.Connection, layout: TableLayout, rows: int) -> list[range]:
        """Return the places of the last rows."""
        extents = self._storage.extents(connection, layout)
        found: list[range] = []
        for relation, height in reversed(list(enumerate(layout.relations.values()))):
            extent = extents[relation]
            if height > rows:
                first = self._place_before_end(connection, layout, extent, rows, height)
                extent = range(first, extent.stop)
            found.append(extent)
            rows -= height
            if rows <= 0:
                break
        return found[::-1]

    def rows_before(self, connection: sa.Connection, layout: TableLayout, place: int) -> int:
        """Return how many rows come before a place."""
        relation = relation_of(place)
        before = sum(list(layout.relations.values())[:relation])
        start = extent_of(relation, 1).start
        return before + self._count(connection, layout, range(start, max(place, start + 1)))

    def remove(
        self, connection: sa.Connection, layout: TableLayout, places: pl.Series
    ) -> TableLayout:
        """Delete the rows at some places, and children that become empty."""
        children: list[ChildTable] = []
        relations = places // (1 << _RELATION_BITS)
        for relation, (physical, height) in enumerate(layout.relations.items()):
            own = places.filter(relations == relation)
            table = self._relation(layout, relation)
            left = height - len(own)
            if relation and not left:
                table.drop(connection, checkfirst=False)
                continue
            if relation:
                children.append(ChildTable(physical, left))
            if own.is_empty():
                continue
            name = connection.dialect.identifier_preparer.format_table(table)
            delete = sa.text(
                f"DELETE FROM ONLY {name} WHERE ctid = ANY(CAST(:places AS tid[]))"  # noqa: S608  quoted
            )
            for some in own.to_frame().iter_slices(_PLACES_PER_DELETE):
                connection.execute(delete, {"places": _tids(some.to_series())})
        return replace(layout, children=tuple(children))

    def room(
        self, connection: sa.Connection, layout: TableLayout, owner: TableOwner, rows: int
    ) -> tuple[sa.Table, TableLayout]:
        """Return a new child of the table, merged with the last children if there are many."""
        physical = f"{CHILD_PREFIX}{uuid4().hex}"
        child = self._storage.table_of(layout, physical)
        names = connection.dialect.identifier_preparer
        parent, own = (names.format_table(one) for one in (self._storage.table_of(layout), child))
        joined = joined_children(layout.children, rows)
        if joined and self._has_constraints(connection, layout):
            joined = 0  # which the child must have before its rows
        kept = layout.children[: len(layout.children) - joined]
        gone = layout.children[len(kept) :]
        if gone:
            tables = [self._storage.table_of(layout, one.physical) for one in gone]
            columns = self._storage.columns_of(layout)
            self._storage.copy(connection, tables, physical, columns, owner)
            connection.exec_driver_sql(f"ALTER TABLE {own} INHERIT {parent}")
            for table in tables:
                table.drop(connection, checkfirst=False)
        else:
            connection.exec_driver_sql(f"CREATE TABLE {own} () INHERITS ({parent})")
            connection.exec_driver_sql(comment_on(own, owner.to_text()))
        self._index_like_first(connection, layout, child)
        height = rows + sum(one.height for one in gone)
        return child, replace(layout, children=(*kept, ChildTable(physical, height)))

    # --- indexes ----------------------------------------------------------------------------

    @staticmethod
    def _is_there(connection: sa.Connection, index: str) -> bool:
        query = sa.text("SELECT to_regclass(:name) IS NOT NULL")
        return bool(connection.scalar(query, {"name": index}))

    def _index_like_first(
        self, connection: sa.Connection, layout: TableLayout, child: sa.Table
    ) -> None:
        """Give a child the indexes of the table."""
        query = sa.text(
            "SELECT (SELECT string_agg(pg_get_indexdef(indexrelid, at, false), ', ' ORDER BY at) "
            "FROM generate_series(1, indnkeyatts) AS at) "
            "FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
            "WHERE indrelid = to_regclass(:first) AND starts_with(relname::text, :names)"
        )
        asked = {"first": as_value(layout.physical), "names": INDEX_PREFIX}
        for listed in connection.scalars(query, asked).all():
            _make_index(connection, "", child, listed)

    # --- places -----------------------------------------------------------------------------

    def _relation(self, layout: TableLayout, relation: int) -> sa.Table:
        return self._storage.table_of(layout, list(layout.relations)[relation])

    def _count(self, connection: sa.Connection, layout: TableLayout, places: range) -> int:
        table = self._relation(layout, relation_of(places.start))
        count = sa.select(sa.func.count()).select_from(table)
        return connection.scalar(self._storage.at(count, table, places)) or 0

    def _place_before_end(
        self, connection: sa.Connection, layout: TableLayout, extent: range, rows: int, height: int
    ) -> int:
        """Return the place in a table after which a number of rows is left."""
        start, step = extent.stop, 1 + len(extent) * rows // max(height, 1)
        while True:
            start = max(extent.start, start - step)
            found = self._count(connection, layout, range(start, extent.stop))
            if found >= rows or start == extent.start:
                break
            step *= 2
        table = self._relation(layout, relation_of(extent.start))
        query = self._storage.at(sa.select(_ctid(table)), table, range(start, extent.stop))
        query = query.offset(max(found - rows, 0)).limit(1)
        place = self._storage.bulk.fetch(connection, query, 1)["place"]
        return next(iter(_places(place, relation_of(extent.start))), extent.start)

    @staticmethod
    def _has_constraints(connection: sa.Connection, layout: TableLayout) -> bool:
        """Tell whether a table has constraints of users, which its children would inherit."""
        query = sa.text(
            "SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass(:first)) OR "
            "EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(:first) "
            "AND attnum > 0 AND attnotnull)"
        )
        return bool(connection.scalar(query, {"first": as_value(layout.physical)}))

    def _temporary(
        self, connection: sa.Connection, types: Mapping[str, str], rows: pl.DataFrame
    ) -> AbstractContextManager[sa.Table]:
        """Put rows into a table that is dropped before others can see it.

        None that PostgreSQL calls temporary: the driver looks for it in the schema. And a logged
        one: a server that crashes beside another may not start again (docs/upstream.md).
        """
        declared = (sa.Column(name, DeclaredType(word)) for name, word in types.items())
        name = quoted(f"{_TEMPORARY}{uuid4().hex}")
        table = sa.Table(name, sa.MetaData(), *declared)
        return self.created(connection, table, rows)


def _is_text(column: ColumnLayout) -> bool:
    return column.sql_type == "text"


def _hash(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a number for a text of any length, since an index has no room for 3 kB."""
    collated = sa.collate(sa.type_coerce(column, sa.Text()), "C")
    return sa.func.hashtextextended(collated, sa.literal_column("0"))


def _make_index(connection: sa.Connection, name: str, table: sa.Table, listed: str) -> None:
    on = connection.dialect.identifier_preparer.format_table(table)
    connection.exec_driver_sql(f"CREATE INDEX {name} ON {on} ({listed})")


def _ctid(table: sa.Table) -> sa.ColumnElement[Any]:
    return sa.column("ctid", _selectable=table).label("place")


def _places(ctids: pl.Series, relation: int) -> pl.Series:
    """Return the places of rows (Int64), whose ``ctid`` is of six bytes."""
    raw = ctids.ext.storage() if isinstance(ctids.dtype, pl.BaseExtension) else ctids
    block = pl.col("x").bin.head(4).bin.reinterpret(dtype=pl.UInt32(), endianness="big")
    row = pl.col("x").bin.tail(2).bin.reinterpret(dtype=pl.UInt16(), endianness="big")
    place = (
        block.cast(pl.Int64()) * (1 << _BLOCK_BITS)
        + row.cast(pl.Int64())
        + (relation << _RELATION_BITS)
    )
    return raw.cast(pl.Binary()).alias("x").to_frame().select(place.alias("place")).to_series()


def _tids(places: pl.Series) -> str:
    """Return places in a table as an array of PostgreSQL's."""
    place = pl.col("x") % (1 << _RELATION_BITS)
    text = pl.format('"({},{})"', place // (1 << _BLOCK_BITS), place % (1 << _BLOCK_BITS))
    # In one piece: ``join`` panics where the first of several is empty.
    listed = places.rechunk().alias("x").to_frame().select(text.str.join(",")).item()
    return f"{{{listed}}}"
