"""The tables of a dataset with their keys: written, copied, dropped in an order that these allow.

A table lies behind those that it refers to. Its indexes are made when it has its rows.
"""

from __future__ import annotations

from contextlib import nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import sqlalchemy as sa

from algomancy_data.database.table_keys import KeysInSQL, parents_first
from algomancy_data.database.tables import TablePlace, copy_table, drop_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from algomancy_data.database.layout import TableLayout
    from algomancy_data.database.naming import TableOwner
    from algomancy_data.database.table_keys import Reference, TableKey
    from algomancy_data.database.table_storage import TableStorage
    from algomancy_data.metrics import Phase


class NewTable(Protocol):
    """A table that is ready to be written, or is written already."""

    def write(
        self,
        connection: sa.Connection,
        session: str,
        dataset: str,
        phase: Phase,
        place: TablePlace | None = None,
        /,
    ) -> TableLayout:
        """Return how it lies in the database."""
        ...


def write_tables(
    connection: sa.Connection,
    storage: TableStorage,
    owner: TableOwner,
    tables: Mapping[str, NewTable],
    keys: Mapping[str, tuple[TableKey, ...]],
    phase: Phase,
    others: Mapping[str, TableLayout] | None = None,
    names: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, TableLayout]:
    """Write tables of a dataset; return how they lie in the database.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        owner: The session and the dataset; the table does not matter.
        tables: The tables, by their logical names.
        keys: What the database is told of their keys, and of others' keys.
        phase: Told of the rows.
        others: How other tables of the dataset lie there.
        names: Names in the database that tables can have, as far as they are known.
    """
    session, dataset, _ = owner
    own = {name: keys[name] for name in tables if name in keys}
    if not any(own.values()):
        places = {name: TablePlace(physical=names.get(name)) for name in tables}
        return {
            name: table.write(connection, session, dataset, phase, places[name])
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
            layouts[name] = tables[name].write(connection, session, dataset, phase, place)
            storage.add_keys(connection, KeysInSQL(layouts[name], layouts))
    for name in tables:
        storage.add_references(connection, KeysInSQL(layouts[name], layouts))
    return {name: layouts[name] for name in tables}


def copy_tables(
    connection: sa.Connection,
    storage: TableStorage,
    owner: TableOwner,
    tables: Iterable[TableLayout],
    copy: str,
    advance: Callable[[int], object],
) -> tuple[TableLayout, ...]:
    """Copy the tables of a dataset inside the database; return how the copies lie there.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        owner: The session and the dataset; the table does not matter.
        tables: The tables.
        copy: Name of the dataset that the copies are of.
        advance: Told how many rows are copied.

    Raises:
        SchemaDriftError: A table is gone or another one, or somebody changed its columns.
    """
    layouts = {layout.name: layout for layout in tables}
    copies: dict[str, TableLayout] = {}
    is_constrained = any(layout.has_constraints for layout in layouts.values())
    if is_constrained:
        storage.defer_references(connection)
    with storage.filling_constrained(connection) if is_constrained else nullcontext():
        for name in parents_first({name: one.keys for name, one in layouts.items()}):
            own = owner._replace(table=name)
            copies[name] = copy_table(connection, storage, layouts[name], own, copy, copies)
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
    """Drop tables, each with its children and with what refers to it.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        tables: The children of each table, by its name in the database.
        layouts: How these tables lie there; None if that is not known.
    """
    known = None if layouts is None else {layout.name: layout for layout in layouts}
    if known is None or any(layout.has_constraints for layout in known.values()):
        storage.drop_references(connection, tables)
        storage.defer_references(connection)
    # First those that refer to others, of which SQLite would look for what refers to each row.
    order = parents_first({name: one.keys for name, one in (known or {}).items()})
    last = {(known or {})[name].physical: at for at, name in enumerate(order)}
    for physical in sorted(tables, key=lambda name: -last.get(name, 0)):
        drop_table(connection, physical, tables[physical])


def count_orphans(
    connection: sa.Connection, storage: TableStorage, layout: TableLayout, reference: Reference
) -> int:
    """Return how many rows of a table refer to none that there is.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        layout: How the table lies in the database.
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
