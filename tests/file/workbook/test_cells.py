"""What number formats say."""

from __future__ import annotations

import pytest

from algomancy_data.file.workbook.cells import NumberFormat, number_format


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("General", NumberFormat.NUMBER),
        ("0.00E+00", NumberFormat.NUMBER),
        ("#,##0.00 [$€-407]", NumberFormat.NUMBER),
        ('0.0" days"', NumberFormat.NUMBER),
        (r"0\d", NumberFormat.NUMBER),
        ("[Red]0;[Blue]-0", NumberFormat.NUMBER),
        ("0_d", NumberFormat.NUMBER),
        ("@", NumberFormat.NUMBER),
        ("", NumberFormat.NUMBER),
        ("yyyy-mm-dd", NumberFormat.DATE),
        ("[$-409]d-mmm-yy;@", NumberFormat.DATE),
        ("mmm", NumberFormat.DATE),
        ("D/M/YYYY H:MM AM/PM", NumberFormat.DATE),
        ('dd" of "mmmm', NumberFormat.DATE),
        ("h:mm", NumberFormat.TIME),
        ("mm:ss.0", NumberFormat.TIME),
        ("[h]:mm", NumberFormat.DURATION),
        ("[ss].000", NumberFormat.DURATION),
        ('"[h]"0', NumberFormat.NUMBER),
    ],
)
def test_a_format_shows_numbers_as_what_its_letters_say(code, shown) -> None:
    assert number_format(code) is shown
