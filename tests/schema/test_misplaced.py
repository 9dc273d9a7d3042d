"""Attributes of a schema that would silently be ignored."""

from __future__ import annotations

import pytest

from algomancy_data import Column, ColumnGroup, CSVDialect, DataType, ReadLimits, Schema
from algomancy_data.errors import InvalidSchemaError, SchemaNotDeclaredError

ID = Column("id", DataType.INTEGER)
DIALECT = CSVDialect(separator=";")


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "csv", "single"
    ID = ID


class Shop(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "shop", "json", "multi"
    ORDERS = ColumnGroup("orders", [ID])


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("_CVS", DIALECT, "'_CSV'"),
        ("_csv", DIALECT, "'_CSV'"),
        ("_SHEETS", "June", "'_SHEET'"),
        ("_READLIMIT", None, "'_READ_LIMITS'"),
        ("_SQLKEYS", "index", "'_SQL_KEYS'"),
        ("_EXTRA_COLUMN", "drop", "'_EXTRA_COLUMNS'"),
        ("_MISING_COLUMNS", "null", "'_MISSING_COLUMNS'"),
        ("_PRIMARY_KEYS", ("id",), "primary_key=True"),
        ("_FOREIGN_KEY", ("a", "id"), "foreign_key="),
        ("DIALECT", DIALECT, "_CSV only"),
        ("LIMITS", ReadLimits(), "_READ_LIMITS only"),
        ("NAME", (Column("name", DataType.STRING),), "comma"),
        ("LINES", ColumnGroup("lines", [ID]), "MULTI"),
    ],
)
def test_an_attribute_that_would_be_ignored_is_refused_with_what_is_meant(name, value, meant):
    schema = type("More", (Orders,), {name: value})
    with pytest.raises(InvalidSchemaError, match=f"More.*{name}.*{meant}"):
        schema.columns()


def test_a_column_outside_of_the_groups_is_refused():
    schema = type("More", (Shop,), {"NAME": Column("name", DataType.STRING)})
    with pytest.raises(InvalidSchemaError, match="NAME is a Column outside of all groups"):
        schema.column_groups()


@pytest.mark.parametrize("annotation", [ID, 'Column("id", DataType.INTEGER)'])
def test_a_column_that_is_an_annotation_is_refused(annotation):
    schema = type("More", (Orders,), {"__annotations__": {"NAME": annotation}})
    with pytest.raises(InvalidSchemaError, match="NAME is annotated with its column"):
        schema.columns()


def test_attributes_of_ones_own_stay():
    class Own(Orders):
        _UNITS: tuple[str, ...] = ("kg", "m")
        NAME: Column = Column("name", DataType.STRING)
        _KEYS = ("id",)
        _COLUMNS = (ID,)
        _SHEET, _SHEETS = 0, ("June", "July")
        FIRST = (Orders.ID,)
        _COMMA = DIALECT
        _CSV = _COMMA

        def _sheet(self) -> None: ...

    class Grouped(Shop):
        KEY = ID

    assert list(Own.columns()) == ["id", "name"]
    assert list(Grouped.column_groups()) == ["orders"]


def test_what_a_derived_schema_takes_away_is_not_looked_at():
    class Wrong(Orders):
        LINES = ColumnGroup("lines", [ID])

    class Right(Wrong):
        LINES = None

    assert list(Right.columns()) == ["id"]


def test_a_missing_setting_is_named_with_the_misspelt_one():
    schema = type("Odd", (Schema,), {"_FILE_NAME": "odd", "_SCHEMA_TYPE": "single", "ID": ID})
    with pytest.raises(SchemaNotDeclaredError, match=r"Add _FILENAME = .*in place of _FILE_NAME"):
        schema.file_name()
