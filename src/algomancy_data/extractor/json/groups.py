"""The tables that a MULTI schema declares inside a JSON document, and the keys between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from algomancy_data.errors import InvalidSchemaError, SchemaKindError
from algomancy_data.schema import DataType
from algomancy_data.schema.tables import table_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from algomancy_data.extractor.json.plan import Path
    from algomancy_data.schema import Column, ColumnGroup, Schema

_TEXTS = (DataType.STRING, DataType.CATEGORICAL)


@dataclass(frozen=True)
class Key:
    """A column that repeats the key of the record around.

    Args:
        name: Name of the column.
        table: The table that has the key: one around this one.
        column: The key's column there.
    """

    name: str
    table: str
    column: str


@dataclass(frozen=True)
class Group:
    """A declared table.

    Args:
        name: Its name.
        path: The keys that lead to its records.
        parent: Name of the nearest table around it; None for the root.
        steps: The keys that lead from a record of the parent to the records.
        keys: The columns that come from records around.
    """

    name: str
    path: Path
    parent: str | None
    steps: Path
    keys: tuple[Key, ...]


def text_columns(types: dict[str, DataType]) -> frozenset[str]:
    """Return the names of the columns whose values are text."""
    return frozenset(name for name, dtype in types.items() if dtype in _TEXTS)


def integer_columns(types: dict[str, DataType]) -> frozenset[str]:
    """Return the names of the columns whose values are whole numbers."""
    return frozenset(name for name, dtype in types.items() if dtype is DataType.INTEGER)


def resolve_groups(schema: type[Schema]) -> list[Group]:
    """Return the tables of a MULTI schema, each behind the ones around it.

    Raises:
        SchemaKindError: The schema is SINGLE.
        InvalidSchemaError: There is not exactly one root, or a key refers to a column that the
            table around does not declare (also an ``AssertionError``).
    """
    if not schema.is_multi():
        raise SchemaKindError.from_call(
            schema.__name__, "column_groups", needs="MULTI", other="a JSONSingleExtractor"
        )
    declared = list(schema.declared_groups().values())
    for group in declared:
        if isinstance(group.source_path, str):
            problem = (
                f"the source_path of group {group.name!r} must be a tuple, "
                f"such as ({group.source_path!r},)."
            )
            raise InvalidSchemaError.from_problem(schema.__name__, problem)
    roots = [group.name for group in declared if not group.source_path]
    if len(roots) != 1:
        problem = (
            f"a JSON document needs exactly one ColumnGroup with source_path=() for its records; "
            f"there are {len(roots)}{': ' if roots else ''}{', '.join(map(repr, roots))}."
        )
        raise InvalidSchemaError.from_problem(schema.__name__, problem)
    declared.sort(key=lambda group: len(group.source_path))
    return [_resolve(schema, group, declared[:position]) for position, group in enumerate(declared)]


def _resolve(schema: type[Schema], group: ColumnGroup, before: list[ColumnGroup]) -> Group:
    path = tuple(group.source_path)
    around = [other for other in reversed(before) if _leads_to(other, path)]
    parent = around[0] if around else None
    steps = path[len(parent.source_path) :] if parent else path
    keys = _keys(schema, group, around)
    return Group(group.name, path, parent.name if parent else None, steps, tuple(keys))


def _leads_to(other: ColumnGroup, path: Path) -> bool:
    length = len(other.source_path)
    return length < len(path) and path[:length] == tuple(other.source_path)


def _keys(schema: type[Schema], group: ColumnGroup, around: list[ColumnGroup]) -> Iterable[Key]:
    """Give the columns that refer to a table around: by its name, or by that of the file."""
    file_name = schema.file_name()
    groups = schema.declared_groups()
    for column in group.columns:
        if column.foreign_key is None:
            continue
        table, wanted = column.foreign_key
        named = [
            other for other in around if table in {other.name, table_name(file_name, other.name)}
        ]
        if not named and table == file_name and table not in groups:
            named = around
        if not named:
            continue
        owner = next((other for other in named if _has(other.columns, wanted)), None)
        if owner is None:
            problem = (
                f"column {column.name!r} of group {group.name!r} has the foreign_key "
                f"{column.foreign_key!r}, but {table!r} declares no column {wanted!r}."
            )
            raise InvalidSchemaError.from_problem(schema.__name__, problem)
        yield Key(column.name, owner.name, wanted)


def _has(columns: Iterable[Column], name: str) -> bool:
    return any(column.name == name for column in columns)
