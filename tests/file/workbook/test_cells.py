"""What number formats say."""

from __future__ import annotations

import pytest

from algomancy_data.file.workbook.cells import Shown, shown_as


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("General", Shown.NUMBER),
        ("0.00E+00", Shown.NUMBER),
        ("#,##0.00 [$€-407]", Shown.NUMBER),
        ('0.0" days"', Shown.NUMBER),
        (r"0\d", Shown.NUMBER),
        ("[Red]0;[Blue]-0", Shown.NUMBER),
        ("0_d", Shown.NUMBER),
        ("@", Shown.NUMBER),
        ("", Shown.NUMBER),
        ("yyyy-mm-dd", Shown.DATE),
        ("[$-409]d-mmm-yy;@", Shown.DATE),
        ("mmm", Shown.DATE),
        ("D/M/YYYY H:MM AM/PM", Shown.DATE),
        ('dd" of "mmmm', Shown.DATE),
        ("h:mm", Shown.TIME),
        ("mm:ss.0", Shown.TIME),
        ("[h]:mm", Shown.DURATION),
        ("[ss].000", Shown.DURATION),
        ('"[h]"0', Shown.NUMBER),
    ],
)
def test_a_format_shows_numbers_as_what_its_letters_say(code, shown) -> None:
    assert shown_as(code) is shown
