"""Whether a session's datasets are what was written, and what else there is."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

import sqlalchemy as sa

from algomancy_data.database.catalogue import named_tables
from algomancy_data.database.keyed_tables import drop_tables
from algomancy_data.database.models import datasets_table, payload_chunks_table
from algomancy_data.database.naming import TableOwner, is_plain_name_of
from algomancy_data.database.payload import check_chunks, check_row
from algomancy_data.database.payload_chunks import PayloadKey
from algomancy_data.database.table_keys import KeysFound, KeysInSQL, key_problems
from algomancy_data.database.tables import StoredTable, check_drift, count_rows, value_problems
from algomancy_data.display.words import counted
from algomancy_data.errors import (
    AlgomancyDataError,
    DamagedStoreError,
    SchemaDriftError,
)
from algomancy_data.store import Damage, Leftover

if TYPE_CHECKING:
    from collections.abc import Generator

    from algomancy_data.database.catalogue import Catalogue
    from algomancy_data.database.entry import Entry
    from algomancy_data.database.table_storage import TableStorage

_CHUNKS: Final = payload_chunks_table.name


class Findings(NamedTuple):
    """What verifying a dataset found.

    Args:
        damages: What is not as it was written.
        unverified: What has no check sums, in words.
    """

    damages: list[Damage]
    unverified: list[str]


def find_damage(
    connection: sa.Connection,
    storage: TableStorage,
    catalogue: Catalogue,
    session: str,
    name: str,
) -> Findings:
    """Return what in a dataset is not as it was written: columns, values, bytes."""
    try:
        entry = catalogue.entry(connection, name)
    except AlgomancyDataError as error:
        return Findings([Damage(name, datasets_table.name, str(error))], [])
    if entry is None:  # deleted meanwhile
        return Findings([], [])
    if entry.info.problem:
        return Findings([Damage(name, datasets_table.name, entry.info.problem)], [])
    if entry.tables is None:
        return Findings([*_payload_damage(connection, session, entry)], entry.without_sums)
    dataset = {layout.name: layout for layout in entry.tables}
    damages = [
        Damage(name, layout.physical, problem)
        for layout in entry.tables
        for problem in _table_problems(
            connection, storage, KeysInSQL(layout, dataset), TableOwner(session, name, layout.name)
        )
    ]
    return Findings(damages, entry.without_sums)


def find_leftovers(
    connection: sa.Connection, storage: TableStorage, session: str
) -> list[Leftover]:
    """Return the tables and payloads of a session that no row of the catalogue names.

    A table is proven to be the session's if its comment says so and its name follows from the
    comment. Tables that merely look like it are listed as not proven.
    """
    # First the tables, so that one created after this is not among them.
    owners = storage.owners(connection)
    known, is_clear = named_tables(connection)
    found: list[Leftover] = []
    for physical, owner in owners.items():
        if physical in known:
            continue
        if owner is not None and owner.session == session and owner.is_on(physical):
            what = (
                f"table {owner.table!r} of dataset {owner.dataset!r}, which is not in the catalogue"
            )
            found.append(Leftover(physical, what, is_proven=is_clear))
        elif owner is None and is_plain_name_of(session, physical):
            what = "a table with a name of this session's that this package did not make"
            found.append(Leftover(physical, what, is_proven=False))
    parts = storage.table_parts
    for physical, owner in parts.unpublished(connection).items() if parts else ():
        if physical not in known and owner.session == session:
            what = (
                f"rows of table {owner.table!r} of dataset {owner.dataset!r}, whose write did not "
                f"come to its end"
            )
            found.append(Leftover(physical, what, is_proven=is_clear))
    found += (
        Leftover(_CHUNKS, _payload_of(name, version))
        for name, version in _lost_payloads(connection, session)
    )
    return found


def drop_leftovers(
    connection: sa.Connection, storage: TableStorage, session: str
) -> list[Leftover]:
    """Drop what is proven to be the session's; return it."""
    found = [one for one in find_leftovers(connection, storage, session) if one.is_proven]
    tables = [one.path for one in found if one.path != _CHUNKS]
    drop_tables(connection, storage, {one: storage.children(connection, one) for one in tables})
    for name, version in _lost_payloads(connection, session):
        columns = payload_chunks_table.c
        connection.execute(
            sa.delete(payload_chunks_table).where(
                columns.session_id == session, columns.name == name, columns.version == version
            )
        )
    return found


def _table_problems(
    connection: sa.Connection, storage: TableStorage, keys: KeysInSQL, owner: TableOwner
) -> Generator[str]:
    layout = keys.layout
    try:
        check_drift(connection, StoredTable(storage, layout, owner))
        rows = count_rows(connection, storage, layout)
        # A frame without columns may have rows, of which a table has none.
        if layout.columns and rows != layout.height:
            found = counted(rows, "row")
            yield f"Table {layout.physical!r} has {found} instead of {layout.height:,}."
            return
        found = storage.keys_found(connection, layout) if layout.keys else KeysFound()
        problems = value_problems(connection, storage, layout)
        for problem in chain(problems, key_problems(keys, found)):
            yield f"Table {layout.physical!r}: {problem}."
    except (SchemaDriftError, DamagedStoreError) as error:
        yield str(error)


def _payload_damage(connection: sa.Connection, session: str, entry: Entry) -> Generator[Damage]:
    key = PayloadKey(session, entry.info.name, entry.info.version)
    place = datasets_table.name
    try:
        check_row(key, entry.payload, entry.payload_layout)
        place = _CHUNKS
        check_chunks(connection, key, entry.payload_layout)
    except AlgomancyDataError as error:
        yield Damage(entry.info.name, place, str(error))


def _lost_payloads(connection: sa.Connection, session: str) -> list[tuple[str, str]]:
    chunks, rows = payload_chunks_table.c, datasets_table.c
    named = sa.exists().where(
        rows.session_id == chunks.session_id,
        rows.name == chunks.name,
        rows.version == chunks.version,
    )
    query = (
        sa.select(chunks.name, chunks.version)
        .where(chunks.session_id == session, ~named)
        .distinct()
        .order_by(chunks.name, chunks.version)
    )
    return [(row.name, row.version) for row in connection.execute(query)]


def _payload_of(name: str, version: str) -> str:
    return f"the payload of dataset {name!r}, version {version!r}, which is not in the catalogue"
