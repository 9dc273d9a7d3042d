from __future__ import annotations

import pickle
from typing import ClassVar

import cloudpickle
import polars as pl
import pytest

from algomancy_data import Column, ColumnGroup, DataType, RuleValidator, Schema, rule
from algomancy_data.errors import InvalidSchemaError, SchemaKindError


class Stays(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "stays", "csv", "single"
    LONGEST: ClassVar = 30
    GUEST = Column("guest", DataType.STRING, primary_key=True, min_length=1)
    COME = Column("come", DataType.INTEGER, primary_key=True)
    GO = Column("go", DataType.INTEGER, nullable=True)

    @rule()
    def goes_after_it_came(cls):
        """Guest goes before it came.

        Nobody does.
        """
        return cls.GO.col > cls.COME.col

    @rule(group_by="primary_key")
    def comes_once(cls):
        return pl.len() == 1


class LongStays(Stays):
    @rule()
    def goes_after_it_came(cls):
        return cls.GO.col > cls.COME.col + cls.LONGEST


class FreeStays(Stays):
    comes_once = None


class Order(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "order", "json", "multi"
    HEAD = ColumnGroup("head", [Column("id", DataType.INTEGER, min=1)])
    LINES = ColumnGroup("lines", [Column("id", DataType.INTEGER), Column("n", DataType.INTEGER)])
    MOST: ClassVar = 2

    @rule(table="lines", group_by=["id"])
    def few_lines(cls):
        return pl.len() <= cls.MOST


def names(schema):
    return [one.name for one in schema.rules()]


def test_rules_of_columns_come_first_then_methods_that_say_what_is_wrong():
    assert names(Stays) == ["min_length", "goes_after_it_came", "comes_once"]
    assert [one.problem for one in Stays.rules()] == [
        "Value has fewer than 1 byte",
        "Guest goes before it came",
        "Rule 'comes_once' does not hold",
    ]
    assert [one.columns for one in Stays.rules()] == [
        ("guest",),
        ("go", "come"),
        ("guest", "come"),
    ]
    assert Stays.rules()[2].group_by == ("guest", "come")


def test_a_rule_is_a_method_of_the_class_that_gives_its_expression():
    assert Stays.goes_after_it_came().meta.eq(pl.col("go") > pl.col("come"))
    assert LongStays.goes_after_it_came().meta.root_names() == ["go", "come"]
    assert "goes_after_it_came" not in Stays.get_data_members()


def test_a_rule_without_parentheses_is_the_same():
    class Odd(Stays):
        @rule
        def stays_long(cls):
            """Stay is short."""
            return cls.GO.col > cls.COME.col + cls.LONGEST

    written, plain = (
        Odd.declared_rules()["stays_long"],
        Stays.declared_rules()["goes_after_it_came"],
    )
    assert (written.severity, written.group_by, written.table) == (plain.severity, (), None)
    assert names(Odd) == [*names(Stays), "stays_long"]


def test_rules_are_inherited_replaced_and_taken_out():
    assert names(LongStays) == names(Stays)
    assert LongStays.rules()[1].problem == "Rule 'goes_after_it_came' does not hold"
    assert names(FreeStays) == ["min_length", "goes_after_it_came"]


def test_a_rule_of_a_multi_schema_is_that_of_the_table_it_names():
    assert names(Order.get_subschema("head")) == ["min"]
    assert names(Order.get_subschema("lines")) == ["few_lines"]
    with pytest.raises(SchemaKindError, match="rules"):
        Order.rules()
    lines = pl.DataFrame({"id": [1, 1, 1, 2], "n": [1, 2, 3, 4]})
    found = RuleValidator([Order]).validate({"order.lines": lines})
    assert [(one.table, one.row) for one in found] == [("order.lines", row) for row in range(3)]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (rule()(lambda _: pl.col("typo") > 1), "there is no column 'typo'. Its columns: 'guest',"),
        (rule(group_by=["typo"])(lambda _: pl.len() > 1), "there is no column 'typo'."),
        (rule()(lambda _: pl.col("come") + 1), "it gives Int64, not Boolean."),
        (rule()(lambda _: pl.col("come", "go") > 1), "it gives 2 columns; join them with"),
        (
            rule(group_by=["guest"])(lambda _: pl.col("come") > 1),
            ": it gives a value per row; end it with an aggregate such as .all() or .sum() == 1.",
        ),
        (rule()(lambda _: pl.col("come").str.len_bytes() > 1), "cannot be evaluated: "),
        (rule()(lambda _: True), "must return a Polars expression, not True."),
        (
            rule()(lambda cls: cls.TYPO),
            "cannot be made: AttributeError: type object 'Wrong' has no attribute",
        ),
        (rule(severity="bad")(lambda _: pl.len() > 1), "'bad' is not a valid ValidationSeverity"),
        (rule(table="lines")(lambda _: pl.len() > 1), "but there is one table only."),
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_refused_with_its_name(made, said):
    wrong = type("Wrong", (Stays,), {"broken": made})
    with pytest.raises(InvalidSchemaError) as caught:
        wrong.rules()
    assert "Schema 'Wrong' is declared wrongly: rule 'broken' " in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("table", [None, "nothing"])
def test_a_rule_of_a_multi_schema_must_name_one_of_its_tables(table):
    wrong = type("Wrong", (Order,), {"broken": rule(table=table)(lambda _: pl.len() > 1)})
    with pytest.raises(InvalidSchemaError, match=r"'broken' has table=.*'head', 'lines'\."):
        wrong.get_subschema("head")


def test_no_rule_can_have_the_name_of_a_method_of_schemas():
    with pytest.raises((InvalidSchemaError, RuntimeError)) as caught:
        type("Wrong", (Stays,), {"columns": rule()(lambda _: pl.len() > 1)})
    cause = caught.value.__cause__ or caught.value  # Python 3.11 wraps it
    assert "'columns' cannot be a rule" in str(cause)


def test_schemas_with_rules_go_to_other_processes():
    Stays.rules()
    assert pickle.loads(pickle.dumps(Stays)) is Stays  # noqa: S301

    class Local(Stays):
        TEXT = Column("text", DataType.STRING, check=lambda text: text != "x", regex="^a")

    copy = cloudpickle.loads(cloudpickle.dumps(Local))
    assert names(copy) == names(Local)
    column = Column("x", pl.Int8, min=1, check=pl.col("x") > 1)
    assert pickle.loads(pickle.dumps(column)) == column  # noqa: S301
