"""The tables that schemas declare, under the logical names that frames have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias, cast

from algomancy_data.errors import ETLConstructionError, NoSchemaListError

if TYPE_CHECKING:
    from algomancy_data.schema.declaration import Schema

Schemas: TypeAlias = (
    "Iterable[type[Schema]] | Iterable[Schema] | Mapping[str, type[Schema]] | Mapping[str, Schema]"
)
"""Schemas as callers hold them: in a list, or by file name as a factory gets them."""


def table_name(file: str, group: str) -> str:
    """Return the logical name of the table of a column group."""
    return f"{file}.{group}"


def group_name(table: str, file: str) -> str:
    """Return the name of a table's column group: the part after the file's name."""
    return table.removeprefix(table_name(file, ""))


class SchemaTables(dict[str, "type[Schema]"]):
    """The result of :func:`schema_table_map`, which returns it as it is when given it again."""


def schema_table_map(schemas: Schemas) -> dict[str, type[Schema]]:
    """Return the SINGLE schema of each declared table by its logical name.

    A SINGLE schema is the table ``<file>``; each group of a MULTI schema is the table
    ``<file>.<group>`` with the group as a schema of its own. Of two schemas for one table the
    later one counts.

    Args:
        schemas: Schema classes (or instances), in a list or as the values of a mapping.

    Raises:
        SchemaError: A schema lacks a declaration that this needs.

    Example:
        >>> from algomancy_data import Column, ColumnGroup, DataType, Schema
        >>> class Orders(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "json", "multi"
        ...     HEAD = ColumnGroup("head", [Column("id", DataType.INTEGER)])
        ...     LINE = ColumnGroup("line", [Column("order", DataType.INTEGER)], ("lines",))
        >>> list(schema_table_map([Orders]))
        ['orders.head', 'orders.line']
    """
    if isinstance(schemas, SchemaTables):
        return schemas
    tables = SchemaTables()
    for schema in schema_classes(schemas):
        if schema.is_single():
            tables[schema.file_name()] = schema
        else:
            tables |= {
                table_name(schema.file_name(), group): schema.get_subschema(group)
                for group in schema.sub_names()
            }
    return tables


def schema_classes(schemas: Schemas) -> list[type[Schema]]:
    """Return the schema classes in order, however they were passed.

    Raises:
        NoSchemaListError: They are not several, or one of them is no schema.
    """
    given = cast("object", schemas.values() if isinstance(schemas, Mapping) else schemas)
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise NoSchemaListError.from_given(schemas)
    classes: list[type[Schema]] = []
    for member in cast("Iterable[object]", given):
        schema = member if isinstance(member, type) else type(member)
        if not hasattr(schema, "schema_type"):
            raise NoSchemaListError.from_given(schemas)
        classes.append(cast("type[Schema]", schema))
    return classes


def schemas_by_file(schemas: Schemas) -> dict[str, type[Schema]]:
    """Return the schemas by the names of their files, in order.

    Raises:
        ETLConstructionError: Two are about the same file.
        NoSchemaListError: They are not several, or one of them is no schema.
    """
    by_name: dict[str, type[Schema]] = {}
    for schema in schema_classes(schemas):
        name = schema.file_name()
        if name in by_name:
            msg = (
                f"Two schemas declare _FILENAME = {name!r}: {by_name[name].__name__} and "
                f"{schema.__name__}."
            )
            raise ETLConstructionError(msg)
        by_name[name] = schema
    return by_name
