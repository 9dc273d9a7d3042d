from __future__ import annotations

import pytest

from algomancy_data import OptionalColumnGuard, PrimaryKeyValidator
from algomancy_data.schema import Column, ColumnGroup, DataType, Schema
from algomancy_data.schema.table_names import schema_table_map


class Flights(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "flights", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "json", "multi"
    HEAD = ColumnGroup("head", [Column("id", DataType.INTEGER, primary_key=True)])
    LINES = ColumnGroup("lines", [Column("order", DataType.INTEGER)], source_path=("lines",))


class LegacyMulti(Schema):
    _FILENAME = "legacy"
    _EXTENSION = "xlsx"
    _SCHEMA_TYPE = "multi"
    _DATATYPES = {"a": {"id": DataType.INTEGER}, "b": {"x": DataType.FLOAT}}  # noqa: RUF012  as users wrote it


def test_the_table_map_names_every_table_of_every_kind_of_schema():
    assert list(schema_table_map([Flights, Orders, LegacyMulti])) == [
        "flights",
        "orders.head",
        "orders.lines",
        "legacy.a",
        "legacy.b",
    ]
    assert schema_table_map([Flights])["flights"] is Flights
    assert schema_table_map([Flights()])["flights"] is Flights
    assert schema_table_map([Orders])["orders.head"].primary_key() == ("id",)
    assert schema_table_map([]) == {}


def test_the_table_map_takes_a_mapping_and_a_generator():
    by_file = {"flights": Flights, "orders": Orders}
    assert list(schema_table_map(by_file)) == ["flights", "orders.head", "orders.lines"]
    assert list(schema_table_map(schema for schema in [Flights])) == ["flights"]


@pytest.mark.parametrize("given", [Flights, "flights", ["flights"], 3, [None]], ids=str)
def test_what_is_no_list_of_schemas_is_a_type_error_that_shows_it(given):
    for make in (schema_table_map, PrimaryKeyValidator, OptionalColumnGuard):
        with pytest.raises(TypeError, match="a list of Schema classes, such as"):
            make(given)


def test_of_two_schemas_for_one_table_the_later_one_counts():
    later = type("Later", (Flights,), {})
    assert schema_table_map([Flights, later]) == {"flights": later}
