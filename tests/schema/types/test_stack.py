"""Columns that are read together become what each becomes by itself."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algomancy_data.schema import DataType
from algomancy_data.schema.kinds import column_type_of
from algomancy_data.schema.types import Outcome, ReadType, TextConventions
from algomancy_data.schema.types.stack import Stack, stacked
from algomancy_data.testing.samples import POLARS_DTYPES, any_texts

CONVENTIONS = st.builds(
    TextConventions,
    decimal_mark=st.sampled_from([None, ".", ","]),
    day_first=st.sampled_from([None, True, False]),
)


def shown(outcome: Outcome) -> tuple[object, ...]:
    if outcome.refused is not None:
        return outcome.refused.to_list(), outcome.reason
    guessed = None if outcome.guessed is None else outcome.guessed.to_list()
    reason = "" if guessed is None else outcome.reason
    return repr(outcome.values.to_list()), outcome.values.dtype, guessed, reason


TOGETHER = [
    kind
    for kind in map(column_type_of, [*DataType, *POLARS_DTYPES])
    if kind.reads_by_value or isinstance(kind, ReadType)
]


@settings(max_examples=15)  # of each type
@pytest.mark.parametrize("kind", TOGETHER, ids=lambda kind: kind.name)
@given(data=st.data())
def test_columns_of_one_type_are_read_together(kind, data) -> None:
    texts = data.draw(st.lists(any_texts(kind), min_size=1, max_size=4))
    columns = [pl.Series("c", one, pl.String) for one in texts if any(one)]
    if not columns:
        return
    conventions = data.draw(CONVENTIONS)
    stack, together = stacked(columns)
    outcomes = kind.from_stack(together, stack, conventions)
    for column, outcome in zip(columns, outcomes, strict=True):
        assert shown(outcome) == shown(kind.from_text([column], conventions))


def test_columns_without_a_value_count_none() -> None:
    stack = Stack((0, 2, 0, 3, 0))
    values = pl.Series("v", [None, "a", "b", None, "c"])
    assert stack.counts(values.is_not_null()) == [0, 1, 0, 2, 0]
    assert stack.counts(values == "c") == [0, 0, 0, 1, 0]
    assert stack.firsts(values).to_list() == [None, "a", None, "b", None]
    assert [len(column) for column in stack.columns(values)] == [0, 2, 0, 3, 0]
    assert Stack((0, 0)).counts(values.head(0).is_null()) == [0, 0]
