"""Text stays as it is written, also as categories."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.schema import DataType


@given(st.lists(st.text()))
def test_text_and_categories_stay_what_they_are(read, texts) -> None:
    assert read(texts, DataType.STRING).to_list() == texts
    assert read(texts, DataType.CATEGORICAL).to_list() == texts
