"""What tells two declarations of a schema apart."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from inspect import getattr_static
from typing import TYPE_CHECKING, Any

from algomancy_data.errors import SchemaError
from algomancy_data.schema.column import Column, ColumnGroup

if TYPE_CHECKING:
    from algomancy_data.schema.declaration import Schema


def schema_fingerprint(schema: type[Schema]) -> str:
    """Return a SHA-256 over everything that a schema declares, but not over its class's name.

    A schema that is declared wrongly has one too: a factory may never look at it.

    Args:
        schema: The schema, SINGLE or MULTI.

    Example:
        >>> from algomancy_data import Column, DataType, Schema
        >>> class Old(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
        ...     ID = Column("id", DataType.INTEGER)
        >>> class New(Old):
        ...     NAME = Column("name", DataType.STRING)
        >>> schema_fingerprint(Old) == schema_fingerprint(New)
        False
    """
    try:
        document = _declared(schema)
    except SchemaError:
        document = _as_it_stands(schema)
    text = json.dumps(document, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def _declared(schema: type[Schema]) -> dict[str, Any]:
    columns: Any
    if schema.is_legacy():
        columns = schema.datatypes() if schema.is_single() else schema.datatype_groups()
    elif schema.is_single():
        columns = [asdict(column) for column in schema.columns().values()]
    else:
        columns = [asdict(group) for group in schema.declared_groups().values()]
    return {
        "file": schema.file_name(),
        "extension": str(schema.extension()),
        "type": str(schema.schema_type()),
        "csv": asdict(schema.csv_dialect()),
        "columns": columns,
    }


def _as_it_stands(schema: type[Schema]) -> dict[str, Any]:
    """Return what a schema that is declared wrongly says: its settings, columns and groups."""
    members = {name: getattr_static(schema, name) for name in sorted(dir(schema))}
    return {
        name: value
        for name, value in members.items()
        if isinstance(value, Column | ColumnGroup) or (name[0] == "_" and name[1:].isupper())
    }
