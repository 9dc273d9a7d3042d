from __future__ import annotations

import polars as pl

from algomancy_data.schema import Column, ColumnGroup, DataType, Schema
from algomancy_data.validator import (
    ConstraintValidator,
    ValidationSeverity,
)

WARNING, ERROR = ValidationSeverity.WARNING, ValidationSeverity.ERROR


FRAME = pl.DataFrame({"a": [1, 2, 1, None, None], "b": ["x", "y", None, "z", "y"]})


def found(messages):
    return [(m.code, m.column, m.row) for m in messages]


def constrained(*columns):
    members = {f"C{number}": column for number, column in enumerate(columns)}
    members |= {"_FILENAME": "t", "_EXTENSION": "csv", "_SCHEMA_TYPE": "single"}
    return ConstraintValidator([type("Table", (Schema,), members)])


def test_nulls_are_allowed_only_where_the_column_says_so():
    check = constrained(Column("a", DataType.INTEGER), Column("b", DataType.STRING, nullable=True))
    assert found(check.validate({"t": FRAME})) == [("NULL_VALUE", "a", 3), ("NULL_VALUE", "a", 4)]


def test_an_optional_column_may_hold_nulls_or_be_absent():
    check = constrained(
        Column("a", DataType.INTEGER, optional=True),
        Column("b", DataType.STRING, nullable=True),
        Column("c", DataType.STRING, optional=True, unique=True),
    )
    assert check.validate({"t": FRAME}) == []


def test_unique_columns_are_checked_and_nulls_are_not_compared():
    check = constrained(
        Column("a", DataType.INTEGER, unique=True, nullable=True),
        Column("b", DataType.STRING, nullable=True),
    )
    assert found(check.validate({"t": FRAME})) == [
        ("DUPLICATE_VALUE", "a", 0),
        ("DUPLICATE_VALUE", "a", 2),
    ]


def test_a_primary_key_is_left_to_its_own_validator():
    check = constrained(Column("a", DataType.INTEGER, primary_key=True, unique=True))
    assert check.validate({"t": FRAME}) == []


def test_a_unique_part_of_a_composite_key_is_checked_by_itself():
    check = constrained(
        Column("a", DataType.INTEGER, primary_key=True, unique=True),
        Column("b", DataType.STRING, primary_key=True),
    )
    assert {code for code, _, _ in found(check.validate({"t": FRAME}))} == {"DUPLICATE_VALUE"}


def test_what_is_absent_or_undeclared_is_not_the_business_of_constraints():
    check = constrained(Column("gone", DataType.INTEGER, unique=True))
    assert check.validate({"t": FRAME}) == []
    assert check.validate({"other": FRAME}) == []
    assert check.validate({}) == []


def test_groups_of_a_multi_schema_are_constrained_too():
    class Orders(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "json", "multi"
        HEAD = ColumnGroup("head", [Column("a", DataType.INTEGER)])

    messages = ConstraintValidator({"orders": Orders}, WARNING).validate({"orders.head": FRAME})
    assert {(m.code, m.table, m.severity) for m in messages} == {
        ("NULL_VALUE", "orders.head", WARNING)
    }
