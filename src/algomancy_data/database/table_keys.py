"""Keys of a table that the database knows of: as indexes, or as constraints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from algomancy_data.documents import expect, member
from algomancy_data.errors import SerializationError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from algomancy_data.database.layout import ColumnLayout, TableLayout
    from algomancy_data.relations.declared import Key


class KeyKind(StrEnum):
    """What a key says of its columns; the value is the word for it in SQL."""

    PRIMARY = "primary key"
    UNIQUE = "unique"
    FOREIGN = "foreign key"
    FILLED = "not null"


@dataclass(frozen=True, slots=True)
class TableKey:
    """A key of a table.

    Args:
        kind: What it says of the columns.
        columns: Their names in the frame; of :attr:`KeyKind.FILLED`, each one by itself.
        is_constraint: Whether it is a constraint; else there is an index of the columns.
        parent: Logical name of the table that a foreign key refers to.
        parent_columns: The columns there, in the same order.
    """

    kind: KeyKind
    columns: tuple[str, ...]
    is_constraint: bool
    parent: str | None = None
    parent_columns: tuple[str, ...] = ()

    @property
    def is_unique(self) -> bool:
        """Whether it is a constraint that no two rows have the same values."""
        return self.is_constraint and self.kind in {KeyKind.PRIMARY, KeyKind.UNIQUE}

    @property
    def is_reference(self) -> bool:
        """Whether it is a constraint that another table has the values."""
        return self.is_constraint and self.kind is KeyKind.FOREIGN

    def as_index(self) -> Self:
        """Return it as an index."""
        return replace(self, is_constraint=False)

    def __str__(self) -> str:
        """Return it as messages name it."""
        own = f"{self.kind} ({', '.join(self.columns)})"
        if self.parent is None:
            return own
        return f"{own} to {self.parent} ({', '.join(self.parent_columns)})"

    def to_json(self) -> dict[str, Any]:
        """Return the key as JSON."""
        described: dict[str, Any] = {
            "kind": str(self.kind),
            "columns": list(self.columns),
            "form": "constraint" if self.is_constraint else "index",
        }
        if self.parent is not None:
            described |= {"parent": self.parent, "parent_columns": list(self.parent_columns)}
        return described

    @classmethod
    def from_json(cls, described: object) -> Self:
        """Return the key that :meth:`to_json` wrote.

        Raises:
            SerializationError: It is not what :meth:`to_json` writes.
        """
        known = expect(dict, described, "key")
        kind, form = (member(known, name, str, "key") for name in ("kind", "form"))
        if kind not in set(KeyKind) or form not in {"constraint", "index"}:
            msg = f"a key is {kind!r} and {form!r}"
            raise SerializationError(msg)
        columns = _names(known, "columns")
        is_constraint = form == "constraint"
        if kind != KeyKind.FOREIGN:
            return cls(KeyKind(kind), columns, is_constraint)
        parent = member(known, "parent", str, "key")
        return cls(KeyKind(kind), columns, is_constraint, parent, _names(known, "parent_columns"))


def _names(described: object, name: str) -> tuple[str, ...]:
    return tuple(expect(str, one, name) for one in member(described, name, list, "key"))


class KeysInSQL(NamedTuple):
    """The keys of a table, by the names that tables and columns have in the database.

    Args:
        layout: The table's layout.
        dataset: How all tables of its dataset do, by their logical names: those that it refers to
            are among them.
    """

    layout: TableLayout
    dataset: Mapping[str, TableLayout]

    def columns(self, key: TableKey) -> tuple[ColumnLayout, ...]:
        """Return the columns of a key."""
        return self.layout.columns_named(key.columns)

    def indexes(self) -> dict[tuple[ColumnLayout, ...], TableKey]:
        """Return the keys to index: each sequence of columns once, the strictest first."""
        found: dict[tuple[ColumnLayout, ...], TableKey] = {}
        for key in sorted(self.layout.keys, key=lambda key: not key.is_unique):
            if key.kind is not KeyKind.FILLED:
                found.setdefault(self.columns(key), key)
        return found

    def filled(self) -> list[str]:
        """Return the names of the columns that are NOT NULL."""
        return [
            column.physical
            for key in self.layout.keys
            if key.kind is KeyKind.FILLED and key.is_constraint
            for column in self.columns(key)
        ]

    def references(self) -> Generator[Reference]:
        """Yield the foreign keys that are constraints."""
        for key in self.layout.keys:
            if key.is_reference and key.parent is not None:
                parent = self.dataset[key.parent]
                yield Reference(
                    key,
                    tuple(column.physical for column in self.columns(key)),
                    parent,
                    tuple(one.physical for one in parent.columns_named(key.parent_columns)),
                )


class Reference(NamedTuple):
    """A foreign key that is a constraint.

    Args:
        key: The key.
        columns: What its columns are called in the database.
        parent: Layout of the table that has the values.
        parent_columns: What the columns are called there.
    """

    key: TableKey
    columns: tuple[str, ...]
    parent: TableLayout
    parent_columns: tuple[str, ...]


class KeysFound(NamedTuple):
    """The valid keys of a table, as the database reports them.

    Args:
        primary: The columns of its primary key.
        unique: Those of all keys that are unique, the primary one among them.
        indexed: Those of all indexes.
        filled: Columns that are NOT NULL.
        references: Columns, the table that they refer to, and the columns there.
    """

    primary: tuple[str, ...] = ()
    unique: frozenset[tuple[str, ...]] = frozenset()
    indexed: frozenset[tuple[str, ...]] = frozenset()
    filled: frozenset[str] = frozenset()
    references: frozenset[tuple[tuple[str, ...], str, tuple[str, ...]]] = frozenset()


def key_problems(keys: KeysInSQL, found: KeysFound) -> Generator[str]:
    """Yield what the database lacks of the keys that a table was made with."""
    for key in keys.layout.keys:
        columns = tuple(column.physical for column in keys.columns(key))
        form = "constraint" if key.is_constraint else "index"
        match key.kind:
            case KeyKind.FILLED:
                if missing := [name for name in columns if name not in found.filled]:
                    yield f"{', '.join(missing)} may be NULL, and was declared NOT NULL"
                continue
            case KeyKind.PRIMARY if key.is_constraint:
                is_there = found.primary == columns
            case KeyKind.UNIQUE if key.is_constraint:
                is_there = columns in found.unique
            case _:
                is_there = columns in found.indexed
        if not is_there:
            what = "index" if key.kind is KeyKind.FOREIGN else form
            yield f"the {what} for its {key} is missing, or not valid"
    for one in keys.references():
        if (one.columns, one.parent.physical, one.parent_columns) not in found.references:
            yield f"the constraint for its {one.key} is missing, or not valid"


def parents_first(keys: Mapping[str, Iterable[TableKey]]) -> list[str]:
    """Return the names of tables, each after those that it refers to, else in the given order.

    Example:
        >>> to_airlines = TableKey(KeyKind.FOREIGN, ("carrier",), True, "airlines", ("code",))
        >>> parents_first({"flights": [to_airlines], "planes": [], "airlines": []})
        ['airlines', 'flights', 'planes']
    """
    ordered: dict[str, None] = {}
    begun: set[str] = set()

    def put(table: str) -> None:
        begun.add(table)
        for key in keys[table]:
            parent = key.parent if key.is_reference else None
            if parent is not None and parent in keys and parent not in begun:
                put(parent)
        ordered[table] = None

    for table in keys:
        if table not in begun:
            put(table)
    return list(ordered)


def constrained_keys(layout: TableLayout) -> list[Key]:
    """Return the columns of each unique constraint of a table, its primary key included."""
    return [key.columns for key in layout.keys if key.is_unique]
