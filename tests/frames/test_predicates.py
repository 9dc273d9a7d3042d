"""What Polars says of a predicate, as data."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from algomancy_data.frames.predicates import expression_tree, is_well_typed, literal

x, s = pl.col("x"), pl.col("s")


DTYPES = {"x": pl.Int64(), "s": pl.String(), "d": pl.Duration(), "e": pl.Enum(["a"])}


@pytest.mark.parametrize(
    "predicate",
    [
        x + 1 > 2,
        s.cast(pl.Int64) > 2,
        x / pl.col("y") > 1,
        s.str.contains(x),
        s > 1,
        x & (x > 1),
        pl.col("d") > dt.datetime(2020, 1, 1),
        pl.col("d").is_between(1, 2),
        s == pl.col("e"),
        s.is_in([1]),
        pl.col("other") > 1,
        x,
    ],
    ids=str,
)
def test_what_a_value_can_make_fail_is_known(predicate):
    assert not is_well_typed(expression_tree(predicate), DTYPES)


def test_what_is_very_long_or_deep_counts_as_unknown():
    assert not is_well_typed(expression_tree(x.is_in(range(200_000))), DTYPES)
    tree = {"Column": "x"}
    for _ in range(100_000):
        tree = {"Alias": [tree, "x"]}
    assert not is_well_typed(tree, DTYPES)


def test_a_literal_has_the_dtype_that_it_was_given():
    tree = expression_tree(pl.lit(dt.date(2020, 1, 1)))
    assert literal(tree).to_list() == [dt.date(2020, 1, 1)]
    assert literal({"Literal": {"New": 1}}) is None
