"""Keys of PostgreSQL's tables: how they are made when there are rows, and what there is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl
import sqlalchemy as sa

from algomancy_data.database.postgresql.names import as_list, as_value
from algomancy_data.database.table_keys import KeysFound
from algomancy_data.database.table_storage import (
    REFERENCE_PREFIX,
    index_name,
    reference_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from algomancy_data.database.layout import ColumnLayout
    from algomancy_data.database.table_keys import KeysInSQL

EXACT: Final = frozenset(
    {
        *("integer", "ticks", "boolean", "numeric", "date", "timestamp", "time", "iso"),
        *("text", "utf8", "bytes"),
    }
)
"""Words of the codec, for values that are equal in SQL exactly where they are in Polars."""

# Of an entry in an index, see BTMaxItemSize in PostgreSQL's nbtree.h, with pages of 8 kB; and what
# an entry, and each of its values, has around it.
_MOST_BYTES: Final = 2704
_AROUND_ENTRY: Final = 16
_AROUND_VALUE: Final = 16

# Lists as JSON, which every driver gives as text.
_INDEXES: Final = sa.text(
    "SELECT indisunique, indisprimary, (SELECT json_agg(attname ORDER BY at) "
    "FROM unnest(indkey::int2[]) WITH ORDINALITY AS k(number, at) "
    "JOIN pg_attribute ON attrelid = indrelid AND attnum = k.number)::text AS columns "
    "FROM pg_index "
    "WHERE indrelid = to_regclass(:table) AND indisvalid AND indpred IS NULL AND indexprs IS NULL"
)
_FILLED: Final = sa.text(
    "SELECT attname::text FROM pg_attribute "
    "WHERE attrelid = to_regclass(:table) AND attnum > 0 AND attnotnull AND NOT attisdropped"
)
_REFERENCES: Final = sa.text(
    "SELECT relname::text AS parent, json_agg(own.attname ORDER BY at)::text AS own, "
    "json_agg(other.attname ORDER BY at)::text AS other "
    "FROM pg_constraint JOIN pg_class ON pg_class.oid = confrelid "
    "CROSS JOIN unnest(conkey, confkey) WITH ORDINALITY AS k(mine, theirs, at) "
    "JOIN pg_attribute AS own ON own.attrelid = conrelid AND own.attnum = mine "
    "JOIN pg_attribute AS other ON other.attrelid = confrelid AND other.attnum = theirs "
    "WHERE contype = 'f' AND convalidated AND conrelid = to_regclass(:table) "
    "GROUP BY pg_constraint.oid, relname"
)
_NAMED: Final = sa.text(
    "SELECT conname::text FROM pg_constraint WHERE contype = 'f' AND conrelid = to_regclass(:table)"
)
_REFERRING: Final = sa.text(
    "SELECT DISTINCT child.relname::text AS child, conname::text AS name FROM pg_constraint "
    "JOIN pg_class AS child ON child.oid = conrelid "
    "JOIN json_array_elements_text(CAST(:tables AS json)) AS asked(name) "
    "ON confrelid = to_regclass(asked.name) "
    "WHERE contype = 'f' AND starts_with(conname::text, :names) AND child.relnamespace = "
    "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
)


def length_problem(columns: Sequence[ColumnLayout], values: pl.DataFrame) -> str | None:
    """Return why an index has no room for some values, or None.

    Args:
        columns: How the columns lie in the table.
        values: Their values, as they are in the frame.
    """
    room = _MOST_BYTES - _AROUND_ENTRY
    for column, series in zip(columns, values, strict=True):
        match series.dtype:
            case pl.String() | pl.Categorical() | pl.Enum():
                longest = series.cast(pl.String).str.len_bytes().max()
            case pl.Binary():
                longest = series.bin.size().max()
            case _:
                longest = None
        size = cast("int | None", longest) or 0
        room -= size + _AROUND_VALUE
        if room < 0:
            return (
                f"a value of column {column.name!r} has {size:,} bytes, and an index of "
                f"PostgreSQL has room for {_MOST_BYTES:,} in all"
            )
    return None


def add_keys(connection: sa.Connection, keys: KeysInSQL, table: str) -> None:
    """Add indexes and constraints, except references, to a table.

    Args:
        connection: A connection in a transaction.
        keys: The keys.
        table: The table's name, in quotes.
    """
    quote = connection.dialect.identifier_preparer.quote_identifier
    actions = [f"ALTER COLUMN {quote(name)} SET NOT NULL" for name in keys.filled()]
    for columns, key in keys.indexes().items():
        name = quote(index_name(keys.layout, columns))
        listed = ", ".join(quote(column.physical) for column in columns)
        if key.is_unique:
            actions.append(f"ADD CONSTRAINT {name} {key.kind.upper()} ({listed})")
        else:
            connection.exec_driver_sql(f"CREATE INDEX {name} ON {table} ({listed})")
    if actions:  # in one statement, which reads the table once for all columns
        connection.exec_driver_sql(f"ALTER TABLE {table} {', '.join(actions)}")


def add_references(connection: sa.Connection, keys: KeysInSQL) -> None:
    """Add the missing foreign key constraints."""
    references = list(keys.references())
    if not references:
        return
    names = connection.dialect.identifier_preparer
    table = names.quote_identifier(keys.layout.physical)
    there = set(connection.scalars(_NAMED, {"table": as_value(keys.layout.physical)}))
    for one in references:
        name = reference_name(keys.layout, one)
        if name in there:
            continue
        own, other = (
            ", ".join(map(names.quote_identifier, columns))
            for columns in (one.columns, one.parent_columns)
        )
        # Deferred: rows may be replaced by others that have the same key.
        connection.exec_driver_sql(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({own}) "
            f"REFERENCES {names.quote_identifier(one.parent.physical)} ({other}) "
            f"DEFERRABLE INITIALLY DEFERRED"
        )


def drop_references(connection: sa.Connection, tables: Iterable[str]) -> None:
    """Drop this package's foreign key constraints on some tables."""
    asked = {"tables": as_list(map(as_value, tables)), "names": REFERENCE_PREFIX}
    quote = connection.dialect.identifier_preparer.quote_identifier
    for child, name in connection.execute(_REFERRING, asked).all():
        connection.exec_driver_sql(f"ALTER TABLE {quote(child)} DROP CONSTRAINT {quote(name)}")


def found_keys(connection: sa.Connection, physical: str) -> KeysFound:
    """Return what PostgreSQL says of the keys of a table."""
    asked = {"table": as_value(physical)}
    indexes = connection.execute(_INDEXES, asked).all()
    references = connection.execute(_REFERENCES, asked).all()
    return KeysFound(
        next((_names(row.columns) for row in indexes if row.indisprimary), ()),
        frozenset(_names(row.columns) for row in indexes if row.indisunique),
        frozenset(_names(row.columns) for row in indexes),
        frozenset(connection.scalars(_FILLED, asked)),
        frozenset((_names(row.own), row.parent, _names(row.other)) for row in references),
    )


def _names(listed: Any) -> tuple[str, ...]:
    return tuple(json.loads(listed))
