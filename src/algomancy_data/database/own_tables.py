"""Which tables are a dataset's own: the catalogue and their own comments must agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event

from algomancy_data.database.backend import backend_for
from algomancy_data.database.catalogue import OURS, Catalogue
from algomancy_data.database.keyed_tables import drop_tables
from algomancy_data.database.models import datasets_table
from algomancy_data.database.naming import TableOwner
from algomancy_data.database.payload import delete_payload
from algomancy_data.database.query import DamagedTables
from algomancy_data.errors import DamagedStoreError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from algomancy_data.database.catalogue import Occupant
    from algomancy_data.database.entry import Entry
    from algomancy_data.database.layout import TableLayout
    from algomancy_data.database.table_storage import TableStorage


class OwnTables:
    """The tables of a session; every call works in the caller's transaction.

    Args:
        storage: How the database keeps frames.
        catalogue: The catalogue of the session.
        session_id: The session.
    """

    def __init__(self, storage: TableStorage, catalogue: Catalogue, session_id: str) -> None:
        self._storage = storage
        self._catalogue = catalogue
        self._session_id = session_id

    def drop(self, connection: sa.Connection, name: str) -> Occupant:
        """Drop the tables and the payload of a dataset, if any; return what there was.

        If its row is damaged, these are the tables whose comments name the dataset.

        Raises:
            SchemaDriftError: A later version wrote it, so this one may not find all tables.
        """
        occupant = self._catalogue.occupant(connection, name)
        if occupant.has_chunks:
            delete_payload(connection, self._session_id, name)
        try:
            layouts = occupant.tables()
        except DamagedStoreError:
            named = self._named_by_owner(name, self._storage.owners(connection))
            tables = {one: self._storage.children(connection, one) for one in named}
            drop_tables(connection, self._storage, tables)
            return occupant
        owners = {
            layout.physical: TableOwner(self._session_id, name, layout.name) for layout in layouts
        }
        with_children = {layout.physical for layout in layouts if layout.children}
        found = self._storage.owners_of(connection, owners) if owners else {}
        # Not the children that the catalogue names: its text may have been changed.
        own = {
            physical: self._storage.children(connection, physical)
            if physical in with_children
            else []
            for physical, owner in found.items()
            if owners[physical].owns(physical, owner)
        }
        if own:
            drop_tables(connection, self._storage, own, layouts)
        return occupant

    def of(self, connection: sa.Connection, names: Iterable[str]) -> dict[str, list[TableLayout]]:
        """Return the tables of some datasets, without those whose comments name another one.

        Raises:
            DatasetNotFoundError: There is no such dataset.
        """
        owners = self._storage.owners(connection)
        return {
            name: self._owned(self._catalogue.require(connection, name), owners) for name in names
        }

    def all(
        self, connection: sa.Connection
    ) -> tuple[dict[str, list[TableLayout]], list[DamagedTables]]:
        """Return the tables of all datasets, and the datasets whose catalogue rows are damaged."""
        owners = self._storage.owners(connection)
        owned: dict[str, list[TableLayout]] = {}
        damaged: list[DamagedTables] = []
        for name in self._catalogue.names(connection):
            try:
                owned[name] = self._owned(self._catalogue.require(connection, name), owners)
            except StoreError as error:
                own = self._named_by_owner(name, owners)
                damaged.append(DamagedTables(name, [owner.table for owner in own.values()], error))
        return owned, damaged

    def _owned(self, entry: Entry, owners: Mapping[str, TableOwner | None]) -> list[TableLayout]:
        return [
            layout
            for layout in entry.tables or ()
            if layout.physical in owners
            and TableOwner(self._session_id, entry.info.name, layout.name).owns(
                layout.physical, owners[layout.physical]
            )
        ]

    def _named_by_owner(
        self, name: str, owners: Mapping[str, TableOwner | None]
    ) -> dict[str, TableOwner]:
        """Return the tables whose comments name a dataset as their owner."""
        return {
            physical: owner
            for physical, owner in owners.items()
            if owner is not None and owner[:2] == (self._session_id, name) and owner.is_on(physical)
        }


def drop_with_rows(engine: sa.Engine) -> None:
    """From now on, drop the content of each dataset whose row is deleted through an engine.

    The framework's SessionManager ends a session with ``datasets_table.delete()`` and then drops
    tables by a prefix made from the session's name, which is not the prefix of ours.

    The content goes in the same transaction, if the statement deletes from ``datasets_table``.
    """
    if not event.contains(engine, "before_execute", _drop_content):
        event.listen(engine, "before_execute", _drop_content)


def _drop_content(
    connection: sa.Connection,
    statement: Any,
    many_parameters: Sequence[Mapping[str, Any]],
    parameters: Mapping[str, Any],
    options: Mapping[str, Any],
) -> None:
    if not isinstance(statement, sa.Delete) or statement.table is not datasets_table:
        return
    if options.get(OURS):
        return
    columns = datasets_table.c
    rows = sa.select(columns.session_id, columns.name)
    if statement.whereclause is not None:
        rows = rows.where(statement.whereclause)
    backend = backend_for(connection)
    storage = backend.table_storage()
    for given in many_parameters or [parameters]:
        for session, name in connection.execute(rows, given).all():
            OwnTables(storage, Catalogue(session, backend), session).drop(connection, name)
