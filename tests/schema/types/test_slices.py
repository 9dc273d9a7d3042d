"""A column that is read in slices becomes what it becomes as a whole, and so do its problems."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.schema import DataType
from algomancy_data.schema.kinds import column_type_of
from algomancy_data.schema.types import Outcome, TextConventions
from algomancy_data.testing.samples import POLARS_DTYPES, any_texts

CUTS = st.lists(st.integers(0, 6), max_size=3).map(sorted)
CONVENTIONS = st.builds(
    TextConventions,
    decimal_mark=st.sampled_from([None, ".", ","]),
    day_first=st.sampled_from([None, True, False]),
)


def shown(outcome: Outcome) -> tuple[object, ...]:
    refused = None if outcome.refused is None else outcome.refused.to_list()
    guessed = None if outcome.guessed is None else outcome.guessed.to_list()
    values = repr(outcome.values.to_list()) if refused is None else None
    dtype = outcome.values.dtype if refused is None else None
    return refused, guessed, outcome.reason, outcome.advice, values, dtype


@pytest.mark.parametrize(
    "declared", [*DataType, *POLARS_DTYPES], ids=lambda one: column_type_of(one).name
)
@given(data=st.data())
def test_slices_of_a_column_are_read_as_the_whole(declared, data) -> None:
    texts = pl.Series("c", data.draw(any_texts(declared)), pl.String)
    conventions = data.draw(CONVENTIONS)
    edges = [0, *(min(cut, len(texts)) for cut in data.draw(CUTS)), len(texts)]
    slices = [texts[start:end] for start, end in pairwise(edges)]
    kind = column_type_of(declared)
    whole = kind.from_text([texts], conventions)
    assert shown(kind.from_text(slices, conventions)) == shown(whole)
