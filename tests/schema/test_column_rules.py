from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from algomancy_data import Column, DataType, Schema, ValidationSeverity
from algomancy_data.errors import InvalidSchemaError

MOMENT = dt.datetime(2024, 5, 1, 12)
NAN = float("nan")
POSSIBLE = "no such rule. Possible are"
LENGTHS = "min_length, max_length, check"
BOUNDS = "min, min_exclusive, max, max_exclusive, is_in"


def declare(dtype=pl.Int64, **rules) -> type[Schema]:
    members = {"_FILENAME": "t", "_EXTENSION": "csv", "_SCHEMA_TYPE": "single"}
    return type("Things", (Schema,), {**members, "X": Column("x", dtype, **rules)})


def is_even(x):
    return x % 2 == 0


@pytest.mark.parametrize(
    ("dtype", "rules", "said"),
    [
        (pl.String, {"min": 5}, f"min=5: String has {POSSIBLE} is_in, regex, {LENGTHS}."),
        (pl.Binary, {"regex": "a"}, f"regex='a': Binary has {POSSIBLE} is_in, {LENGTHS}."),
        (pl.List(pl.Int8), {"max": 1}, f"max=1: List(Int8) has {POSSIBLE} {LENGTHS}."),
        (pl.Boolean, {"regex": "a"}, f"Boolean has {POSSIBLE} is_in, check."),
        (pl.Struct({"a": pl.Int8}), {"is_in": [{"a": 1}]}, f" has {POSSIBLE} check."),
        (pl.Int64, {"allow_nan": False}, f"allow_nan=False: Int64 has {POSSIBLE} {BOUNDS}, check."),
        (pl.Date, {"min_length": 1}, f"Date has {POSSIBLE} {BOUNDS}, check."),
        (pl.Float64, {"regex": "a"}, f"has {POSSIBLE} {BOUNDS}, allow_nan, allow_inf, check."),
        (pl.String, {"regex": "("}, "regex='(': it does not compile: unclosed group."),
        (pl.String, {"regex": 5}, "a pattern is a text"),
        (pl.UInt8, {"max": 300}, "max=300: UInt8 cannot hold this value exactly."),
        (pl.Int64, {"min": 1.5}, "Int64 holds no float; give int."),
        (pl.Int64, {"min": True}, "Int64 holds no bool; give int."),
        (pl.Float64, {"min": 2**53 + 1}, "Float64 cannot hold this value exactly."),
        (pl.Float32, {"min": 1e300}, "Float32 cannot hold this value exactly."),
        (pl.Float64, {"min": NAN}, "a bound is a finite number."),
        (pl.Decimal(5, 2), {"min": 0.5}, "holds no float; give Decimal or int."),
        (pl.Decimal(5, 2), {"min": Decimal("0.125")}, "cannot hold this value exactly."),
        (pl.Date, {"min": MOMENT}, "Date holds no datetime; give date."),
        (DataType.DATETIME, {"min": MOMENT.date()}, "holds no date; give datetime."),
        (pl.Datetime("us", "UTC"), {"min": MOMENT}, "needs a moment with a time zone."),
        (DataType.DATETIME, {"max": MOMENT.replace(tzinfo=dt.UTC)}, "without a time zone."),
        (pl.Duration("ms"), {"min": dt.timedelta(microseconds=1)}, "cannot hold this value"),
        (pl.Enum(["a"]), {"is_in": ["a", "b"]}, "is_in=['b']: Enum(categories=['a']) cannot"),
        (pl.String, {"is_in": "abc"}, "is_in='abc': give a list of values."),
        (pl.String, {"is_in": []}, "no value would be allowed."),
        (pl.String, {"is_in": ["a", None]}, "nulls keep all rules"),
        (pl.Int64, {"is_in": ["a"]}, "is_in=['a']: Int64 holds no str; give int."),
        (pl.Int64, {"min": 1, "min_exclusive": 1}, "say one of the two."),
        (pl.Int64, {"min": 3, "max": 2}, "min=3, max=2: no value lies between them."),
        (pl.Int64, {"min": 3, "max_exclusive": 3}, "no value lies between them."),
        (pl.String, {"min_length": -1}, "a length is a whole number from 0."),
        (pl.String, {"min_length": 3, "max_length": 2}, "no value has such a length."),
        (pl.Int64, {"check": 5}, "a check is a Polars expression, or a callable that makes one."),
        (pl.Int64, {"check": lambda x: x.typo()}, "'check' ("),
        (pl.Int64, {"check": lambda _: True}, "it makes True, no Polars expression."),
        (pl.Int64, {"min": 1, "severity": "bad"}, "possible are INFO, WARNING, ERROR, CRITICAL."),
        (pl.Int64, {"min": 1, "severity": {"max": "ERROR"}}, "its rules are min."),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_column_and_what_is_possible(dtype, rules, said):
    schema = declare(dtype, **rules)
    with pytest.raises(InvalidSchemaError) as caught:
        schema.columns()
    assert str(caught.value).startswith("Schema 'Things' is declared wrongly: column 'x' has ")
    assert said in str(caught.value)
    assert any(name in str(caught.value) for name in rules)


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (pl.col("y") > 1, "there is no column 'y'. Its columns: 'x'."),
        (lambda x: x + 1, "it gives Int64, not Boolean."),
        (lambda x: x.str.len_bytes() > 1, "expected `String`"),
    ],
)
def test_checks_that_cannot_be_evaluated_on_the_declared_columns_are_refused(check, said):
    with pytest.raises(InvalidSchemaError) as caught:
        declare(check=check).validate()
    assert "rule 'check' of column 'x' cannot be evaluated: " in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("check", "names"),
    [
        (lambda x: x > 1, ["check"]),
        (pl.col("x") > 1, ["check"]),
        (is_even, ["check__is_even"]),
        ([lambda x: x > 1, pl.col("x") < 9, is_even], ["check__0", "check__1", "check__is_even"]),
        ({"even": is_even, "odd": lambda x: x % 2 == 1}, ["check__even", "check__odd"]),
    ],
)
def test_checks_have_the_names_that_dataframely_gives_them(check, names):
    assert [rule.name for rule in declare(check=check).rules()] == names


def test_rules_come_in_one_order_with_words_of_their_own():
    schema = declare(pl.Float64, check=is_even, allow_nan=False, is_in=[1, 2, 3, 4, 5, 6], max=9.5)
    assert [(rule.name, rule.problem) for rule in schema.rules()] == [
        ("max", "Value is greater than 9.5"),
        ("is_in", "Value is none of 1, 2, 3, 4, 5 and 1 more"),
        ("nan", "Value is NaN"),
        ("check__is_even", "Rule 'check__is_even' does not hold"),
    ]


@pytest.mark.parametrize(
    ("dtype", "rules", "problem"),
    [
        (pl.Date, {"min": MOMENT.date()}, f"Value is less than {MOMENT.date()}"),
        (pl.Decimal(5, 2), {"max": Decimal("1.50")}, "Value is greater than 1.50"),
        (pl.String, {"is_in": ["a", "b"]}, "Value is none of 'a', 'b'"),
        (pl.String, {"min_length": 1}, "Value has fewer than 1 byte"),
        (pl.List(pl.Int8), {"max_length": 2000}, "List has more than 2,000 items"),
        (pl.Float64, {"allow_inf": False}, "Value is infinite"),
    ],
)
def test_what_is_wrong_with_a_value_is_said_in_terms_of_its_dtype(dtype, rules, problem):
    assert [rule.problem for rule in declare(dtype, **rules).rules()] == [problem]


def test_one_severity_is_that_of_all_rules_and_a_mapping_names_them():
    one = declare(pl.Int64, min=1, max=2, severity=ValidationSeverity.WARNING)
    assert {rule.severity for rule in one.rules()} == {ValidationSeverity.WARNING}
    some = declare(pl.Int64, min=1, max=2, severity={"max": ValidationSeverity.INFO})
    assert [str(rule.severity) for rule in some.rules()] == ["ERROR", "INFO"]


def test_columns_are_equal_that_declare_the_same_rules():
    assert Column("x", pl.Int64, min=1) == Column("x", pl.Int64, min=1)
    assert Column("x", pl.Int64, min=1) != Column("x", pl.Int64, min=2)
    assert Column("x", pl.Int64, check=pl.col("x") > 1) == Column("x", pl.Int64, check=is_even)
