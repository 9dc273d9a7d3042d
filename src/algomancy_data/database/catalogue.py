"""The catalogue: its rows of one session, and of all sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from algomancy_data.database.adbc.dialect import only_row
from algomancy_data.database.backend import backend_for
from algomancy_data.database.engines import begun, store_errors
from algomancy_data.database.entry import Entry, decoded
from algomancy_data.database.models import datasets_table, payload_chunks_table
from algomancy_data.errors import DatasetNotFoundError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from algomancy_data.database.backend import Backend
    from algomancy_data.database.layout import TableLayout
    from algomancy_data.store import DatasetInfo

_SESSION: Final = "wanted_session"
_NAME: Final = "wanted_name"
_MOMENT: Final = timedelta(microseconds=1)  # the smallest difference that the catalogue keeps

OURS: Final = "algomancy_data_deletes"
"""Execution option of a statement that deletes a row whose tables are taken care of."""


def _moment_after(text: str | None) -> datetime:
    """Return the moment after one of the catalogue's, or an early one if it is invalid."""
    try:
        return datetime.fromisoformat(text or "") + _MOMENT
    except (ValueError, OverflowError):
        return datetime.min  # noqa: DTZ901  in UTC, as all of them


_IS_WANTED: Final = sa.and_(
    datasets_table.c.session_id == sa.bindparam(_SESSION),
    datasets_table.c.name == sa.bindparam(_NAME),
)
# Statements are made once: to put one together takes longer than to execute it.
_INSERT: Final = sa.insert(datasets_table)
_UPDATE: Final = sa.update(datasets_table).where(_IS_WANTED)
_DELETE: Final = sa.delete(datasets_table).where(_IS_WANTED)


_TAKEN: Final = sa.union_all(
    *(
        sa.select(table.c.name).where(
            table.c.session_id == sa.bindparam(_SESSION),
            table.c.name.in_(sa.bindparam(_NAME, expanding=True)),
        )
        for table in (datasets_table, payload_chunks_table)
    )
)
_NAMES_AT_ONCE: Final = 500


@cache
def _entry_query(backend: Backend) -> sa.Select[Any]:
    columns = (backend.as_text(column).label(column.name) for column in datasets_table.c)
    return sa.select(*columns).where(_IS_WANTED)


@cache
def _version_query(backend: Backend) -> sa.Select[Any]:
    return sa.select(backend.as_text(datasets_table.c.version)).where(_IS_WANTED)


@cache
def _occupant_query(backend: Backend) -> sa.Select[Any]:
    columns, chunks = datasets_table.c, payload_chunks_table.c
    has_chunks = sa.exists().where(
        chunks.session_id == sa.bindparam(_SESSION), chunks.name == sa.bindparam(_NAME)
    )
    latest = sa.select(backend.as_text(sa.func.max(columns.added_at))).where(
        columns.session_id == sa.bindparam(_SESSION)
    )
    found = (
        sa.select(backend.as_text(column)).where(_IS_WANTED).scalar_subquery().label(column.name)
        for column in (columns.format_version, columns.sub_tables)
    )
    return sa.select(
        sa.exists().where(_IS_WANTED).label("is_there"),
        has_chunks.label("has_chunks"),
        latest.scalar_subquery().label("latest"),
        *found,
    )


class Occupant:
    """What a dataset's name is taken by: a row of the catalogue, a payload, or nothing.

    Args:
        name: The name.
        row: What the query of :meth:`Catalogue.occupant` found.
    """

    def __init__(self, name: str, row: Mapping[Any, Any]) -> None:
        self._name = name
        self._row = row
        self.is_there = bool(row["is_there"])
        """Whether the catalogue has a row for it."""
        self.has_chunks = bool(row["has_chunks"])
        """Whether there are chunks of a payload, perhaps left over."""
        self.latest = decoded(row["latest"])
        """When the session's last dataset was added."""

    def tables(self) -> tuple[TableLayout, ...]:
        """Return the layouts of its tables.

        Raises:
            SchemaDriftError: A later version of this package wrote its row.
            StoreError: The row is not what any version wrote.
        """
        return (Entry.tables_of(self._name, self._row) if self.is_there else None) or ()


class Catalogue:
    """The catalogue's rows of one session; every call works in the caller's transaction.

    Args:
        session_id: The session.
        backend: What its database can do.
    """

    def __init__(self, session_id: str, backend: Backend) -> None:
        self._session_id = session_id
        self._backend = backend

    def names(self, connection: sa.Connection) -> list[str]:
        """Return the names of the session's datasets, in order of creation."""
        columns = datasets_table.c
        query = self._rows(columns.name).order_by(columns.added_at, columns.name)
        return [name for name in map(decoded, connection.scalars(query)) if name is not None]

    def nameless(self, connection: sa.Connection) -> int:
        """Return how many rows of the session have a name that is not text."""
        rows = connection.scalars(self._rows(datasets_table.c.name))
        return sum(decoded(name) is None for name in rows)

    def infos(self, connection: sa.Connection, newest: int | None) -> list[DatasetInfo]:
        """Return what the catalogue says about the last datasets, in order of creation."""
        columns = datasets_table.c
        query = (
            self._rows(*columns)
            .order_by(columns.added_at.desc(), columns.name.desc())
            .limit(newest)
        )
        rows = reversed(connection.execute(query).mappings().all())
        named = ((decoded(row["name"]), row) for row in rows)
        return [Entry.info_of(name, row) for name, row in named if name is not None]

    def version(self, connection: sa.Connection, name: str) -> str | None:
        """Return the version of a dataset, or None if there is none of that name."""
        query = _version_query(self._backend)
        row = connection.execute(query, self._wanted(name)).one_or_none()
        return None if row is None else decoded(row[0]) or ""

    def entry(self, connection: sa.Connection, name: str) -> Entry | None:
        """Return a dataset's entry, or None if there is none of that name.

        Raises:
            SchemaDriftError: A later version of this package wrote it.
            StoreError: It is not what any version wrote.
        """
        query = _entry_query(self._backend)
        row = connection.execute(query, self._wanted(name)).mappings().one_or_none()
        return None if row is None else Entry.from_row(name, row)

    def require(self, connection: sa.Connection, name: str) -> Entry:
        """Return a dataset's entry.

        Raises:
            DatasetNotFoundError: There is no such dataset.
        """
        entry = self.entry(connection, name)
        if entry is None:
            raise DatasetNotFoundError.from_available(name, self.names(connection))
        return entry

    def occupant(self, connection: sa.Connection, name: str) -> Occupant:
        """Return what a name is taken by, by one query, since every write asks."""
        return Occupant(name, self._occupant(connection, name))

    def _occupant(self, connection: sa.Connection, name: str) -> Mapping[Any, Any]:
        return only_row(connection, _occupant_query(self._backend), self._wanted(name))

    def free(self, connection: sa.Connection, names: Sequence[str]) -> dict[str, Occupant]:
        """Return the occupants of those of some names that are free."""
        taken: set[str] = set()
        for start in range(0, len(names), _NAMES_AT_ONCE):
            wanted = {_SESSION: self._session_id, _NAME: names[start : start + _NAMES_AT_ONCE]}
            taken.update(connection.scalars(_TAKEN, wanted))
        row = self._occupant(connection, "")
        return {name: Occupant(name, row) for name in names if name not in taken}

    def save(self, connection: sa.Connection, entries: Iterable[tuple[Entry, Occupant]]) -> None:
        """Add or replace entries; a replaced one keeps its place in the order.

        Args:
            connection: A connection in a transaction.
            entries: Each with what its name was taken by when the transaction began.
        """
        added_at = datetime.now(UTC).replace(tzinfo=None)
        new: list[dict[str, Any]] = []
        for entry, occupant in entries:
            if occupant.is_there:
                connection.execute(_UPDATE, {**self._wanted(entry.info.name), **entry.to_row()})
                continue
            # A clock may go back, but the order of datasets may not.
            added_at = max(added_at, _moment_after(occupant.latest))
            new.append({"session_id": self._session_id, "added_at": added_at, **entry.to_row()})
            added_at += _MOMENT
        if new:
            connection.execute(_INSERT, new)

    def remove(self, connection: sa.Connection, name: str) -> None:
        """Remove an entry."""
        connection.execute(_DELETE, self._wanted(name), execution_options={OURS: True})

    def _rows(self, *columns: sa.Column[Any]) -> sa.Select[Any]:
        wanted = (self._backend.as_text(column).label(column.name) for column in columns)
        return sa.select(*wanted).where(datasets_table.c.session_id == self._session_id)

    def _wanted(self, name: str) -> dict[str, str]:
        return {_SESSION: self._session_id, _NAME: name}


def named_tables(connection: sa.Connection) -> tuple[set[str], bool]:
    """Return the names of the tables of all sessions, and whether these are complete.

    They are not if a row cannot be read, or was written by a later version, which may describe its
    tables differently.
    """
    columns = (datasets_table.c[name] for name in ("name", "format_version", "sub_tables"))
    query = sa.select(*(backend_for(connection).as_text(one).label(one.name) for one in columns))
    names: set[str] = set()
    is_clear = True
    for row in connection.execute(query).mappings():
        try:
            tables = Entry.tables_of(decoded(row["name"]) or "", row)
        except StoreError:
            is_clear = False
        else:
            names.update(name for layout in tables or () for name in layout.relations)
    return names, is_clear


def session_names(engine: sa.Engine) -> list[str]:
    """Return the sessions that have datasets.

    Raises:
        StoreError: The database cannot be reached.
    """
    column = datasets_table.c.session_id
    with store_errors(engine, "listing the sessions"), begun(engine) as connection:
        query = sa.select(backend_for(connection).as_text(column)).distinct()
        found = map(decoded, connection.scalars(query))
        return sorted(name for name in found if name is not None)


def has_catalogue(engine: sa.Engine) -> bool:
    """Tell whether a database has a catalogue, and so may have datasets.

    Raises:
        StoreError: The database cannot be reached.
    """
    with store_errors(engine, "opening it"), begun(engine) as connection:
        return connection.dialect.has_table(connection, datasets_table.name)
