"""Tables with keys: written, copied and dropped in an order that the keys allow.

A table comes after those that it refers to, and its indexes are made once it has its rows.
"""

from __future__ import annotations

from contextlib import nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import sqlalchemy as sa

from algomancy_data.database.naming import TableOwner
from algomancy_data.database.table_keys import KeysInSQL, parents_first
from algomancy_data.database.tables import StoredTable, TablePlace, copy_table, drop_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from algomancy_data.database.layout import TableLayout
    from algomancy_data.database.naming import DatasetOwner
    from algomancy_data.database.table_keys import Reference, TableKey
    from algomancy_data.database.table_storage import TableStorage
    from algomancy_data.metrics import Phase


class NewTable(Protocol):
    """A table that is ready to be written, or written already."""

    def write(
        self,
        connection: sa.Connection,
        owner: DatasetOwner,
        phase: Phase,
        place: TablePlace | None = None,
        /,
    ) -> TableLayout:
        """Write the table, unless that is done; return its layout."""
        ...


def write_tables(
    connection: sa.Connection,
    storage: TableStorage,
    owner: DatasetOwner,
    tables: Mapping[str, NewTable],
    keys: Mapping[str, tuple[TableKey, ...]],
    phase: Phase,
    others: Mapping[str, TableLayout] | None = None,
    names: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, TableLayout]:
    """Write tables of a dataset; return their layouts.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        owner: The dataset.
        tables: The tables by logical name.
        keys: The keys that the database is told of, by table.
        phase: Told of the rows.
        others: Layouts of the dataset's other tables.
        names: Free names in the database for these tables, where known.
    """
    own = {name: keys[name] for name in tables if name in keys}
    if not any(own.values()):
        places = {name: TablePlace(physical=names.get(name)) for name in tables}
        return {
            name: table.write(connection, owner, phase, places[name])
            for name, table in tables.items()
        }
    own = {name: own.get(name, ()) for name in tables}
    layouts = dict(others or {})
    if any(key.parent == name for name, some in own.items() for key in some):
        storage.defer_references(connection)  # of rows to some behind them
    is_constrained = any(key.is_constraint for some in own.values() for key in some)
    with storage.filling_constrained(connection) if is_constrained else nullcontext():
        for name in parents_first(own):
            place = TablePlace(own[name], layouts, names.get(name))
            layouts[name] = tables[name].write(connection, owner, phase, place)
            storage.add_keys(connection, KeysInSQL(layouts[name], layouts))
    for name in tables:
        storage.add_references(connection, KeysInSQL(layouts[name], layouts))
    return {name: layouts[name] for name in tables}


def copy_tables(
    connection: sa.Connection,
    storage: TableStorage,
    owner: DatasetOwner,
    tables: Iterable[TableLayout],
    copy: str,
    advance: Callable[[int], object],
) -> tuple[TableLayout, ...]:
    """Copy the tables of a dataset inside the database; return the copies' layouts.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        owner: The dataset.
        tables: The tables.
        copy: Name of the copy.
        advance: Called with the number of rows copied.

    Raises:
        SchemaDriftError: A table is gone or another one, or its columns were changed.
    """
    layouts = {layout.name: layout for layout in tables}
    copies: dict[str, TableLayout] = {}
    is_constrained = any(layout.has_constraints for layout in layouts.values())
    if is_constrained:
        storage.defer_references(connection)
    with storage.filling_constrained(connection) if is_constrained else nullcontext():
        for name in parents_first({name: one.keys for name, one in layouts.items()}):
            source = StoredTable(storage, layouts[name], TableOwner(*owner, name))
            copies[name] = copy_table(connection, source, copy, copies)
            if copies[name].keys:
                storage.add_keys(connection, KeysInSQL(copies[name], copies))
            advance(layouts[name].height)
    for one in copies.values():
        storage.add_references(connection, KeysInSQL(one, copies))
    return tuple(copies[name] for name in layouts)


def drop_tables(
    connection: sa.Connection,
    storage: TableStorage,
    tables: Mapping[str, Iterable[str]],
    layouts: Iterable[TableLayout] | None = None,
) -> None:
    """Drop tables with their children, and the foreign key constraints on them.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        tables: The children of each table, by its name in the database.
        layouts: Layouts of these tables; None if unknown.
    """
    known = None if layouts is None else {layout.name: layout for layout in layouts}
    if known is None or any(layout.has_constraints for layout in known.values()):
        storage.drop_references(connection, tables)
        storage.defer_references(connection)
    # Referring tables first: else SQLite looks for references to each row of the others.
    order = parents_first({name: one.keys for name, one in (known or {}).items()})
    last = {(known or {})[name].physical: at for at, name in enumerate(order)}
    for physical in sorted(tables, key=lambda name: -last.get(name, 0)):
        drop_table(connection, physical, tables[physical])


def count_orphans(
    connection: sa.Connection, storage: TableStorage, layout: TableLayout, reference: Reference
) -> int:
    """Return how many rows of a table refer to missing rows.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        layout: Layout of the table.
        reference: The foreign key.
    """
    child, parent = (storage.table_of(one).alias() for one in (layout, reference.parent))
    mine, theirs = (
        {str(column.name): column for column in table.columns} for table in (child, parent)
    )
    own = [mine[name] for name in reference.columns]
    same = [
        column == theirs[name] for column, name in zip(own, reference.parent_columns, strict=True)
    ]
    is_there = sa.exists(sa.select(sa.literal_column("1")).select_from(parent).where(*same))
    rows = sa.select(sa.func.count()).select_from(child)
    orphans = rows.where(*(column.is_not(None) for column in own), ~is_there)
    return connection.scalar(orphans) or 0
