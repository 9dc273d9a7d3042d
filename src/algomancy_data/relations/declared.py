"""What schemas declare of keys: relations with ``foreign_key``, and what a table has once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self, TypeAlias

from algomancy_data.schema.table_names import Schemas, schema_classes, schema_table_map

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from algomancy_data.schema import Column


Key: TypeAlias = "tuple[str, ...]"
"""The columns of a key."""


@dataclass(frozen=True)
class Relation:
    """A child table whose columns repeat the key of a parent table.

    Args:
        child_table: Logical name of the referring table.
        child_cols: Its columns, in the order of ``parent_cols``; one may be given as text.
        parent_table: Logical name of the table referred to.
        parent_cols: Its columns.
        parent_requires_child: Parents without a child are dropped by a cascade.
        track_partial_loss: Parents that lost some of their children are dropped by a cascade.

    Raises:
        ValueError: Unequal numbers of columns, or none.

    Example:
        >>> Relation("flights", ("carrier",), "airlines", ("carrier",)).key
        ('flights', ('carrier',))
    """

    child_table: str
    child_cols: tuple[str, ...]
    parent_table: str
    parent_cols: tuple[str, ...]
    parent_requires_child: bool = False
    track_partial_loss: bool = False

    def __post_init__(self) -> None:
        """Take one name or a list for a tuple; refuse columns that cannot be paired."""
        for side in ("child_cols", "parent_cols"):
            names = getattr(self, side)
            object.__setattr__(self, side, (names,) if isinstance(names, str) else tuple(names))
        if not self.child_cols or len(self.child_cols) != len(self.parent_cols):
            msg = (
                f"A relation pairs the columns of two tables, at least one of each, "
                f"not {self.child_cols!r} with {self.parent_cols!r}."
            )
            raise ValueError(msg)

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """The child table and columns, by which :func:`merge_relations` knows a relation."""
        return self.child_table, self.child_cols

    def __str__(self) -> str:
        """Return ``child.column->parent.column``, as messages name a relation."""
        child, parent = ",".join(self.child_cols), ",".join(self.parent_cols)
        return f"{self.child_table}.{child}->{self.parent_table}.{parent}"


def resolve_relations_from_schemas(schemas: Schemas) -> list[Relation]:
    """Return the relations that the columns of the schemas declare, in order of declaration.

    Columns of one table that refer to *different* columns of one parent form one composite
    relation, with the flags of all of them. A column that refers to a parent column that the
    relation has already starts a new one, so ``origin`` and ``dest`` that both refer to
    ``airports.faa`` are two relations; columns of one composite key therefore stand together.

    A group of a MULTI schema is the table ``<file>.<group>``, and a ``foreign_key`` in it that
    names a group of the same schema means that table.

    Args:
        schemas: Schema classes (or instances), in a list or as the values of a mapping.

    Warns:
        DeprecationWarning: A schema uses the legacy ``_DATATYPES``.

    Raises:
        SchemaError: A schema is declared wrongly.

    Example:
        >>> from algomancy_data import Column, DataType, Schema
        >>> class Flights(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "flights", "csv", "single"
        ...     ORIGIN = Column("origin", DataType.STRING, foreign_key=("airports", "faa"))
        ...     DEST = Column("dest", DataType.STRING, foreign_key=("airports", "faa"))
        >>> [relation.child_cols for relation in resolve_relations_from_schemas([Flights])]
        [('origin',), ('dest',)]
    """
    return [
        relation
        for schema in schema_classes(schemas)
        for table, table_schema in schema_table_map([schema]).items()
        for relation in _relations_of(
            table,
            table_schema.columns().values(),
            prefix="" if schema.is_single() else f"{schema.file_name()}.",
            siblings=() if schema.is_single() else schema.sub_names(),
        )
    ]


def merge_relations(base: Sequence[Relation], override: Sequence[Relation]) -> list[Relation]:
    """Return ``base`` with the relations of ``override``.

    A relation with the key of one in ``base`` takes its place; the others follow at the end.

    Example:
        >>> declared = [Relation("flights", ("tail",), "planes", ("tail",))]
        >>> strict = Relation("flights", ("tail",), "planes", ("tail",), parent_requires_child=True)
        >>> merge_relations(declared, [strict]) == [strict]
        True
    """
    merged = {relation.key: relation for relation in base}
    merged |= {relation.key: relation for relation in override}
    return list(merged.values())


@dataclass
class _Draft:
    """A relation that further columns of the same table may still join."""

    parent_table: str
    columns: list[Column] = field(default_factory=list)
    parent_cols: list[str] = field(default_factory=list)


def _relations_of(
    table: str, columns: Iterable[Column], *, prefix: str, siblings: Iterable[str]
) -> list[Relation]:
    drafts: list[_Draft] = []
    open_drafts: dict[str, _Draft] = {}
    groups = set(siblings)
    for column in columns:
        if column.foreign_key is None:
            continue
        parent, parent_col = column.foreign_key
        parent_table = prefix + parent if parent in groups else parent
        draft = open_drafts.get(parent_table)
        if draft is None or parent_col in draft.parent_cols:
            draft = open_drafts[parent_table] = _Draft(parent_table)
            drafts.append(draft)
        draft.columns.append(column)
        draft.parent_cols.append(parent_col)
    return [
        Relation(
            child_table=table,
            child_cols=tuple(column.name for column in draft.columns),
            parent_table=draft.parent_table,
            parent_cols=tuple(draft.parent_cols),
            parent_requires_child=any(column.parent_requires_child for column in draft.columns),
            track_partial_loss=any(column.track_partial_loss for column in draft.columns),
        )
        for draft in drafts
    ]


@dataclass(frozen=True)
class DeclaredKeys:
    """The keys of which a table may have each once.

    Args:
        primary: The primary key of each table that has one.
        unique: The columns of each table that are declared unique by themselves.
        parents: The tables that each table refers to, with the key there.

    Example:
        >>> from algomancy_data import Column, DataType, Schema
        >>> class Orders(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "csv", "single"
        ...     ID = Column("id", DataType.INTEGER, primary_key=True)
        ...     CODE = Column("code", DataType.STRING, unique=True)
        >>> DeclaredKeys.of([Orders]).of_table("orders", ["id", "code"])
        [('id',), ('code',)]
    """

    primary: Mapping[str, Key] = field(default_factory=dict[str, Key])
    unique: Mapping[str, tuple[Key, ...]] = field(default_factory=dict[str, tuple[Key, ...]])
    parents: Mapping[str, tuple[tuple[str, Key], ...]] = field(
        default_factory=dict[str, tuple[tuple[str, Key], ...]]
    )

    @classmethod
    def of(cls, schemas: Schemas) -> Self:
        """Return the keys that schemas declare.

        Raises:
            SchemaError: A schema is declared wrongly.
        """
        tables = schema_table_map(schemas)
        primary = {name: key for name, schema in tables.items() if (key := schema.primary_key())}
        unique = {
            name: tuple(
                (column,)
                for column, declared in schema.columns().items()
                if declared.unique and primary.get(name) != (column,)
            )
            for name, schema in tables.items()
        }
        parents: dict[str, tuple[tuple[str, Key], ...]] = {}
        for relation in resolve_relations_from_schemas(schemas):
            parent = (relation.parent_table, relation.parent_cols)
            child = relation.child_table
            parents[child] = (*parents.get(child, ()), parent)
        return cls(primary, unique, parents)

    def with_unique(self, more: Mapping[str, Sequence[Key]]) -> Self:
        """Return the same with some more keys, by table.

        Example:
            >>> DeclaredKeys({"t": ("id",)}).with_unique({"t": [("id",), ("code",)]}).by_table
            {'t': [('id',), ('code',)]}
        """
        added = {
            table: tuple(key for key in keys if key not in self._of(table))
            for table, keys in more.items()
        }
        if not any(added.values()):
            return self
        unique = {
            table: (*self.unique.get(table, ()), *added.get(table, ()))
            for table in dict.fromkeys([*self.unique, *added])
        }
        return replace(self, unique=unique)

    @property
    def by_table(self) -> dict[str, list[Key]]:
        """The keys of each table, the primary one first."""
        tables = dict.fromkeys([*self.primary, *self.unique])
        return {table: self._of(table) for table in tables}

    def of_table(self, table: str, columns: Iterable[str]) -> list[Key]:
        """Return the keys of a table, without those of which it lacks a column."""
        have = set(columns)
        return [key for key in self._of(table) if have.issuperset(key)]

    def _of(self, table: str) -> list[Key]:
        primary = [self.primary[table]] if table in self.primary else []
        return [*primary, *self.unique.get(table, ())]
