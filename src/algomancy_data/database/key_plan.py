"""Which keys of a dataset's tables the database is told of, and in which form.

A constraint is made only if the rows satisfy it, which is checked on the very rows that are
written: earlier checks may have seen others, or may not have run. So no constraint fails after the
rows are written. If the rows violate it, the key becomes an index, and a message says why. A key
whose values the database cannot index becomes neither.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self, TypeAlias, get_args

import polars as pl

from algomancy_data.database.table_keys import KeyKind, TableKey
from algomancy_data.display.words import counted
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.relations.declared import DeclaredKeys, resolve_relations_from_schemas
from algomancy_data.relations.keys import everywhere
from algomancy_data.relations.lookup import unmatched
from algomancy_data.relations.partitions import KeyLimits
from algomancy_data.schema.table_names import schema_classes, schema_table_map
from algomancy_data.store.addition import key_of
from algomancy_data.validator.duplicates import duplicate_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.database.layout import ColumnLayout, TableLayout
    from algomancy_data.database.table_storage import TableStorage
    from algomancy_data.relations.declared import Key
    from algomancy_data.schema import Schema
    from algomancy_data.schema.table_names import Schemas

KeyForm: TypeAlias = Literal["index", "constraints"]
"""What the database is told of keys: by indexes, or by constraints where the rows keep them."""

NOT_ENFORCED: Final = "KEY_NOT_ENFORCED"
"""Code of the messages that say why."""

_NONE: Final = "none"


@dataclass(frozen=True)
class WantedKeys:
    """The keys that a store tells its database of.

    Args:
        tables: The keys of each table, by logical name.

    Example:
        >>> from algomancy_data import Column, DataType, Schema
        >>> class Orders(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "csv", "single"
        ...     ID = Column("id", DataType.INTEGER, primary_key=True)
        ...     BUYER = Column("buyer", DataType.STRING, foreign_key=("people", "name"))
        >>> for key in WantedKeys.of([Orders], "index").tables["orders"]:
        ...     print(key)
        primary key (id)
        foreign key (buyer) to people (name)
    """

    tables: Mapping[str, tuple[TableKey, ...]] = field(
        default_factory=dict[str, "tuple[TableKey, ...]"]
    )

    @classmethod
    def of(cls, schemas: Schemas, keys: KeyForm | None) -> Self:
        """Return the keys that schemas declare.

        Args:
            schemas: The schemas; what one says about its own tables takes precedence over ``keys``.
            keys: In which form the database is told of them; None for none.

        Raises:
            ValueError: ``keys`` is neither ``"index"`` nor ``"constraints"`` nor None.
            SchemaError: A schema is declared wrongly.
        """
        if keys is not None and keys not in get_args(KeyForm):
            msg = f"keys must be 'index', 'constraints' or None, not {keys!r}."
            raise ValueError(msg)
        classes = schema_classes(schemas)
        forms = {schema: schema.sql_keys() or keys or _NONE for schema in classes}
        if set(forms.values()) <= {_NONE}:
            return cls()
        declared = DeclaredKeys.of(classes)
        wanted: defaultdict[str, list[TableKey]] = defaultdict(list)
        for schema, form in forms.items():
            if form != _NONE:
                is_constraint = form == "constraints"
                for table, one in schema_table_map([schema]).items():
                    wanted[table] += _own_keys(table, one, declared, is_constraint=is_constraint)
        for one in resolve_relations_from_schemas(classes):
            if one.child_table in wanted:
                is_constraint = any(key.is_constraint for key in wanted[one.child_table])
                key = TableKey(
                    KeyKind.FOREIGN,
                    one.child_cols,
                    is_constraint,
                    one.parent_table,
                    one.parent_cols,
                )
                wanted[one.child_table].append(key)
        return cls({table: tuple(keys) for table, keys in wanted.items()})

    def of_table(self, table: str) -> tuple[TableKey, ...]:
        """Return the keys of a table."""
        return self.tables.get(table, ())


def _own_keys(
    table: str, schema: type[Schema], declared: DeclaredKeys, *, is_constraint: bool
) -> list[TableKey]:
    primary = declared.primary.get(table, ())
    columns = schema.columns()
    found = [TableKey(KeyKind.PRIMARY, primary, is_constraint)] if primary else []
    found += [
        TableKey(KeyKind.UNIQUE, key, is_constraint) for key in declared.unique.get(table, ())
    ]
    filled = tuple(
        name
        for name, column in columns.items()
        if column.primary_key or not (column.nullable or column.optional)
    )
    # One without columns says of a table that its keys are constraints.
    return [*found, TableKey(KeyKind.FILLED, filled, is_constraint)] if is_constraint else found


@dataclass(frozen=True)
class KeyedRows:
    """A table whose keys are to be settled.

    Args:
        keys: Its keys, as they are wanted or as they were made.
        columns: Layouts of its columns.
        rows: The rows to check; None if none are new.
        stored: Its layout, if it is stored already.
    """

    keys: tuple[TableKey, ...]
    columns: Sequence[ColumnLayout]
    rows: pl.DataFrame | None
    stored: TableLayout | None = None


class SettledKeys(NamedTuple):
    """The keys that the database is told of.

    Args:
        tables: Those of each table that has any.
        notes: Why some of them are indexes only, or not there at all.
    """

    tables: dict[str, tuple[TableKey, ...]]
    notes: list[ValidationMessage]


def no_stored_rows(table: str, key: Key, keys: pl.DataFrame) -> pl.Series:
    """Return that a table without stored rows has none of some keys (Boolean)."""
    del table, key
    return everywhere(keys.height, value=False)


def settled_keys(
    storage: TableStorage,
    tables: Mapping[str, KeyedRows],
    stored: Callable[[str, Key, pl.DataFrame], pl.Series] = no_stored_rows,
) -> SettledKeys:
    """Return the keys that the database can be told of, given the rows.

    Args:
        storage: How the database keeps frames.
        tables: The tables of a dataset.
        stored: Returns which of some keys a table has in the database, for the columns of a key.
    """
    return _Settling(storage, tables, stored).settle()


class _Settling:
    def __init__(
        self,
        storage: TableStorage,
        tables: Mapping[str, KeyedRows],
        stored: Callable[[str, Key, pl.DataFrame], pl.Series],
    ) -> None:
        self._storage = storage
        self._tables = tables
        self._stored = stored
        self._limits = KeyLimits.of(storage.in_memory_bytes)
        self._settled: dict[str, list[TableKey]] = {table: [] for table in tables}
        self._notes: list[ValidationMessage] = []

    def settle(self) -> SettledKeys:
        references: list[tuple[str, TableKey]] = []
        for table, one in self._tables.items():
            for key in one.keys:
                if (own := self._own(table, one, key)) is None:
                    continue
                if own.is_reference:  # which depends on the keys of all other tables
                    references.append((table, own))
                else:
                    self._settled[table].append(own)
        for table, key in references:
            doubt = self._doubt_of_reference(table, key)
            if doubt is not None:
                self._note(table, key, f"an index, and no constraint: {doubt}")
            self._settled[table].append(key if doubt is None else key.as_index())
        tables = {table: tuple(keys) for table, keys in self._settled.items() if keys}
        return SettledKeys(tables, self._notes)

    def _note(self, table: str, key: TableKey, what: str) -> None:
        self._say(table, key.columns, f"Table {table!r}: its {key} is {what}.")

    def _say(self, table: str, columns: Key, text: str) -> None:
        message = ValidationMessage(
            ValidationSeverity.INFO, text, table, ",".join(columns), code=NOT_ENFORCED
        )
        self._notes.append(message)

    def _own(self, table: str, one: KeyedRows, key: TableKey) -> TableKey | None:
        """Return a key in the form that its own table allows; None if it allows none."""
        columns = {column.name: column for column in one.columns}
        if key.kind is KeyKind.FILLED:
            return self._filled(table, one, key, columns)
        if missing := [name for name in key.columns if name not in columns]:
            self._note(table, key, f"not there: the table has no column {missing[0]!r}")
            return None
        if one.rows is None:
            return key
        own, values = [columns[name] for name in key.columns], key_of(one.rows, key.columns)
        problem = self._storage.index_problem(own, values)
        if problem is not None:
            self._note(table, key, f"not there: {problem}")
            return None
        if not key.is_constraint:
            return key
        doubt = self._doubt(one, own) or self._doubt_of_values(key, values)
        if doubt is None:
            return key
        self._note(table, key, f"an index, and no constraint: {doubt}")
        return key.as_index()

    def _filled(
        self, table: str, one: KeyedRows, key: TableKey, columns: Mapping[str, ColumnLayout]
    ) -> TableKey | None:
        there = [name for name in key.columns if name in columns]
        if one.rows is not None:
            rows = one.rows
            reasons = {
                name: f"{counted(nulls, 'of its values is', 'of its values are')} null"
                for name in there
                if (nulls := rows[name].null_count())
            } | {name: "NaN is NULL there" for name in there if columns[name].mask is not None}
            there = [name for name in there if name not in reasons]
            for name, reason in reasons.items():
                text = f"Table {table!r}: column {name!r} may be NULL: {reason}."
                self._say(table, (name,), text)
        return replace(key, columns=tuple(there)) if there else None

    def _doubt(self, one: KeyedRows, columns: Sequence[ColumnLayout]) -> str | None:
        """Return why SQL cannot tell whether values of some columns are equal."""
        for column in columns:
            if not self._storage.is_exact_key(column):
                return f"values of column {column.name!r} can be equal in the data, and not in SQL"
        before = {} if one.stored is None else {had.name: had for had in one.stored.columns}
        for column in columns:
            had = before.get(column.name)
            if had is not None and had.storage != column.storage:
                return f"values of column {column.name!r} are now stored as {column.storage}"
        return None

    def _doubt_of_values(self, key: TableKey, values: pl.DataFrame) -> str | None:
        """Return why a table does not have each value of a key once."""
        if key.kind is KeyKind.FOREIGN:
            return None
        nulls = sum(column.null_count() for column in values)
        if key.kind is KeyKind.PRIMARY and nulls:
            return f"{counted(nulls, 'of its values is', 'of its values are')} null"
        repeated = len(duplicate_rows(values, self._limits))
        return f"{repeated:,} rows share theirs" if repeated else None

    def _doubt_of_reference(self, table: str, key: TableKey) -> str | None:
        """Return why a foreign key may be violated, or cannot be declared."""
        one, parent = self._tables[table], self._tables.get(key.parent or "")
        if parent is None or key.parent is None:
            return f"there is no table {key.parent!r}"
        wanted = set(key.parent_columns)
        unique = [own for own in self._settled[key.parent] if own.is_unique]
        if not any(set(own.columns) == wanted for own in unique):
            return f"({', '.join(key.parent_columns)}) is no key of {key.parent!r} by a constraint"
        mine, theirs = (
            {column.name: column for column in columns} for columns in (one.columns, parent.columns)
        )
        for name, other in zip(key.columns, key.parent_columns, strict=True):
            if mine[name].storage != theirs[other].storage or not can_equal(
                mine[name].dtype, theirs[other].dtype
            ):
                return f"{name!r} is stored in another form than {other!r} of {key.parent!r}"
        if key.parent != table and self._leads_to(key.parent, table):
            return "the tables refer to each other in a circle"
        return None if one.rows is None else self._doubt_of_parents(one.rows, key, parent)

    def _doubt_of_parents(self, rows: pl.DataFrame, key: TableKey, parent: KeyedRows) -> str | None:
        values = key_of(rows, key.columns)
        if parent.rows is None:
            missing = values.filter(unmatched(values, values.clear(), self._limits))
        else:
            known = key_of(parent.rows, key.parent_columns)
            missing = values.filter(unmatched(values, known, self._limits))
        if missing.height and parent.stored is not None and key.parent is not None:
            missing = missing.filter(~self._stored(key.parent, key.parent_columns, missing))
        found = counted(missing.height, "row refers", "rows refer")
        return f"{found} to none" if missing.height else None

    def _leads_to(self, start: str, end: str) -> bool:
        """Tell whether a table refers to another one, directly or through others."""
        seen, coming = {start}, [start]
        while coming:
            for key in self._settled.get(coming.pop(), ()):
                if key.is_reference and key.parent is not None and key.parent not in seen:
                    if key.parent == end:
                        return True
                    seen.add(key.parent)
                    coming.append(key.parent)
        return False


def can_equal(given: PolarsDataType, stored: PolarsDataType) -> bool:
    """Tell whether values of two dtypes can be compared in the second one."""
    texts = (pl.String, pl.Categorical, pl.Enum)
    return (
        given == stored
        or (given.is_integer() and stored.is_integer())
        or (isinstance(given, texts) and isinstance(stored, texts))
    )
