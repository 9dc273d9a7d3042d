"""Texts of a report: escaped, short, and told apart where they would look alike."""

from __future__ import annotations

from html import escape
from typing import Any, Final

from algomancy_data.display import short_text
from algomancy_data.validator.wording import show_value

LONGEST_CELL: Final = 80
LONGEST_TEXT: Final = 400


def text_html(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text as HTML, cut where it is long; control characters become visible.

    Example:
        >>> text_html("a < b"), text_html("x" * 9, longest=4)
        ('a &lt; b', 'xxxx…')
    """
    return escape(short_text(text, longest))


def value_html(value: Any) -> str:
    r"""Return a value of a frame as HTML.

    Texts stand as they are where nothing is hidden in them, else as Python writes them: an empty
    one, one with spaces at an end, or with a line break.

    Example:
        >>> value_html("EWR"), value_html("EWR "), value_html(None)
        ('EWR', '<i>&#x27;EWR &#x27;</i>', '<i>null</i>')
    """
    if value is None:
        return "<i>null</i>"
    if not isinstance(value, str):
        return text_html(show_value(value), LONGEST_CELL * 2)
    if value and value.isprintable() and value == value.strip() and value != "null":
        return text_html(value, LONGEST_CELL)
    quoted = repr(value) if len(value) <= LONGEST_CELL else f"{value[:LONGEST_CELL]!r}…"
    return f"<i>{text_html(quoted, LONGEST_CELL * 4)}</i>"
