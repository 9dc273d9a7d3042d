from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.frames.row_wise import is_row_wise

A, B = pl.col("a"), pl.col("b")


@pytest.mark.parametrize(
    "expression",
    [
        A.is_between(1, 2) & (B % 2 == 0),
        A.is_in([1, 2]) | A.is_in(pl.Series([1, 2]).implode()),
        A.cast(pl.String).str.contains("x"),
        (A.str.len_bytes() > 2).alias("c"),
        pl.when(A > 1).then(B.is_null()).otherwise(A.is_not_nan()),
        A.list.eval(pl.element() > 1).list.all(),
        A.struct.field("x") > B.bin.size(),
        A.dt.truncate("1h") == B,
        A.abs().round(2) > B.fill_null(1),
        pl.max_horizontal("a", "b") > 1,
        pl.all_horizontal(pl.all().is_not_null()),
        pl.concat_str("a", "b") == "x",
        ~A.is_infinite(),
    ],
)
def test_what_looks_at_each_row_by_itself(expression):
    assert is_row_wise(expression)


@pytest.mark.parametrize(
    "expression",
    [
        A.is_unique(),
        A.mean() > A,
        A.shift() < A,
        A.cum_sum() < 5,
        A.is_first_distinct(),
        A.forward_fill().is_null(),
        (pl.len() > 1).over("a"),
        pl.len() > 1,
        pl.int_range(pl.len()) > 1,
        A.sort() > B,
        A.str.join("") == "x",
        A.is_duplicated() | (B > 1),
        pl.when(A.max() > 1).then(True).otherwise(False),  # noqa: FBT003
        A.map_batches(lambda values: values > 1),
    ],
)
def test_what_compares_rows_or_may_do_so(expression):
    assert not is_row_wise(expression)
