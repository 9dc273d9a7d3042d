"""What the number format of a cell says about its number: a date, a time, a duration or neither.

A workbook has no dates, only numbers shown as dates: the number format is all that tells them
from prices.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Shown(StrEnum):
    """How a number is shown."""

    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"


# Formats that a workbook need not define; 27 to 36 and 50 to 58 are dates in East Asian locales.
_BUILT_IN: Final[dict[str, Shown]] = {
    **dict.fromkeys(map(str, [*range(14, 18), 22, *range(27, 37), *range(50, 59)]), Shown.DATE),
    **dict.fromkeys(map(str, [*range(18, 22), 45, 47]), Shown.TIME),
    "46": Shown.DURATION,
}
FORMAT: Final = "styleSheet/numFmts/numFmt"
"""Where a workbook defines its formats."""
STYLE: Final = "styleSheet/cellXfs/xf"
"""Where it lists the styles of cells."""
_ELAPSED: Final = re.compile(r"\[(?:h+|m+|s+)\]")
# Literal text, padding, colours, locales: letters in them mean nothing.
_LITERAL: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')


def shown_as(code: str) -> Shown:
    """Classify a format code.

    Example:
        >>> shown_as("yyyy-mm-dd hh:mm"), shown_as("[h]:mm"), shown_as('[Red]0.0" days"')
        (<Shown.DATE: 'date'>, <Shown.DURATION: 'duration'>, <Shown.NUMBER: 'number'>)
    """
    code = code.lower()
    unquoted = re.sub(r'"[^"]*"|\\.', "", code)
    if _ELAPSED.search(unquoted):
        return Shown.DURATION
    letters = set(_LITERAL.sub("", code).partition(";")[0])
    has_time = bool(letters & set("hs"))
    if letters & set("yd") or ("m" in letters and not has_time):
        return Shown.DATE
    return Shown.TIME if has_time else Shown.NUMBER


def shown_by_style(
    formats: Iterable[Mapping[str, str]], styles: Iterable[Mapping[str, str]]
) -> list[Shown]:
    """Return how each cell style of a workbook shows numbers, by the style's index.

    Args:
        formats: The attributes of the elements at :data:`FORMAT` in the part of the styles.
        styles: Those at :data:`STYLE`.
    """
    own = {
        element.get("numFmtId", ""): shown_as(element.get("formatCode", "")) for element in formats
    }
    numbers = [element.get("numFmtId", "") for element in styles]
    return [own.get(number) or _BUILT_IN.get(number, Shown.NUMBER) for number in numbers]
