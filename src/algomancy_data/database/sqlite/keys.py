"""Keys of SQLite's tables: what CREATE TABLE says of them, and what there is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from algomancy_data.database.table_keys import KeyKind, KeysFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from algomancy_data.database.table_keys import KeysInSQL, Reference, TableKey

_INDEXES: Final = sa.text(
    'SELECT i.name, i."unique" AS is_unique, i.origin, c.name AS column_name '
    "FROM pragma_index_list(:table) AS i JOIN pragma_index_info(i.name) AS c "
    "WHERE NOT i.partial ORDER BY i.name, c.seqno"
)
_FILLED: Final = sa.text('SELECT name FROM pragma_table_info(:table) WHERE "notnull"')
_REFERENCES: Final = sa.text(
    'SELECT id, "table" AS parent, "from" AS own, "to" AS other '
    "FROM pragma_foreign_key_list(:table) ORDER BY id, seq"
)


@dataclass(frozen=True)
class Clauses:
    """The constraints in CREATE TABLE, of single columns and of the table.

    Args:
        columns: By the name of the column.
        table: In order.
    """

    columns: dict[str, str] = field(default_factory=dict[str, str])
    table: list[str] = field(default_factory=list[str])


def clauses_of(keys: KeysInSQL, quote: Callable[[str], str]) -> Clauses:
    """Return the constraints that SQLite only takes in CREATE TABLE.

    Args:
        keys: The keys of the table.
        quote: Puts a name into quotes.
    """
    clauses = Clauses(dict.fromkeys(keys.filled(), " NOT NULL"))
    for key in keys.layout.keys:
        if not is_in_table(keys, key):
            continue
        columns = keys.columns(key)
        if len(columns) == 1 and key.kind is KeyKind.PRIMARY:
            # DESC, since an INTEGER PRIMARY KEY would be the row number, which is the order of the
            # rows; written so, it is none: https://www.sqlite.org/lang_createtable.html#rowid
            name = columns[0].physical
            clauses.columns[name] = f"{clauses.columns.get(name, '')} PRIMARY KEY DESC"
        else:
            listed = ", ".join(quote(column.physical) for column in columns)
            clauses.table.append(f"{key.kind.upper()} ({listed})")
    clauses.table.extend(_clause(reference, quote) for reference in keys.references())
    return clauses


def is_in_table(keys: KeysInSQL, key: TableKey) -> bool:
    """Tell whether a key is part of CREATE TABLE; else it becomes an index afterwards.

    What rows of the same table refer to must be there before them.
    """
    is_referred = any(
        one.parent.name == keys.layout.name and one.key.parent_columns == key.columns
        for one in keys.references()
    )
    return key.is_unique and (key.kind is KeyKind.PRIMARY or is_referred)


def _clause(reference: Reference, quote: Callable[[str], str]) -> str:
    own, other = (
        ", ".join(map(quote, columns)) for columns in (reference.columns, reference.parent_columns)
    )
    return f"FOREIGN KEY ({own}) REFERENCES {quote(reference.parent.physical)} ({other})"


def found_keys(connection: sa.Connection, physical: str) -> KeysFound:
    """Return what SQLite says of the keys of a table."""
    asked = {"table": physical}
    columns: defaultdict[str, list[str]] = defaultdict(list)
    unique: set[str] = set()
    primary = ""
    for row in connection.execute(_INDEXES, asked):
        columns[row.name].append(row.column_name)
        if row.is_unique:
            unique.add(row.name)
        if row.origin == "pk":
            primary = row.name
    pairs: defaultdict[tuple[int, str], list[tuple[str, str]]] = defaultdict(list)
    for row in connection.execute(_REFERENCES, asked):
        pairs[row.id, row.parent].append((row.own, row.other))
    return KeysFound(
        tuple(columns.get(primary, ())),
        frozenset(tuple(columns[name]) for name in unique),
        frozenset(map(tuple, columns.values())),
        frozenset(connection.scalars(_FILLED, asked)),
        frozenset(
            (tuple(own for own, _ in both), parent, tuple(other for _, other in both))
            for (_, parent), both in pairs.items()
        ),
    )
