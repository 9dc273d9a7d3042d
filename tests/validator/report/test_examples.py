"""Values on a page: told apart, short, and nothing but text."""

from __future__ import annotations

import pytest

from algomancy_data.display.grid import text_html
from algomancy_data.validator.report.examples import value_html


@pytest.mark.parametrize(
    ("value", "html"),
    [
        ("EWR", "EWR"),
        ("", "<i>&#x27;&#x27;</i>"),
        (" EWR", "<i>&#x27; EWR&#x27;</i>"),
        ("null", "<i>&#x27;null&#x27;</i>"),
        ("a\nb", "<i>&#x27;a\\nb&#x27;</i>"),
        ("a\u202eb", "<i>&#x27;a\\u202eb&#x27;</i>"),
        (None, "<i>null</i>"),
        (1.5, "1.5"),
        ("<b>", "&lt;b&gt;"),
        ("x" * 100, "x" * 80 + "…"),
    ],
)
def test_values_that_look_alike_are_told_apart(value, html):
    assert value_html(value) == html


def test_texts_are_cut_before_they_are_escaped():
    assert text_html("<" * 10, longest=2) == "&lt;&lt;…"
    assert text_html("a\x00\u2028") == "a\\x00\\u2028"
