"""Texts for people: nothing in them moves a cursor, and what was cut ends in an ellipsis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.display.words import printable, short_text


@given(st.text())
def test_a_printable_text_says_each_character(text):
    shown = printable(text)
    assert shown.isprintable()
    if "\\" not in text:
        assert shown.encode("ascii", "backslashreplace").decode("unicode_escape") == text


@pytest.mark.parametrize("text", ["größe 名前 🏆", "a\\tb", "C:\\new"])
def test_a_text_that_is_printable_stays_as_it_is(text):
    assert printable(text) == text


@given(st.text(), st.integers(1, 10))
def test_a_text_is_cut_before_its_characters_are_shown(text, longest):
    shown = short_text(text, longest)
    if len(text) <= longest:
        assert shown == printable(text)
    else:
        assert shown == printable(text[:longest]) + "…"
