"""Fingerprints of schemas, which differ if their declarations do."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from inspect import getattr_static
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.errors import SchemaError
from algomancy_data.schema.column import Column, ColumnGroup
from algomancy_data.schema.column_rules import RuleDeclarationError, column_checks
from algomancy_data.schema.row_rules import DeclaredRule

if TYPE_CHECKING:
    from algomancy_data.schema.declaration import Schema

_NO_RULES: Final = {field.name: field.default for field in fields(Column) if field.kw_only}


def schema_fingerprint(schema: type[Schema]) -> str:
    """Return a SHA-256 over everything that a schema declares, but not its class's name.

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
        if schema.declared_rules():
            schema.validate()
        document = _declared(schema)
    except SchemaError:
        document = _as_it_stands(schema)
    text = json.dumps(document, default=_described)
    return hashlib.sha256(text.encode()).hexdigest()


def _declared(schema: type[Schema]) -> dict[str, Any]:
    columns: Any
    if schema.is_legacy():
        columns = schema.datatypes() if schema.is_single() else schema.datatype_groups()
    elif schema.is_single():
        columns = list(schema.columns().values())
    else:
        columns = list(schema.declared_groups().values())
    rules = schema.declared_rules()
    # Without what is not set: earlier versions did not know it.
    evolution = {
        name: setting
        for name, setting, usual in (
            ("extra_columns", schema.extra_columns(), "keep"),
            ("missing_columns", schema.missing_columns(), "error"),
        )
        if setting != usual
    }
    return (
        evolution
        | {
            "file": schema.file_name(),
            "extension": str(schema.extension()),
            "type": str(schema.schema_type()),
            "csv": asdict(schema.csv_dialect()),
            "columns": columns,
        }
        | ({"rules": {name: _of_rule(schema, one) for name, one in rules.items()}} if rules else {})
    )


def _as_it_stands(schema: type[Schema]) -> dict[str, Any]:
    """Return the settings, columns and groups of a wrongly declared schema."""
    members = {name: getattr_static(schema, name) for name in sorted(dir(schema))}
    return {
        name: value
        for name, value in members.items()
        if isinstance(value, Column | ColumnGroup | DeclaredRule)
        or (name[0] == "_" and name[1:].isupper())
    }


def _of_rule(schema: type[Schema], declared: DeclaredRule) -> dict[str, Any]:
    return {**vars(declared), "method": declared.method(schema)}


def _described(value: object) -> object:
    """Return a JSON value for one that JSON does not know, the same in every process."""
    match value:
        case Column():
            # What would say something of rules is left out where there are none.
            said = {
                name: given
                for name, given in vars(value).items()
                if name not in _NO_RULES or given is not _NO_RULES[name]
            }
            return said if value.check is None else said | _checks(value)
        case ColumnGroup() | DeclaredRule():
            return vars(value)
        case pl.Expr():
            return _of_expression(value)
        case FunctionType():
            return value.__qualname__
        case _:
            return repr(value)


def _checks(column: Column) -> dict[str, Any]:
    try:
        return {"check": column_checks(column)}
    except RuleDeclarationError:
        return {}


def _of_expression(expression: pl.Expr) -> str:
    try:
        return expression.meta.serialize(format="json")
    except PolarsError:  # it has Python code that cannot be written down
        return str(expression)
