"""How a number is written: signs, thousands, and which mark separates its fraction.

Text is read in one of two ways, the same for all values of a column: with a decimal point (and
``1,234,567`` for a million) or with a decimal comma (and ``1.234.567``). Spaces, apostrophes and
underscores between thousands mean the same in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

GROUP_MARK: Final = {".": ",", ",": "."}
# Space, no-break space, thin space, narrow no-break space, apostrophes, underscore.
_NEUTRAL_MARKS: Final = " \u00a0\u2009\u202f'\u2019_"
_MINUS: Final = "\u2212"
DECLARE_MARK: Final = 'Declare _CSV = CSVDialect(decimal_mark=".") or (decimal_mark=",").'

# What people write around numbers, and what to say about it; the first that occurs is said.
_ORNAMENTS: Final = {
    "%": "A percent sign is no part of a number: write 0.05 for 5 %.",
    r"\p{Sc}|\b[A-Z]{3}\b": "A currency is no part of a number: give it a column of its own.",
    r"^\(.*\)$|[0-9][-\x{2212}]$": "Write a negative number with the minus sign in front of it.",
}


def _pattern(mark: str, neutral_marks: str) -> str:
    """Return the pattern of a number with this decimal mark, thousands perhaps in groups."""
    groups = "|".join(
        rf"[1-9][0-9]{{0,2}}(?:[{group}][0-9]{{3}})+" for group in GROUP_MARK[mark] + neutral_marks
    )
    # Lakhs and crores: 12,34,567.
    indian = r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}" if mark == "." else ""
    whole = rf"(?:{groups}{indian}|[0-9]+)"
    return rf"^[+\-{_MINUS}]?(?:{whole}(?:[{mark}][0-9]*)?|[{mark}][0-9]+)(?:[eE][+-]?[0-9]+)?$"


# Most columns have no neutral marks, and the shorter patterns take half the time.
_SHORT: Final = {mark: _pattern(mark, "") for mark in GROUP_MARK}
_FULL: Final = {mark: _pattern(mark, _NEUTRAL_MARKS) for mark in GROUP_MARK}


def patterns(numbers: pl.Series) -> dict[str, str]:
    """Return the pattern that these texts fit if they are numbers, by decimal mark."""
    return _FULL if numbers.str.contains(f"[{_NEUTRAL_MARKS}]").any() else _SHORT


def decimal_mark(
    numbers: pl.Series, declared: str | None, *, points_too: bool = False
) -> tuple[str, pl.Series | None]:
    """Return the decimal mark of a column, and which values could be read with the other one.

    Args:
        numbers: Texts without outer white space.
        declared: The mark that the dialect declares.
        points_too: ``1.234`` is as ambiguous as ``1,234``; otherwise it is 1.234.

    Returns:
        The mark, and None or a Boolean column: the values that have two readings, if all
        values of the column fit both.
    """
    if declared is not None:
        return declared, None
    separated = numbers.str.contains("," if not points_too else "[,.]")
    if not separated.any():
        return ".", None
    fitting = patterns(numbers).items()
    misfits = {mark: (~numbers.str.contains(pattern)).sum() for mark, pattern in fitting}
    if misfits == {".": 0, ",": 0}:
        return ",", separated.fill_null(value=False)
    return min(misfits, key=misfits.__getitem__), None


def plain(numbers: pl.Series, mark: str) -> pl.Series:
    """Return the numbers without groups and with a decimal point; null where they are none."""
    fits = numbers.str.contains(patterns(numbers)[mark])
    fitting = numbers if fits.all() else numbers.set(~fits, None)
    text = fitting.str.replace_all(f"[{GROUP_MARK[mark]}{_NEUTRAL_MARKS}]", "")
    if mark != ".":
        text = text.str.replace(mark, ".", literal=True)
    return text.str.replace(_MINUS, "-", literal=True)


def advice_on(refused: pl.Series) -> str:
    """Return what to do about texts that are no numbers, if it is plain what they are meant for."""
    for ornament, advice in _ORNAMENTS.items():
        if refused.str.contains(ornament).any():
            return advice
    return ""
