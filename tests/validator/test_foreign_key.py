from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

from algomancy_data.schema import Column, ColumnGroup, DataType, Schema
from algomancy_data.validator import ForeignKeyValidator, ValidationSeverity

WARNING, ERROR = ValidationSeverity.WARNING, ValidationSeverity.ERROR


def check(child, parent, left="c", right="p", severity=ERROR):
    data = {"child": pl.DataFrame(child), "parent": pl.DataFrame(parent)}
    return ForeignKeyValidator("child", left, "parent", right, severity).validate(data)


def found(messages):
    return [(m.code, m.table, m.column, m.row) for m in messages]


def test_keys_that_exist_are_silent_and_nulls_refer_to_nothing():
    assert check({"c": ["a", None, "a"]}, {"p": ["a", "b", None]}) == []


def test_each_row_with_an_unknown_key_is_reported():
    messages = check({"c": [5, 1, 5]}, {"p": [1]}, severity=WARNING)
    assert found(messages) == [
        ("FK_VIOLATION", "child", "c", 0),
        ("FK_VIOLATION", "child", "c", 2),
    ]
    assert {m.severity for m in messages} == {WARNING}
    assert messages[0].message == "Key is not in parent(p): c=5"


def test_a_composite_key_is_reported_with_its_columns_joined():
    [message] = check(
        {"a": [1, 1, None], "b": ["x", "y", "y"]},
        {"k": [1, 2], "l": ["x", "y"]},
        left=("a", "b"),
        right=["k", "l"],
    )
    assert (message.column, message.row) == ("a,b", 1)
    assert message.message == "Key is not in parent(k,l): a=1, b='y'"


def test_an_empty_parent_leaves_every_key_without_a_match():
    assert len(check({"c": [1, None, 2]}, {"p": pl.Series([], dtype=pl.Int64)})) == 2


def test_keys_of_types_without_a_common_value_are_explained_once_and_reported_by_row():
    messages = check({"c": [1, None, 2]}, {"p": ["1", "2"]})
    assert found(messages) == [
        ("FK_DTYPE_MISMATCH", "child", "c", None),
        ("FK_VIOLATION", "child", "c", 0),
        ("FK_VIOLATION", "child", "c", 2),
    ]
    assert "'c' is Int64 and 'p' is String" in messages[0].message


def test_types_do_not_matter_where_no_row_has_a_key():
    assert check({"c": pl.Series([], dtype=pl.Int64)}, {"p": ["1"]}) == []
    assert check({"c": [None, None]}, {"p": ["1"]}) == []


@pytest.mark.parametrize(
    ("left", "right", "key"),
    [("c", "p", "child.c->parent.p"), (["c", "d"], ["p", "q"], "child.c,d->parent.p,q")],
)
def test_every_message_names_the_key(left, right, key):
    child, parent = pl.DataFrame({"c": [2], "d": [2]}), pl.DataFrame({"p": [1], "q": [1]})
    check = ForeignKeyValidator("child", left, "parent", right)
    check.message_limit = 0
    for data in (
        {"child": child, "parent": parent},
        {"child": child, "parent": parent.cast(pl.String)},
        {"child": child},
        {"parent": parent},
        {"child": child, "parent": parent.select(z="p")},
    ):
        messages = check.validate(data)
        assert {message.key for message in messages} == {key}


def test_whole_numbers_and_texts_match_across_dtypes():
    assert check({"c": [1.0, 2.0]}, {"p": [1, 2]}) == []
    assert check({"c": pl.Series(["a"], dtype=pl.Categorical)}, {"p": ["a"]}) == []


def test_python_objects_have_no_match_but_do_not_crash():
    messages = check({"c": pl.Series([object()], dtype=pl.Object)}, {"p": ["1"]})
    assert [m.code for m in messages] == ["FK_DTYPE_MISMATCH", "FK_VIOLATION"]


def test_the_check_stops_at_the_first_missing_table_or_column():
    frame = pl.DataFrame({"x": [1]})
    validator = ForeignKeyValidator("child", ["a", "b"], "parent", ["k", "l"], WARNING)

    def missing(**data):
        [message] = validator.validate(data)
        assert message.severity == WARNING
        return message.code, message.table, message.column

    assert missing() == ("TABLE_NOT_FOUND", "child", None)
    assert missing(child=frame) == ("COLUMN_NOT_FOUND", "child", "a")
    complete = pl.DataFrame({"a": [1], "b": [1]})
    assert missing(child=complete) == ("TABLE_NOT_FOUND", "parent", None)
    assert missing(child=complete, parent=frame) == ("COLUMN_NOT_FOUND", "parent", "k")


@pytest.mark.parametrize(
    ("left", "right", "problem"),
    [
        (["a", "b"], ["k"], "same length"),
        ("ab", ["k", "l"], "same length"),
        ([], [], "at least one"),
        (["a", "a"], ["k", "l"], "once"),
        (["a", "b"], ["k", "k"], "once"),
    ],
)
def test_columns_that_cannot_be_paired_are_a_value_error(left, right, problem):
    with pytest.raises(ValueError, match=problem):
        ForeignKeyValidator("c", left, "p", right)


def test_a_table_may_refer_to_itself():
    staff = pl.DataFrame({"id": [1, 2, 3], "boss": [None, 1, 9]})
    [message] = ForeignKeyValidator("staff", "boss", "staff", "id").validate({"staff": staff})
    assert (message.table, message.column, message.row) == ("staff", "boss", 2)
    assert message.message == "Key is not in staff(id): boss=9"


def test_values_of_a_pandas_frame_stand_in_the_text_as_python_writes_them():
    child = pd.DataFrame({"n": [5, 1], "x": [1.5, 1.0], "t": ["a", "a"]})
    parent = pd.DataFrame({"n": [1], "x": [1.0], "t": ["a"]})
    columns = ["n", "x", "t"]
    [message] = ForeignKeyValidator("c", columns, "p", columns).validate({"c": child, "p": parent})
    assert message.message == "Key is not in p(n,x,t): n=5, x=1.5, t='a'"


def test_every_run_starts_without_messages():
    data = {"c": pl.DataFrame({"k": [1, 2]}), "p": pl.DataFrame({"k": [1]})}
    validator = ForeignKeyValidator("c", "k", "p", "k")
    assert [len(validator.validate(data)) for _ in range(3)] == [1, 1, 1]


class Flights(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "flights", "csv", "single"
    ORIGIN = Column("origin", DataType.STRING, foreign_key=("airports", "faa"))
    DEST = Column("dest", DataType.STRING, foreign_key=("airports", "faa"))
    TAIL = Column("tail", DataType.STRING, optional=True, foreign_key=("planes", "tail"))


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "json", "multi"
    HEAD = ColumnGroup("head", [Column("id", DataType.INTEGER)])
    LINES = ColumnGroup("lines", [Column("order", DataType.INTEGER, foreign_key=("head", "id"))])


def test_schemas_give_a_validator_for_each_relation():
    validators = ForeignKeyValidator.from_schemas([Flights, Orders], WARNING)
    assert [(v.left_table, v.left_col, v.right_table, v.right_col) for v in validators] == [
        ("flights", ["origin"], "airports", ["faa"]),
        ("flights", ["dest"], "airports", ["faa"]),
        ("flights", ["tail"], "planes", ["tail"]),
        ("orders.lines", ["order"], "orders.head", ["id"]),
    ]
    assert len(ForeignKeyValidator.from_schemas(iter([Flights]))) == 3
    assert len(ForeignKeyValidator.from_schemas({"flights": Flights})) == 3


def test_two_references_to_one_parent_are_two_keys_not_one_pair():
    data = {
        "flights": pl.DataFrame({"origin": ["EWR"], "dest": ["IAH"]}),
        "airports": pl.DataFrame({"faa": ["EWR", "IAH"]}),
    }
    assert [m for v in ForeignKeyValidator.from_schemas([Flights]) for m in v.validate(data)] == []


def test_an_optional_column_that_is_absent_has_nothing_to_check():
    *_, tail = ForeignKeyValidator.from_schemas([Flights])
    assert tail.validate({"flights": pl.DataFrame({"origin": ["EWR"]})}) == []
    assert len(tail.validate({"flights": pl.DataFrame({"tail": ["N1"]})})) == 1


def test_of_declared_references_an_absent_child_is_no_problem_and_an_absent_parent_is():
    class Airlines(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "airlines", "csv", "single"
        CARRIER = Column("carrier", DataType.STRING, primary_key=True)

    class Flights(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "flights", "csv", "single"
        CARRIER = Column("carrier", DataType.STRING, foreign_key=("airlines", "carrier"))

    frame = pl.DataFrame({"carrier": ["AA"]})
    (validator,) = ForeignKeyValidator.from_schemas([Airlines, Flights])
    [child] = validator.validate({"airlines": frame})
    assert (child.severity, child.code, child.table) == ("INFO", "TABLE_NOT_FOUND", "flights")
    [parent] = validator.validate({"flights": frame})
    assert (parent.severity, parent.code, parent.table) == (ERROR, "TABLE_NOT_FOUND", "airlines")
