"""Reading databases of the pandas package, for migration.

Two layouts: until 0.8 each frame has a table ``ds__<session>__<dataset>__<table>``, from 0.9 on
all datasets share ``algomancy_ds__<table>``. In both, names are made plain with ``_``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import sqlalchemy as sa
from polars.exceptions import PolarsError
from sqlalchemy import exc

from algomancy_data.database.backend import shown
from algomancy_data.database.engines import store_engine, store_errors
from algomancy_data.database.models import datasets_table
from algomancy_data.database.protocols import SqlTableLayout, handed_back
from algomancy_data.datasource import BASEDATASOURCE, DataClassification
from algomancy_data.documents import expect, parse
from algomancy_data.errors import AlgomancyDataError, SerializationError, StoreError
from algomancy_data.extractor import DataTypeConverter
from algomancy_data.schema.table_names import schema_table_map

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from algomancy_data.schema import Schema

_SHARED: Final = "algomancy_ds__"
_SESSION: Final = "_algomancy_session_id"
_DATASET: Final = "_algomancy_dataset_name"
_COLUMNS: Final = {"id", "name", "session_id", "ds_type", "creation_datetime"}
_DTYPES: Final[tuple[tuple[type[sa.types.TypeEngine[Any]], pl.DataType], ...]] = (
    (sa.Boolean, pl.Boolean()),
    (sa.Integer, pl.Int64()),
    (sa.Float, pl.Float64()),
    (sa.DateTime, pl.Datetime("us")),
)


@dataclass(frozen=True)
class _Entry:
    """A row of the catalogue, and a function that finds the dataset's tables."""

    session: str
    name: str
    ds_id: str
    ds_type: str
    created: Any
    payload: str | None
    tables: Callable[[], Mapping[str, str]]


def read_pandas_database(
    engine: sa.Engine | sa.URL | str,
    schemas: Iterable[type[Schema]],
    data_object_type: type[BASEDATASOURCE],
    *,
    catalogue: str = datasets_table.name,
    failed: dict[tuple[str, str], Exception] | None = None,
) -> Generator[tuple[str, BASEDATASOURCE]]:
    """Yield each dataset that the pandas package (0.8 to 0.10) kept in a database.

    One that cannot be read does not keep the others from being read.

    Columns come back in the types of the schemas, where their values convert; other columns in
    those of the database. One dataset is in memory at a time, and between two of them the database
    is not open, so that each can be written to the same database by a ``DatabaseDataManager``.

    Args:
        engine: A URL such as ``sqlite:///data.db``, or an engine.
        schemas: What the datasets were made of.
        data_object_type: Class of the DataSources.
        catalogue: Name of the catalogue table, if it was renamed.
        failed: Where to put why a dataset could not be read, by session and name. If it is not
            given, that is raised when all others have been read.

    Yields:
        The name of the session, and the dataset.

    Raises:
        StoreError: The database cannot be read, or has no such catalogue. At the end: datasets
            could not be read, for instance because they hold values that are not of their
            column's type; the message names session, dataset, table and column.
        TypeError: A dataset is kept as tables, and the class takes none.
    """
    store = store_engine(engine)
    declared = schema_table_map(list(schemas))
    with store_errors(store, "reading the catalogue"), store.connect() as connection:
        entries = _entries(connection, catalogue, list(declared))
    errors: dict[tuple[str, str], Exception] = {} if failed is None else failed
    for entry in entries:
        doing = f"reading dataset {entry.name!r}"
        try:
            with store_errors(store, doing), store.connect() as connection:
                data = _data_source(connection, entry, declared, data_object_type)
        except (AlgomancyDataError, PolarsError) as error:
            errors[entry.session, entry.name] = error
            continue
        yield entry.session, data
    if errors and failed is None:
        why = "; ".join(
            f"{name!r} of session {session!r}: {error}" for (session, name), error in errors.items()
        )
        msg = f"{len(errors)} of {len(entries)} datasets could not be read. {why}"
        raise StoreError(msg) from next(iter(errors.values()))


def _entries(connection: sa.Connection, catalogue: str, declared: Sequence[str]) -> list[_Entry]:
    names = sa.inspect(connection).get_table_names()
    where = f"The database {shown(connection.engine.url)}"
    if catalogue not in names:
        msg = f"{where} has no table {catalogue!r}. Its tables: {', '.join(names) or 'none'}."
        raise StoreError(msg)
    table = sa.Table(catalogue, sa.MetaData(), autoload_with=connection)
    if not set(table.c.keys()) >= _COLUMNS or "version" in table.c:
        msg = f"{where}: the table {catalogue!r} is none of the pandas package."
        raise StoreError(msg)
    # As they lie there: SQLAlchemy would fail on what is no time.
    exact = (sa.type_coerce(column, sa.types.NullType()).label(column.name) for column in table.c)
    rows = connection.execute(sa.select(*exact)).mappings().all()
    own = {
        (
            row["session_id"],
            row["name"],
        ): f"ds__{_plain(row['session_id'])}__{_plain(row['name'])}__"
        for row in rows
    }
    entries: list[_Entry] = []
    for row in sorted(rows, key=lambda row: str(row["creation_datetime"])):
        key = (row["session_id"], row["name"])
        if (sub_tables := row.get("sub_tables")) is not None:
            tables = partial(_shared_tables, sub_tables)
        else:
            tables = partial(_tables_of_its_own, own[key], list(own.values()), names, declared)
        entries.append(
            _Entry(
                *key,
                row["id"],
                row["ds_type"],
                row["creation_datetime"],
                row.get("payload"),
                tables,
            )
        )
    return entries


def _shared_tables(sub_tables: Any) -> dict[str, str]:
    """Return the tables of a dataset of 0.10, which it shares with others."""
    try:
        names = [expect(str, name, "sub_tables") for name in expect(list, parse(sub_tables), "it")]
    except SerializationError as error:
        msg = f"The catalogue's row is damaged: its 'sub_tables' cannot be read: {error}."
        raise StoreError(msg) from error
    return {name: _SHARED + _plain(name) for name in names}


def _tables_of_its_own(
    prefix: str, prefixes: Sequence[str], names: Iterable[str], declared: Iterable[str]
) -> dict[str, str]:
    """Return the tables of a dataset of 0.8: those that no longer prefix claims."""
    others = [each for each in prefixes if each != prefix and each.startswith(prefix)]
    if prefixes.count(prefix) > 1:
        msg = (
            f"Two datasets share the tables {prefix}…, so what one of them held is lost. Delete "
            f"one of the two rows in the catalogue."
        )
        raise StoreError(msg)
    exact = {_plain(name): name for name in declared}
    found = [
        name.removeprefix(prefix)
        for name in names
        if name.startswith(prefix) and not name.startswith(tuple(others))
    ]
    order = {name: position for position, name in enumerate(exact)}
    found.sort(key=lambda name: order.get(name, len(order)))
    return {exact.get(name, name): prefix + name for name in found}


def _data_source(
    connection: sa.Connection,
    entry: _Entry,
    declared: Mapping[str, type[Schema]],
    cls: type[BASEDATASOURCE],
) -> BASEDATASOURCE:
    if entry.payload is not None:
        return _from_json(entry, cls)
    if entry.ds_type not in set(DataClassification):
        msg = f"Dataset {entry.name!r} has the unknown type {entry.ds_type!r}."
        raise StoreError(msg)
    data = cls(
        ds_type=DataClassification(entry.ds_type),
        name=entry.name,
        ds_id=entry.ds_id,
        creation_datetime=_moment(entry.created),
    )
    if not isinstance(data, SqlTableLayout):
        msg = (
            f"Dataset {entry.name!r} is kept as tables, but {cls.__name__} takes none. Give it "
            f"to_sql_tables and from_sql_tables (SqlTableLayout), or use the class that wrote it."
        )
        raise TypeError(msg)
    tables: dict[str, pl.DataFrame] = {}
    for name, physical in entry.tables().items():
        frame = _read(connection, physical, entry)
        schema = declared.get(name)
        tables[name] = (
            frame if schema is None else DataTypeConverter.convert_dtypes(frame, schema.datatypes())
        )
    data.from_sql_tables(handed_back(cls, tables))
    return data


def _from_json(entry: _Entry, cls: type[BASEDATASOURCE]) -> BASEDATASOURCE:
    try:
        return cls.from_json(entry.payload or "")
    except Exception as error:
        msg = (
            f"Its payload cannot be read: {cls.__name__}.from_json() raised "
            f"{type(error).__name__}: {error}"
        )
        raise StoreError(msg) from error


def _moment(created: Any) -> datetime | None:
    if created is None or isinstance(created, datetime):
        return created
    try:
        return datetime.fromisoformat(expect(str, created, "creation_datetime"))
    except ValueError as error:
        msg = f"The catalogue's row is damaged: {created!r} is no time of creation."
        raise StoreError(msg) from error


def _read(connection: sa.Connection, name: str, entry: _Entry) -> pl.DataFrame:
    try:
        table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    except exc.NoSuchTableError as error:
        msg = f"Its table {name!r} is gone."
        raise StoreError(msg) from error
    columns = [column for column in table.c if column.name not in {_SESSION, _DATASET}]
    # As they lie there: SQLAlchemy's Boolean would make True of any text.
    query = sa.select(*(sa.type_coerce(column, sa.types.NullType()) for column in columns))
    if _SESSION in table.c:
        query = query.where(table.c[_SESSION] == entry.session, table.c[_DATASET] == entry.name)
    rows = connection.execute(query).all()
    return pl.DataFrame(
        [
            _series(column, [row[place] for row in rows], name)
            for place, column in enumerate(columns)
        ]
    )


def _series(column: sa.Column[Any], values: list[Any], table: str) -> pl.Series:
    dtype = next((ours for theirs, ours in _DTYPES if isinstance(column.type, theirs)), pl.String())
    try:
        if dtype == pl.Boolean and set(values) <= {0, 1, None}:
            return pl.Series(column.name, values, dtype=pl.Int64).cast(dtype)
        if dtype == pl.Datetime and any(isinstance(value, str) for value in values):
            text = pl.Series(column.name, values, dtype=pl.String)
            return text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us")
        return pl.Series(column.name, values, dtype=dtype, strict=True)
    except (PolarsError, TypeError, OverflowError) as error:
        msg = (
            f"Table {table!r}, column {column.name!r}: a value is none of its type {column.type}. "
            f"Correct it there, or delete the dataset."
        )
        raise StoreError(msg) from error


def _plain(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)
