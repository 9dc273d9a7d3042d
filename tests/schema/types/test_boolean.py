"""A value that is written by a documented rule is read back as that value."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.schema import DataType

WORDS = ("true", "Yes", " y ", "1", "T", "1.0"), ("FALSE", "no", "n", "0", "f\t", "0.0")


@given(st.lists(st.booleans(), min_size=1), st.data())
def test_truth_values(read, values, data) -> None:
    texts = [data.draw(st.sampled_from(WORDS[not value])) for value in values]
    assert read(texts, DataType.BOOLEAN).to_list() == values


@given(st.lists(st.booleans(), min_size=1))
def test_declared_truth_values_in_any_case(read, values) -> None:
    texts = ["\u00c9VIDEMMENT" if value else "Non" for value in values]
    words = {"true_words": ("\u00e9videmment",), "false_words": ("NON",)}
    assert read(texts, DataType.BOOLEAN, **words).to_list() == values
