from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.schema import Column, ColumnGroup, DataType, Schema
from algomancy_data.validator import PrimaryKeyValidator, ValidationSeverity

ERROR, WARNING = ValidationSeverity.ERROR, ValidationSeverity.WARNING


def schema(*key, name="t"):
    members = {column: Column(column, DataType.STRING, primary_key=True) for column in key}
    members |= {"x": Column("x", DataType.STRING)}
    members |= {"_FILENAME": name, "_EXTENSION": "csv", "_SCHEMA_TYPE": "single"}
    return type("Table", (Schema,), members)


def check(key, frame, severity=ERROR):
    return PrimaryKeyValidator([schema(*key)], severity).validate({"t": pl.DataFrame(frame)})


def located(messages):
    return [(message.code, message.row) for message in messages]


def test_a_unique_key_is_silent():
    assert check(["a"], {"a": ["x", "y"]}) == []
    assert check(["a", "b"], {"a": [1, 1], "b": [1, 2]}) == []


def test_every_member_of_a_duplicate_group_is_reported():
    messages = check(["a"], {"a": ["x", "y", "x", "z", "x"]}, WARNING)
    assert located(messages) == [("PK_DUPLICATE", 0), ("PK_DUPLICATE", 2), ("PK_DUPLICATE", 4)]
    assert {(m.severity, m.table, m.column) for m in messages} == {(WARNING, "t", "a")}
    assert messages[0].message == "Primary key is not unique: a='x'"


def test_a_composite_key_is_judged_as_a_whole():
    messages = check(["a", "b"], {"a": [1, 1, 2, 1], "b": ["x", "y", "x", "x"]})
    assert located(messages) == [("PK_DUPLICATE", 0), ("PK_DUPLICATE", 3)]
    assert messages[0].column == "a,b"
    assert messages[0].message.endswith("a=1, b='x'")


def test_rows_with_a_null_in_the_key_are_reported_as_such_and_are_no_duplicates():
    messages = check(["a", "b"], {"a": [1, 1, None, None], "b": ["x", None, "x", "x"]})
    assert located(messages) == [("PK_NULL", 1), ("PK_NULL", 2), ("PK_NULL", 3)]
    assert messages[0].message == "Primary key has no value: a=1, b=None"


def test_a_null_does_not_hide_the_duplicates_of_other_rows():
    assert located(check(["a"], {"a": ["x", None, "x"]})) == [
        ("PK_NULL", 1),
        ("PK_DUPLICATE", 0),
        ("PK_DUPLICATE", 2),
    ]


def test_an_absent_key_column_is_reported_instead():
    [message] = check(["a", "b"], {"a": ["x", "x"]})
    assert (message.code, message.table, message.column, message.row) == (
        "MISSING_PK_COLUMN",
        "t",
        "a,b",
        None,
    )
    assert "'b'" in message.message


def test_absent_tables_and_schemas_without_a_key_are_left_out():
    assert PrimaryKeyValidator([schema("a")]).validate({}) == []
    assert PrimaryKeyValidator([schema()]).validate({"t": pl.DataFrame({"x": [1, 1]})}) == []


def test_groups_of_a_multi_schema_have_keys_of_their_own():
    class Orders(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "json", "multi"
        HEAD = ColumnGroup("head", [Column("id", DataType.INTEGER, primary_key=True)])

    [first, _] = PrimaryKeyValidator([Orders]).validate(
        {"orders.head": pl.DataFrame({"id": [1, 1]})}
    )
    assert first.table == "orders.head"


def test_nan_equals_nan_and_zero_equals_minus_zero():
    nan = float("nan")
    assert [row for _, row in located(check(["a"], {"a": [nan, 1.0, nan]}))] == [0, 2]
    assert [row for _, row in located(check(["a"], {"a": [0.0, 1.0, -0.0]}))] == [0, 2]


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["a", "b"])])
def test_categories_are_compared_by_their_text(dtype):
    frame = {"a": pl.Series(["a", "b", "a"], dtype=dtype)}
    assert [row for _, row in located(check(["a"], frame))] == [0, 2]


def test_a_duplicate_beyond_the_first_rows_is_found_in_an_otherwise_increasing_key():
    values = [*range(5000), 4999]
    assert [row for _, row in located(check(["a"], {"a": values}))] == [4999, 5000]
    frame = {"a": [value // 10 for value in values], "b": [value % 10 for value in values]}
    assert [row for _, row in located(check(["a", "b"], frame))] == [4999, 5000]


def test_key_columns_may_be_named_like_the_numbers_used_inside():
    frame = {"1": [1, 1], "row": [2, 2], "rows": [3, 3]}
    assert len(check(["1", "row", "rows"], frame)) == 2
