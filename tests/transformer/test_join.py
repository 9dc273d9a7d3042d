from __future__ import annotations

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.errors import TableNotFoundError, ValidationError
from algomancy_data.testing.comparison import assert_identical
from algomancy_data.transformer import JoinTransformer, join


def joined(left, right, on="k"):
    data = {"l": pl.DataFrame(left), "r": pl.DataFrame(right)}
    JoinTransformer("l", "r", on, "out").transform(data)
    return data["out"]


def test_rows_that_match_are_put_side_by_side_in_the_order_of_the_left_table():
    out = joined({"k": [3, 1, 2, 1], "x": list("abcd")}, {"k": [1, 3, 1], "y": [10, 30, 11]})
    assert out.columns == ["k", "x", "y"]
    assert out.rows() == [
        (3, "a", 30),
        (1, "b", 10),
        (1, "b", 11),
        (1, "d", 10),
        (1, "d", 11),
    ]


def test_names_that_both_have_get_endings():
    out = joined({"n": ["a"], "k": [1], "v": [2]}, {"v": [3], "k": [1], "n": ["b"], "w": [4]})
    assert out.to_dict(as_series=False) == {
        "n_x": ["a"],
        "k": [1],
        "v_x": [2],
        "v_y": [3],
        "n_y": ["b"],
        "w": [4],
    }


def test_nulls_match_each_other():
    assert joined({"k": [None, 1]}, {"k": [None, 2], "y": ["a", "b"]}).rows() == [(None, "a")]


def test_a_value_that_the_other_side_cannot_hold_does_not_match_null():
    out = joined({"k": [1, None]}, {"k": [1.5, None, 1.0], "y": ["half", "null", "one"]})
    assert out.rows() == [(1, "one"), (None, "null")]
    assert out.schema["k"] == pl.Int64
    assert joined({"k": [1.5, None]}, {"k": [None, 1]}).rows() == [(None,)]


def test_keys_of_several_columns_match_as_a_whole():
    out = joined(
        {"a": [1, 1, None], "b": ["x", "y", "z"]},
        {"b": ["y", "x", "z"], "a": [1, 2, None], "c": [5, 6, 7]},
        on=["a", "b"],
    )
    assert out.rows() == [(1, "y", 5), (None, "z", 7)]


def test_texts_match_categories():
    out = joined({"k": ["a"]}, {"k": pl.Series(["a"], dtype=pl.Categorical)})
    assert out.rows() == [("a",)]


def test_the_output_may_replace_one_of_the_inputs():
    data = {"l": pl.DataFrame({"k": [1]}), "r": pl.DataFrame({"k": [1], "y": [2]})}
    JoinTransformer("l", "r", "k", "l").transform(data)
    assert data["l"].rows() == [(1, 2)]


@pytest.mark.parametrize("present", [[], ["l"], ["r"]])
def test_a_missing_table_is_a_key_error_that_names_it(present):
    data = {name: pl.DataFrame({"k": [1]}) for name in present}
    with pytest.raises(KeyError, match="'r'" if present == ["l"] else "'l'") as caught:
        JoinTransformer("l", "r", "k", "out").transform(data)
    assert isinstance(caught.value, TableNotFoundError)


def test_a_missing_column_is_named_with_its_table():
    with pytest.raises(KeyError, match="Table 'r' has no column 'k'"):
        joined({"k": [1]}, {"j": [1]})


def test_keys_of_types_without_a_common_value_are_refused():
    with pytest.raises(ValidationError, match="no value in common"):
        joined({"k": [1]}, {"k": ["1"]})


def test_two_output_columns_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="'v_x'"):
        joined({"k": [1], "v": [1], "v_x": [1]}, {"k": [1], "v": [1]})


@pytest.mark.parametrize("on", [[], ["k", "k"]])
def test_a_key_must_name_each_column_once(on):
    with pytest.raises(ValueError, match="once"):
        JoinTransformer("l", "r", on, "out")


def test_empty_tables_join_to_an_empty_one():
    out = joined({"k": pl.Series([], dtype=pl.Int64), "x": []}, {"k": [1], "y": ["a"]})
    assert out.schema == {"k": pl.Int64, "x": pl.Null, "y": pl.String}
    assert out.is_empty()


keys = st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=8)


@given(left=keys, right=keys)
def test_the_rows_are_those_of_a_pandas_merge_in_its_order(left, right):
    tables = [
        pl.DataFrame({"k": values, "n": range(len(values))}, schema={"k": pl.Int64, "n": pl.Int64})
        for values in (left, right)
    ]
    out = joined(*tables)
    first, second = (
        pd.DataFrame({"k": values, "n": range(len(values))}, dtype=object)
        for values in (left, right)
    )
    merged = first.merge(second, on="k")
    assert out.columns == list(merged.columns)
    assert out.select("n_x", "n_y").rows() == list(zip(merged["n_x"], merged["n_y"], strict=True))


@given(
    left=st.lists(st.integers(0, 6) | st.none(), max_size=40),
    right=st.lists(st.integers(0, 6) | st.none(), max_size=20),
    at_once=st.integers(1, 9),
)
def test_what_is_larger_than_memory_should_hold_is_joined_in_parts(left, right, at_once):
    key = pl.Series("key", left, dtype=pl.Int64)
    slices = [key.slice(start, 3).to_frame() for start in range(0, max(len(key), 1), 3)]
    tables = {
        "l": pl.concat(slices).with_columns(pl.int_range(pl.len()).cast(pl.String).alias("text")),
        "r": pl.DataFrame({"key": right}, schema={"key": pl.Int64}).with_row_index("text"),
    }
    whole, parts = dict(tables), dict(tables)
    JoinTransformer("l", "r", "key", "out").transform(whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "_ROWS_AT_ONCE", at_once)
        in_parts = JoinTransformer("l", "r", "key", "out")
        in_parts.in_memory_bytes = 0
        in_parts.transform(parts)
    assert_identical(parts["out"], whole["out"])
