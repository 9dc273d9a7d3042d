from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.validator import (
    ForeignKeyValidator,
    MissingValueValidator,
    SchemaValidator,
    UniqueValueValidator,
    ValidationSeverity,
)

WARNING, ERROR = ValidationSeverity.WARNING, ValidationSeverity.ERROR
FRAME = pl.DataFrame({"a": [1, 2, 1, None, None], "b": ["x", "y", None, "z", "y"]})


def found(messages):
    return [(m.code, m.column, m.row) for m in messages]


def test_every_repeated_value_is_reported_by_column_and_nulls_are_not_compared():
    messages = UniqueValueValidator("t", ["a", "b"], WARNING).validate({"t": FRAME})
    assert found(messages) == [
        ("DUPLICATE_VALUE", "a", 0),
        ("DUPLICATE_VALUE", "a", 2),
        ("DUPLICATE_VALUE", "b", 1),
        ("DUPLICATE_VALUE", "b", 4),
    ]
    assert {(m.severity, m.table) for m in messages} == {(WARNING, "t")}
    assert messages[0].message == "Value is not unique: a=1"


def test_every_null_is_reported_by_cell():
    messages = MissingValueValidator("t", ["a", "b"], WARNING).validate({"t": FRAME})
    assert found(messages) == [
        ("NULL_VALUE", "a", 3),
        ("NULL_VALUE", "a", 4),
        ("NULL_VALUE", "b", 2),
    ]
    assert {(m.severity, m.table) for m in messages} == {(WARNING, "t")}


def test_nan_is_a_value():
    frame = pl.DataFrame({"a": [float("nan"), None]})
    assert found(MissingValueValidator("t", ["a"]).validate({"t": frame})) == [
        ("NULL_VALUE", "a", 1)
    ]


@pytest.mark.parametrize("kind", [UniqueValueValidator, MissingValueValidator])
def test_what_is_named_but_absent_is_reported_and_the_rest_is_checked(kind):
    [message] = kind("u", ["a"], WARNING).validate({"t": FRAME})
    assert (message.code, message.severity, message.table) == ("TABLE_NOT_FOUND", WARNING, "u")
    first, *rest = kind("t", ["gone", "a"], WARNING).validate({"t": FRAME})
    assert (first.code, first.severity, first.column) == ("COLUMN_NOT_FOUND", WARNING, "gone")
    assert len(rest) == 2


@pytest.mark.parametrize("kind", [UniqueValueValidator, MissingValueValidator])
def test_one_column_may_be_named_without_a_list_and_twice(kind):
    expected = kind("t", ["a"]).validate({"t": FRAME})
    assert kind("t", "a").validate({"t": FRAME}) == expected
    assert kind("t", ["a", "a"]).validate({"t": FRAME}) == expected


@pytest.mark.parametrize(
    "validator",
    [
        UniqueValueValidator("t", ["a"]),
        MissingValueValidator("t", ["a"]),
        ForeignKeyValidator("t", "a", "t", "b"),
        SchemaValidator(),
    ],
    ids=lambda validator: type(validator).__name__,
)
def test_the_severity_may_be_set(validator):
    assert validator.severity is ERROR
    validator.severity = WARNING
    assert {message.severity for message in validator.validate({"t": FRAME})} == {WARNING}
