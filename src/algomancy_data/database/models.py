"""The tables of the catalogue, created in a new database and checked in an old one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import exc

from algomancy_data.database.backend import shown
from algomancy_data.database.engines import begun
from algomancy_data.errors import SchemaDriftError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from algomancy_data.database.table_storage import TableStorage

FORMAT_VERSION: Final = 3
"""Version of the catalogue's content; a reader refuses rows of a later one."""

WITHOUT_KEYS: Final = 2
"""Version of the content of a row whose tables have no keys that the database knows of."""

WITHOUT_CHILDREN: Final = 1
"""Version of the content of a row whose tables have no children either."""

metadata: Final = sa.MetaData()

datasets_table: Final = sa.Table(
    "algomancy_datasets",
    metadata,
    sa.Column("session_id", sa.Text(), primary_key=True, comment="who may see the dataset"),
    sa.Column("name", sa.Text(), primary_key=True, comment="name of the dataset in its session"),
    sa.Column("id", sa.Text(), nullable=False, comment="identity of the DataSource"),
    sa.Column("ds_type", sa.Text(), nullable=False, comment="a DataClassification"),
    sa.Column("creation_datetime", sa.DateTime(), nullable=False, comment="of the data, local"),
    sa.Column("added_at", sa.DateTime(), nullable=False, comment="first written, UTC"),
    sa.Column("version", sa.Text(), nullable=False, comment="another one with every write"),
    sa.Column("format_version", sa.Integer(), nullable=False, comment="of this row's content"),
    sa.Column("sub_tables", sa.Text(), comment="JSON: the tables, their columns and dtypes"),
    sa.Column("payload", sa.Text(), comment="JSON of a DataSource that is not tables"),
    sa.Column("payload_layout", sa.Text(), comment="JSON: what of the payload lies in chunks"),
    sa.Column("provenance", sa.Text(), nullable=False, comment="JSON: how the data came about"),
    sa.Column("messages", sa.Text(), nullable=False, comment="JSON: what was found in the data"),
)

payload_chunks_table: Final = sa.Table(
    "algomancy_payload_chunks",
    metadata,
    sa.Column("session_id", sa.Text(), primary_key=True, comment="as in the catalogue"),
    sa.Column("name", sa.Text(), primary_key=True, comment="as in the catalogue"),
    sa.Column("version", sa.Text(), primary_key=True, comment="as in the catalogue"),
    sa.Column("part", sa.Text(), primary_key=True, comment="text, table-0, table-1 and so on"),
    sa.Column("ordinal", sa.Integer(), primary_key=True, comment="place in the part, from 0"),
    # The last one: SQLite walks through a large value to reach what lies behind it.
    sa.Column("chunk", sa.LargeBinary(), nullable=False, comment="bytes of the part"),
)
"""What does not fit into a catalogue row; the primary key is the order of the bytes."""

jobs_table: Final = sa.Table(
    "algomancy_jobs",
    metadata,
    sa.Column("session_id", sa.Text(), primary_key=True, comment="as in the catalogue"),
    sa.Column("job", sa.Text(), primary_key=True, comment="key: files' content and settings"),
    sa.Column("number", sa.Integer(), primary_key=True, comment="of the attempt, from 1"),
    sa.Column("batch", sa.Text(), nullable=False, comment="what it was a part of"),
    sa.Column("dataset", sa.Text(), nullable=False, comment="name of the dataset"),
    sa.Column("mode", sa.Text(), nullable=False, comment="replace, append or upsert"),
    sa.Column("outcome", sa.Text(), nullable=False, comment="running, done, refused and so on"),
    sa.Column("worker", sa.Text(), nullable=False, comment="who tried"),
    sa.Column("started_at", sa.DateTime(), nullable=False, comment="UTC"),
    sa.Column("finished_at", sa.DateTime(), comment="UTC"),
    sa.Column("dataset_id", sa.Text(), nullable=False, comment="id in the catalogue, once done"),
    sa.Column("details", sa.Text(), nullable=False, comment="JSON: files, rows, findings, phases"),
)
"""One row per attempt to do a job; the transaction that writes a dataset updates it."""

_IS_DONE: Final = jobs_table.c.outcome == "done"

sa.Index(
    "algomancy_jobs_done",
    *(jobs_table.c[name] for name in ("session_id", "job", "batch")),
    unique=True,
    sqlite_where=_IS_DONE,
    postgresql_where=_IS_DONE,
)
sa.Index("algomancy_jobs_batch", jobs_table.c.session_id, jobs_table.c.batch)

_PANDAS_COLUMNS: Final = {"id", "name", "session_id", "ds_type", "creation_datetime"}
_OUR_COLUMNS: Final = {"added_at", "version", "format_version", "provenance", "messages"}


def create_or_check(engine: sa.Engine, storage: TableStorage) -> bool:
    """Create the catalogue in a new database, and check it in an old one.

    Of several that find none, one creates it, and the others wait for it: they take the lock for
    writing before they look again.

    Args:
        engine: The database.
        storage: How it keeps frames.

    Returns:
        Whether all is there; an earlier version did not have the table of jobs.

    Raises:
        SchemaDriftError: A column is missing, of another type, or one too many that must be
            filled; the message names it and says what to do.
    """
    with begun(engine) as connection:
        found = _columns(connection, datasets_table)
        jobs = _columns(connection, jobs_table)
        has_chunks = connection.dialect.has_table(connection, payload_chunks_table.name)
    if found:
        _refuse_drift(found, f"The catalogue table {datasets_table.name!r} of {shown(engine.url)}")
    if jobs and (problems := _drift(jobs_table, jobs)):
        msg = (
            f"The table {jobs_table.name!r} of {shown(engine.url)} does not fit this version: "
            f"{'; '.join(problems)}. Rename it, or drop it: then it is not known which jobs were "
            f"done."
        )
        raise SchemaDriftError(msg)
    if found and has_chunks:
        return bool(jobs)
    create_missing(engine, storage)
    return True


def create_missing(engine: sa.Engine, storage: TableStorage) -> None:
    """Create the missing tables of the catalogue."""
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
    if problems := _drift(datasets_table, found):
        msg = (
            f"{place} does not fit this version: {'; '.join(problems)}. There is no automatic "
            f"migration: {rebuild}"
        )
        raise SchemaDriftError(msg)


def _columns(connection: sa.Connection, table: sa.Table) -> dict[str, Any]:
    """Return what the database says about each column of a table; none if it is not there."""
    try:
        described = sa.inspect(connection).get_columns(table.name)
    except exc.NoSuchTableError:
        return {}
    return {column["name"]: column for column in described}


def _drift(table: sa.Table, found: Mapping[str, Any]) -> list[str]:
    problems: list[str] = []
    for column in table.columns:
        if column.name not in found:
            problems.append(f"column {column.name!r} is missing")
            continue
        actual = found[column.name]["type"]
        if not isinstance(actual, type(column.type)):
            problems.append(f"column {column.name!r} is {actual!r} instead of {column.type!r}")
    problems += [
        f"column {name!r} is unknown and must be filled"
        for name, column in found.items()
        if name not in table.c and not column["nullable"] and column["default"] is None
    ]
    return problems
