"""What tells two declarations of a schema apart."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from algomancy_data.schema.declaration import Schema


def schema_fingerprint(schema: type[Schema]) -> str:
    """Return a SHA-256 over everything that a schema declares, but not over its class's name.

    Args:
        schema: The schema, SINGLE or MULTI.

    Raises:
        SchemaError: It is declared wrongly.

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
    columns: Any
    if schema.is_legacy():
        columns = schema.datatypes() if schema.is_single() else schema.datatype_groups()
    elif schema.is_single():
        columns = [asdict(column) for column in schema.columns().values()]
    else:
        columns = [asdict(group) for group in schema.declared_groups().values()]
    document = {
        "file": schema.file_name(),
        "extension": str(schema.extension()),
        "type": str(schema.schema_type()),
        "csv": asdict(schema.csv_dialect()),
        "columns": columns,
    }
    text = json.dumps(document, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()
