"""Schemas: what a user declares about the files and tables of a dataset."""

from algomancy_data.schema.column import Column, ColumnGroup
from algomancy_data.schema.csv_dialect import CSVDialect
from algomancy_data.schema.declaration import Schema
from algomancy_data.schema.kinds import DataType, FileExtension, SchemaType
from algomancy_data.schema.read_limits import ReadLimits
from algomancy_data.schema.row_rules import rule
from algomancy_data.schema.rules import Rule

__all__ = [
    "CSVDialect",
    "Column",
    "ColumnGroup",
    "DataType",
    "FileExtension",
    "ReadLimits",
    "Rule",
    "Schema",
    "SchemaType",
    "rule",
]
