"""The catalogue's rows, and whether the catalogue is one that this version understands."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import exc

from algomancy_data.database.backend import backend_for
from algomancy_data.database.engines import begun, describe, store_errors
from algomancy_data.database.layout import layouts_from_json, layouts_to_json
from algomancy_data.database.models import (
    FORMAT_VERSION,
    datasets_table,
    metadata,
    payload_chunks_table,
)
from algomancy_data.database.payload import has_all_sums
from algomancy_data.datasource import DataClassification
from algomancy_data.documents import parse
from algomancy_data.errors import (
    AlgomancyDataError,
    DamagedStoreError,
    SchemaDriftError,
    StoreError,
    TableNotFoundError,
)
from algomancy_data.findings import count_by_severity
from algomancy_data.provenance import Provenance, messages_from_list, messages_to_list
from algomancy_data.store.summary import DatasetSummary, TableSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from algomancy_data.database.backend import Backend
    from algomancy_data.database.layout import TableLayout
    from algomancy_data.database.table_storage import TableStorage
    from algomancy_data.messages import ValidationMessage
    from algomancy_data.provenance import TableSize

_SESSION: Final = "wanted_session"
_NAME: Final = "wanted_name"
_MOMENT: Final = timedelta(microseconds=1)  # the smallest difference that the catalogue keeps
_T = TypeVar("_T")

OURS: Final = "algomancy_data_deletes"
"""Execution option of a statement that deletes a row whose tables are taken care of."""

_PANDAS_COLUMNS: Final = {"id", "name", "session_id", "ds_type", "creation_datetime"}
_OUR_COLUMNS: Final = {"added_at", "version", "format_version", "provenance", "messages"}


@dataclass(frozen=True)
class Entry:
    """One dataset in the catalogue.

    Args:
        name: Name of the dataset.
        ds_id: Identity of the DataSource.
        ds_type: Its classification, as text.
        creation_datetime: When its data was created, in local time.
        tables: How its tables lie in the database; None for a payload.
        payload: The text of a DataSource that is not tables, if it is short.
        payload_layout: What of such a DataSource lies in chunks.
        provenance: How the data came about.
        messages: What was found in it.
        version: Another one with every write.
    """

    name: str
    ds_id: str
    ds_type: str
    creation_datetime: datetime
    tables: tuple[TableLayout, ...] | None = None
    payload: str | None = None
    payload_layout: str | None = None
    provenance: Provenance = field(default_factory=Provenance)
    messages: tuple[ValidationMessage, ...] = ()
    version: str = field(default_factory=lambda: uuid4().hex)

    @property
    def rows(self) -> int | None:
        """Rows of all tables; None for a payload."""
        return None if self.tables is None else sum(table.height for table in self.tables)

    def table(self, name: str) -> TableLayout:
        """Return how a table of the dataset lies in the database.

        Raises:
            TableNotFoundError: It has no such table (also a ``KeyError``).
        """
        layouts = {layout.name: layout for layout in self.tables or ()}
        if name not in layouts:
            raise TableNotFoundError.from_available(name, layouts)
        return layouts[name]

    @property
    def problem(self) -> str:
        """Why the dataset cannot be read, although its row can; empty if it can."""
        if self.ds_type in set(DataClassification):
            return ""
        return f"The dataset has the unknown type {self.ds_type!r}, and cannot be read."

    @property
    def without_sums(self) -> list[str]:
        """What of it was written before there were check sums, in words."""
        if self.tables is None:
            has_sums = has_all_sums(self.payload, self.payload_layout)
            return [] if has_sums else ["the text of its payload"]
        return [f"table {table.name!r}" for table in self.tables if table.sums is None]

    @classmethod
    def from_row(cls, name: str, row: Mapping[Any, Any]) -> Self:
        """Return the entry of a catalogue row.

        Args:
            name: Name of the dataset.
            row: The columns, as :func:`_texts` gives them.

        Raises:
            SchemaDriftError: A later version of this package wrote it.
            StoreError: It is not what any version wrote.
        """
        tables = cls.tables_of(name, row)
        read = _Reader(name, row)
        return cls(
            name=name,
            ds_id=read.value("id", str),
            ds_type=read.value("ds_type", str),
            creation_datetime=read.value("creation_datetime", datetime.fromisoformat),
            tables=tables,
            payload=read.optional("payload", str),
            payload_layout=read.optional("payload_layout", str),
            provenance=read.value("provenance", lambda text: Provenance.from_dict(parse(text))),
            messages=read.value("messages", lambda text: tuple(messages_from_list(parse(text)))),
            version=read.value("version", str),
        )

    @staticmethod
    def tables_of(name: str, row: Mapping[Any, Any]) -> tuple[TableLayout, ...] | None:
        """Return how the tables of a catalogue row lie in the database; None for a payload.

        Raises:
            SchemaDriftError: A later version of this package wrote the row.
            StoreError: It is not what any version wrote.
        """
        read = _Reader(name, row)
        format_version = read.value("format_version", int)
        if format_version > FORMAT_VERSION:
            msg = (
                f"Dataset {name!r} was written by a later version of algomancy-data (format "
                f"{format_version}; this version reads up to {FORMAT_VERSION}). Upgrade it."
            )
            raise SchemaDriftError(msg)
        return read.optional("sub_tables", lambda text: tuple(layouts_from_json(text)))

    def summary(self) -> DatasetSummary:
        """Return what there is to say about the dataset without its values."""
        sizes = self.provenance.tables
        tables = {
            table: TableSummary(size.rows, size.bytes, None) for table, size in sizes.items()
        } | {
            layout.name: _summarized(layout, sizes.get(layout.name)) for layout in self.tables or ()
        }
        return DatasetSummary(
            self.name,
            self.ds_id,
            self.ds_type,
            self.creation_datetime,
            tables,
            self.provenance,
            len(self.messages),
            count_by_severity(self.messages),
            self.problem,
        )

    @staticmethod
    def summary_of(name: str, row: Mapping[Any, Any]) -> DatasetSummary:
        """Return the summary of a catalogue row: of a damaged one, why, and what can be read."""
        try:
            return Entry.from_row(name, row).summary()
        except StoreError as error:
            read = _Reader(name, row)
            is_known = isinstance(error, DamagedStoreError)
            layouts = (is_known and read.readable("sub_tables", layouts_from_json)) or ()
            return DatasetSummary(
                name,
                read.readable("id", str) or "",
                read.readable("ds_type", str) or "",
                read.readable("creation_datetime", datetime.fromisoformat),
                {layout.name: _summarized(layout) for layout in layouts},
                problem=str(error),
            )

    def to_row(self) -> dict[str, Any]:
        """Return the catalogue row, without session and time of addition."""
        return {
            "name": self.name,
            "id": self.ds_id,
            "ds_type": self.ds_type,
            "creation_datetime": self.creation_datetime,
            "version": self.version,
            "format_version": FORMAT_VERSION,
            "sub_tables": None if self.tables is None else layouts_to_json(self.tables),
            "payload": self.payload,
            "payload_layout": self.payload_layout,
            "provenance": _compact(self.provenance.to_dict()),
            "messages": _compact(messages_to_list(self.messages)),
        }


def _summarized(layout: TableLayout, size: TableSize | None = None) -> TableSummary:
    dtypes = {column.name: column.dtype for column in layout.columns}
    return TableSummary(layout.height, None if size is None else size.bytes, dtypes)


def _compact(document: object) -> str:
    # In ASCII: a path that is not UTF-8 has surrogates, which no database takes.
    return json.dumps(document, separators=(",", ":"))


class _Reader:
    """Reads the columns of a row, one by one; whoever changed them may have written anything."""

    def __init__(self, name: str, row: Mapping[Any, Any]) -> None:
        self._name = name
        self._row = row

    def optional(self, column: str, read: Callable[[str], _T]) -> _T | None:
        """Return a value that may be missing."""
        return None if self._row[column] is None else self.value(column, read)

    def readable(self, column: str, read: Callable[[str], _T]) -> _T | None:
        """Return a value, or None if it is not what belongs there."""
        try:
            return self.value(column, read)
        except DamagedStoreError:
            return None

    def value(self, column: str, read: Callable[[str], _T]) -> _T:
        """Return a value.

        Raises:
            StoreError: It is not what belongs there.
        """
        text = _decoded(self._row[column])
        try:
            if text is None:
                problem = "it is missing, or no text"
            else:
                return read(text)
        except (AlgomancyDataError, ValueError) as error:
            problem = str(error)
        msg = (
            f"The catalogue's row of dataset {self._name!r} is damaged: its {column!r} cannot be "
            f"read: {problem}. Restore the database from a backup, or delete the dataset and load "
            f"it again."
        )
        raise DamagedStoreError(msg)


def _moment_after(text: str | None) -> datetime:
    """Return the moment after one of the catalogue's, or any if it is none."""
    try:
        return datetime.fromisoformat(text or "") + _MOMENT
    except (ValueError, OverflowError):
        return datetime.min  # noqa: DTZ901  in UTC, as all of them


def _decoded(text: str | bytes | None) -> str | None:
    """Return a column's text; None if there is none."""
    if isinstance(text, str | None):
        return text
    try:
        return bytes(text).decode()
    except UnicodeDecodeError:
        return None


_IS_WANTED: Final = sa.and_(
    datasets_table.c.session_id == sa.bindparam(_SESSION),
    datasets_table.c.name == sa.bindparam(_NAME),
)
# Statements are made once: to put one together takes longer than to execute it.
_INSERT: Final = sa.insert(datasets_table)
_UPDATE: Final = sa.update(datasets_table).where(_IS_WANTED)
_DELETE: Final = sa.delete(datasets_table).where(_IS_WANTED)


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
    """What lies under a name.

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
        """Whether a payload lies in chunks, or what is left of one."""
        self.latest = _decoded(row["latest"])
        """When the last dataset of the session came."""

    def tables(self) -> tuple[TableLayout, ...]:
        """Return how its tables lie in the database.

        Raises:
            SchemaDriftError: A later version of this package wrote its row.
            StoreError: The row is not what any version wrote.
        """
        return (Entry.tables_of(self._name, self._row) if self.is_there else None) or ()


class Catalogue:
    """The datasets of one session; every call works in a transaction of the caller's.

    Args:
        session_id: The session.
    """

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id

    def names(self, connection: sa.Connection) -> list[str]:
        """Return the names of the session's datasets, in order of creation."""
        columns = datasets_table.c
        query = self._rows(connection, columns.name).order_by(columns.added_at, columns.name)
        return [name for name in map(_decoded, connection.scalars(query)) if name is not None]

    def nameless(self, connection: sa.Connection) -> int:
        """Return how many rows of the session have a name that is no text."""
        rows = connection.scalars(self._rows(connection, datasets_table.c.name))
        return sum(_decoded(name) is None for name in rows)

    def summaries(self, connection: sa.Connection, newest: int | None) -> list[DatasetSummary]:
        """Return what the catalogue says about the last datasets, in order of creation."""
        columns = datasets_table.c
        query = (
            self._rows(connection, *columns)
            .order_by(columns.added_at.desc(), columns.name.desc())
            .limit(newest)
        )
        rows = reversed(connection.execute(query).mappings().all())
        named = ((_decoded(row["name"]), row) for row in rows)
        return [Entry.summary_of(name, row) for name, row in named if name is not None]

    def version(self, connection: sa.Connection, name: str) -> str | None:
        """Return the version of a dataset, or None if there is none of that name."""
        query = _version_query(backend_for(connection))
        row = connection.execute(query, self._wanted(name)).one_or_none()
        return None if row is None else _decoded(row[0]) or ""

    def entry(self, connection: sa.Connection, name: str) -> Entry | None:
        """Return a dataset's entry, or None if there is none of that name.

        Raises:
            SchemaDriftError: A later version of this package wrote it.
            StoreError: It is not what any version wrote.
        """
        query = _entry_query(backend_for(connection))
        row = connection.execute(query, self._wanted(name)).mappings().one_or_none()
        return None if row is None else Entry.from_row(name, row)

    def occupant(self, connection: sa.Connection, name: str) -> Occupant:
        """Return what lies under a name, damaged or not; by one query, since every write asks."""
        query = _occupant_query(backend_for(connection))
        return Occupant(name, connection.execute(query, self._wanted(name)).mappings().one())

    def save(self, connection: sa.Connection, entry: Entry, occupant: Occupant) -> None:
        """Add or replace an entry; a replaced one keeps its place in the order.

        Args:
            connection: A connection in a transaction.
            entry: The entry.
            occupant: What lay under its name when the transaction began.
        """
        if occupant.is_there:
            connection.execute(_UPDATE, {**self._wanted(entry.name), **entry.to_row()})
            return
        now = datetime.now(UTC).replace(tzinfo=None)
        # A clock may go back, the order in which datasets come may not.
        added_at = max(now, _moment_after(occupant.latest))
        row = {"session_id": self._session_id, "added_at": added_at, **entry.to_row()}
        connection.execute(_INSERT, row)

    def remove(self, connection: sa.Connection, name: str) -> None:
        """Remove an entry."""
        connection.execute(_DELETE, self._wanted(name), execution_options={OURS: True})

    def _rows(self, connection: sa.Connection, *columns: sa.Column[Any]) -> sa.Select[Any]:
        wanted = (backend_for(connection).as_text(column).label(column.name) for column in columns)
        return sa.select(*wanted).where(datasets_table.c.session_id == self._session_id)

    def _wanted(self, name: str) -> dict[str, str]:
        return {_SESSION: self._session_id, _NAME: name}


def named_tables(connection: sa.Connection) -> tuple[set[str], bool]:
    """Return the names of the tables of all sessions, and whether these are all that there are.

    They are not if a row cannot be read, or a later version wrote it, which may describe its tables
    in another way.
    """
    columns = (datasets_table.c[name] for name in ("name", "format_version", "sub_tables"))
    query = sa.select(*(backend_for(connection).as_text(one).label(one.name) for one in columns))
    names: set[str] = set()
    is_clear = True
    for row in connection.execute(query).mappings():
        try:
            tables = Entry.tables_of(_decoded(row["name"]) or "", row)
        except StoreError:
            is_clear = False
        else:
            names.update(layout.physical for layout in tables or ())
    return names, is_clear


def session_names(engine: sa.Engine) -> list[str]:
    """Return the sessions that have datasets.

    Raises:
        StoreError: The database cannot be reached.
    """
    column = datasets_table.c.session_id
    with store_errors(engine, "listing the sessions"), begun(engine) as connection:
        query = sa.select(backend_for(connection).as_text(column)).distinct()
        found = map(_decoded, connection.scalars(query))
        return sorted(name for name in found if name is not None)


def has_catalogue(engine: sa.Engine) -> bool:
    """Tell whether a database has a catalogue, and so can have datasets.

    Raises:
        StoreError: The database cannot be reached.
    """
    with store_errors(engine, "opening it"), begun(engine) as connection:
        return connection.dialect.has_table(connection, datasets_table.name)


def create_or_check(engine: sa.Engine, storage: TableStorage) -> None:
    """Create the catalogue in a new database, and check it in an old one.

    Of several that find none, one creates it, and the others wait for it: they take the lock for
    writing before they look again.

    Args:
        engine: The database.
        storage: How it keeps frames.

    Raises:
        SchemaDriftError: A column is missing, of another type, or one too many that must be
            filled; the message names it and says what to do.
    """
    with begun(engine) as connection:
        found = _columns(connection)
        has_chunks = connection.dialect.has_table(connection, payload_chunks_table.name)
    if found:
        _refuse_drift(found, f"The catalogue table {datasets_table.name!r} of {describe(engine)}")
    if not found or not has_chunks:
        writing = engine.execution_options(isolation_level=storage.write_isolation)
        with writing.begin() as connection:
            storage.begin_writing(connection, "", "")
            metadata.create_all(connection)


def _refuse_drift(found: Mapping[str, Any], place: str) -> None:
    rebuild = (
        f"drop the table {datasets_table.name!r} and rebuild the datasets, or use another database."
    )
    if found.keys() >= _PANDAS_COLUMNS and not found.keys() & _OUR_COLUMNS:
        # Its other columns are another version's, too: to name them helps nobody.
        lacking = "" if "payload" in found else ", and its column 'payload' is missing"
        msg = (
            f"{place} was written by the pandas-based algomancy-data{lacking}. "
            f"read_pandas_database() reads its datasets, and the guide 'Coming from the pandas "
            f"package' shows how to carry them over. If they are not needed, {rebuild}"
        )
        raise SchemaDriftError(msg)
    if problems := _drift(found):
        msg = (
            f"{place} does not fit this version: {'; '.join(problems)}. There is no automatic "
            f"migration: {rebuild}"
        )
        raise SchemaDriftError(msg)


def _columns(connection: sa.Connection) -> dict[str, Any]:
    """Return what the database says about each column of the catalogue; none if it is not there."""
    try:
        described = sa.inspect(connection).get_columns(datasets_table.name)
    except exc.NoSuchTableError:
        return {}
    return {column["name"]: column for column in described}


def _drift(found: Mapping[str, Any]) -> list[str]:
    problems: list[str] = []
    for column in datasets_table.columns:
        if column.name not in found:
            problems.append(f"column {column.name!r} is missing")
            continue
        actual = found[column.name]["type"]
        if not isinstance(actual, type(column.type)):
            problems.append(f"column {column.name!r} is {actual!r} instead of {column.type!r}")
    problems += [
        f"column {name!r} is unknown and must be filled"
        for name, column in found.items()
        if name not in datasets_table.c and not column["nullable"] and column["default"] is None
    ]
    return problems
