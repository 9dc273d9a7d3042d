"""Schemas resolved: the checked columns of their tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import polars as pl

from algomancy_data.errors import InvalidSchemaError, SchemaNotDeclaredError
from algomancy_data.schema.column import Column, ColumnGroup
from algomancy_data.schema.column_rules import RuleDeclarationError, column_rules
from algomancy_data.schema.kinds import DataType, DeclaredType, column_type_of
from algomancy_data.schema.misplaced import misplaced

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from algomancy_data.schema.declaration import Schema
    from algomancy_data.schema.row_rules import DeclaredRule

_FOREIGN_KEY_PARTS: Final = 2
_HOME: Final = "algomancy_data.schema.declaration"
_Member = TypeVar("_Member")


@dataclass(frozen=True)
class Tables:
    """The tables of a schema.

    Args:
        columns: The columns by name, by group; the one table of a SINGLE schema is in group "".
        datatypes: Their declared types, likewise.
        subschemas: Each table of a MULTI schema as a schema of its own.
        is_legacy: Whether the deprecated ``_DATATYPES`` declares them.
        rules: The rules on rows, by name.
    """

    columns: Mapping[str, Mapping[str, Column]]
    datatypes: Mapping[str, Mapping[str, DeclaredType]]
    subschemas: Mapping[str, type[Schema]]
    is_legacy: bool
    rules: Mapping[str, DeclaredRule]


def resolve_columns(schema: type[Schema]) -> dict[str, dict[str, Column]]:
    """Return the columns of each group; those of a SINGLE schema are in group "".

    Raises:
        SchemaNotDeclaredError: No column, or no group, is declared.
        InvalidSchemaError: Two columns or groups have one name, a column contradicts itself, or an
            attribute declares nothing as it is written.
    """
    name, is_multi = schema.__name__, schema.is_multi()
    if problem := misplaced(_bodies(schema), is_multi=is_multi):
        raise InvalidSchemaError.from_problem(name, problem)
    if not declares(schema, ColumnGroup if is_multi else Column):
        return _legacy_columns(schema, is_multi=is_multi)
    if is_multi:
        return {
            group.name: _by_name(group.columns, f"group {group.name!r}", name)
            for group in resolve_groups(schema).values()
        }
    return {"": _by_name(members_of(schema, Column).values(), "the schema", name)}


def resolve_groups(schema: type[Schema]) -> dict[str, ColumnGroup]:
    """Return the declared groups by name.

    Raises:
        InvalidSchemaError: Two of them have one name.
    """
    groups: dict[str, ColumnGroup] = {}
    for group in members_of(schema, ColumnGroup).values():
        if group.name in groups:
            problem = f"two groups are named {group.name!r}."
            raise InvalidSchemaError.from_problem(schema.__name__, problem)
        groups[group.name] = group
    return groups


def members_of(schema: type[Schema], kind: type[_Member]) -> dict[str, _Member]:
    """Return the attributes of a kind, those of base classes first, in order of declaration."""
    members: dict[str, Any] = {}
    for base in reversed(schema.__mro__):
        for attribute, value in vars(base).items():
            if isinstance(value, kind) or attribute in members:
                members[attribute] = value
    return {name: value for name, value in members.items() if isinstance(value, kind)}


def _bodies(schema: type[Schema]) -> list[Mapping[str, Any]]:
    """Return the attributes of a schema, then of those that it is derived from."""
    base = next(one for one in schema.__mro__ if one.__module__ == _HOME)
    return [vars(one) for one in schema.__mro__[: schema.__mro__.index(base)]]


def declares(schema: type[Schema], kind: type[Column | ColumnGroup]) -> bool:
    """Tell whether a schema, or one of its base classes, has an attribute of a kind."""
    return any(isinstance(v, kind) for base in schema.__mro__ for v in vars(base).values())


def _by_name(columns: Iterable[Column], place: str, schema: str) -> dict[str, Column]:
    by_name: dict[str, Column] = {}
    for column in columns:
        if column.name in by_name:
            problem = f"two columns of {place} are named {column.name!r}."
            raise InvalidSchemaError.from_problem(schema, problem)
        if problem := _problem_of(column):
            raise InvalidSchemaError.from_problem(schema, problem)
        by_name[column.name] = column
    return by_name


def _problem_of(column: Column) -> str | None:
    name, dtype, foreign_key = column.name, cast("object", column.dtype), column.foreign_key
    if not isinstance(cast("object", name), str):
        return f"a column's name must be text, not {name!r}."
    if problem := _problem_of_type(dtype):
        return f"column {name!r} has the dtype {dtype!r}; {problem}"
    if foreign_key is not None and not _is_name_pair(foreign_key):
        return (
            f"column {name!r} has the foreign_key {foreign_key!r}; "
            f"it must be a pair (parent table, parent column)."
        )
    try:
        column_rules(column)
    except RuleDeclarationError as error:
        return str(error)
    return None


def _problem_of_type(dtype: object) -> str | None:
    """Return why nothing can be declared with a dtype, or None."""
    is_polars = isinstance(dtype, pl.DataType) or (
        isinstance(dtype, type) and issubclass(dtype, pl.DataType)
    )
    if not (is_polars or isinstance(dtype, DataType)):
        names = ", ".join(f"DataType.{member.name}" for member in DataType)
        return f"use one of {names}, or a Polars dtype such as pl.Date."
    try:
        column_type_of(cast("DeclaredType", dtype))
    except ValueError as error:
        return str(error)
    return None


def _is_name_pair(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(cast("tuple[object, ...]", value)) == _FOREIGN_KEY_PARTS
        and all(isinstance(part, str) for part in cast("tuple[object, ...]", value))
    )


def _legacy_columns(schema: type[Schema], *, is_multi: bool) -> dict[str, dict[str, Column]]:
    """Return the columns of the deprecated ``_DATATYPES``."""
    members = "ColumnGroup(...) attributes" if is_multi else "Column(...) attributes"
    declared: Any = getattr(schema, "_DATATYPES", None)
    if declared is None:
        raise SchemaNotDeclaredError.from_missing(schema.__name__, "any column", members)
    place = "_DATATYPES"
    if not is_multi:
        return {"": _legacy_table(schema, place, declared)}
    groups = _checked_dict(schema, place, declared, "dict")
    return {
        group: _legacy_table(schema, f"{place}[{group!r}]", columns)
        for group, columns in groups.items()
    }


def _legacy_table(schema: type[Schema], place: str, declared: object) -> dict[str, Column]:
    columns = _checked_dict(schema, place, declared, "dict of column types")
    for name, dtype in columns.items():
        if _problem_of_type(dtype):
            problem = f"{place}[{name!r}] is {dtype!r}, no DataType."
            raise InvalidSchemaError.from_problem(schema.__name__, problem)
    return {name: Column(name, dtype) for name, dtype in columns.items()}


def _checked_dict(
    schema: type[Schema], place: str, declared: object, wanted: str
) -> dict[str, Any]:
    if not isinstance(declared, dict):
        problem = f"{place} must be a {wanted}, not {declared!r}."
        raise InvalidSchemaError.from_problem(schema.__name__, problem)
    return cast("dict[str, Any]", declared)
