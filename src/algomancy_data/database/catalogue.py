"""The catalogue's rows, and whether the catalogue is one that this version understands."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import exc

from algomancy_data.database.engines import begun
from algomancy_data.database.failures import describe, store_errors
from algomancy_data.database.layout import layouts_from_json, layouts_to_json
from algomancy_data.database.models import (
    FORMAT_VERSION,
    datasets_table,
    metadata,
    payload_chunks_table,
)
from algomancy_data.datamanager.inspection import DatasetSummary, TableSummary
from algomancy_data.errors import SchemaDriftError
from algomancy_data.findings import count_by_severity
from algomancy_data.provenance import Provenance, messages_from_list, messages_to_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from algomancy_data.database.layout import TableLayout
    from algomancy_data.database.storage import TableStorage
    from algomancy_data.messages import ValidationMessage

_MOMENT: Final = timedelta(microseconds=1)  # the smallest difference that the catalogue keeps
_PANDAS_COLUMNS: Final = {"id", "name", "session_id", "ds_type", "creation_datetime", "payload"}


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

    @property
    def without_sums(self) -> list[str]:
        """Tables that were written before there were check sums."""
        return [table.name for table in self.tables or () if table.sums is None]

    @classmethod
    def from_row(cls, row: sa.Row[Any]) -> Self:
        """Return the entry of a catalogue row.

        Raises:
            SchemaDriftError: A later version of this package wrote it.
        """
        if row.format_version > FORMAT_VERSION:
            msg = (
                f"Dataset {row.name!r} was written by a later version of algomancy-data (format "
                f"{row.format_version}; this version reads up to {FORMAT_VERSION}). Upgrade it."
            )
            raise SchemaDriftError(msg)
        tables = None if row.sub_tables is None else tuple(layouts_from_json(row.sub_tables))
        return cls(
            name=row.name,
            ds_id=row.id,
            ds_type=row.ds_type,
            creation_datetime=row.creation_datetime,
            tables=tables,
            payload=row.payload,
            payload_layout=row.payload_layout,
            provenance=Provenance.from_dict(json.loads(row.provenance)),
            messages=tuple(messages_from_list(json.loads(row.messages))),
            version=row.version,
        )

    def summary(self) -> DatasetSummary:
        """Return what there is to say about the dataset without its values."""
        sizes = self.provenance.tables
        tables = {
            table: TableSummary(size.rows, size.bytes, None) for table, size in sizes.items()
        } | {
            layout.name: TableSummary(
                layout.height,
                sizes[layout.name].bytes if layout.name in sizes else None,
                {column.name: column.dtype for column in layout.columns},
            )
            for layout in self.tables or ()
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


def _compact(document: object) -> str:
    # In ASCII: a path that is not UTF-8 has surrogates, which no database takes.
    return json.dumps(document, separators=(",", ":"))


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
        query = (
            sa.select(columns.name)
            .where(columns.session_id == self._session_id)
            .order_by(columns.added_at, columns.name)
        )
        return list(connection.scalars(query))

    def summaries(self, connection: sa.Connection, newest: int | None) -> list[DatasetSummary]:
        """Return what the catalogue says about the last datasets, in order of creation."""
        columns = datasets_table.c
        query = (
            sa.select(datasets_table)
            .where(columns.session_id == self._session_id)
            .order_by(columns.added_at.desc(), columns.name.desc())
            .limit(newest)
        )
        rows = connection.execute(query).all()
        return [Entry.from_row(row).summary() for row in reversed(rows)]

    def version(self, connection: sa.Connection, name: str) -> str | None:
        """Return the version of a dataset, or None if there is none of that name."""
        return connection.scalar(sa.select(datasets_table.c.version).where(self._is(name)))

    def entry(self, connection: sa.Connection, name: str) -> Entry | None:
        """Return a dataset's entry, or None if there is none of that name."""
        row = connection.execute(sa.select(datasets_table).where(self._is(name))).one_or_none()
        return None if row is None else Entry.from_row(row)

    def save(self, connection: sa.Connection, entry: Entry) -> None:
        """Add or replace an entry; a replaced one keeps its place in the order."""
        columns = datasets_table.c
        is_there = sa.exists().where(self._is(entry.name))
        latest = sa.select(sa.func.max(columns.added_at)).where(
            columns.session_id == self._session_id
        )
        exists, last = connection.execute(sa.select(is_there, latest.scalar_subquery())).one()
        if exists:
            connection.execute(
                sa.update(datasets_table).where(self._is(entry.name)).values(**entry.to_row())
            )
            return
        now = datetime.now(UTC).replace(tzinfo=None)
        # A clock may go back, the order in which datasets come may not.
        added_at = now if last is None else max(now, last + _MOMENT)
        connection.execute(
            sa.insert(datasets_table).values(
                session_id=self._session_id, added_at=added_at, **entry.to_row()
            )
        )

    def remove(self, connection: sa.Connection, name: str) -> None:
        """Remove an entry."""
        connection.execute(sa.delete(datasets_table).where(self._is(name)))

    def _is(self, name: str) -> sa.ColumnElement[bool]:
        columns = datasets_table.c
        return sa.and_(columns.session_id == self._session_id, columns.name == name)


def session_names(engine: sa.Engine) -> list[str]:
    """Return the sessions that have datasets.

    Raises:
        StoreError: The database cannot be reached.
    """
    query = sa.select(datasets_table.c.session_id).distinct().order_by(datasets_table.c.session_id)
    with store_errors(engine, "listing the sessions"), begun(engine) as connection:
        return list(connection.scalars(query))


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
    problems = _drift(found) if found else []
    if problems:
        advice = "There is no automatic migration: drop the table"
        if found.keys() >= _PANDAS_COLUMNS and "version" not in found:
            advice = (
                "It was written by the pandas-based algomancy-data: read_pandas_database() reads "
                "its datasets, and the guide 'Coming from the pandas package' shows how to carry "
                "them over. If they are not needed, drop the table"
            )
        msg = (
            f"The catalogue table {datasets_table.name!r} of {describe(engine)} does not fit this "
            f"version: {'; '.join(problems)}. {advice} "
            f"{datasets_table.name!r} and rebuild the datasets, or use another database."
        )
        raise SchemaDriftError(msg)
    if not found or not has_chunks:
        writing = engine.execution_options(isolation_level=storage.write_isolation)
        with writing.begin() as connection:
            storage.begin_writing(connection, "", "")
            metadata.create_all(connection)


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
