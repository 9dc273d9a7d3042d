"""Numbers, sizes, times and texts as people read them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_LONGEST: Final = 80
_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")
_KILO: Final = 1000


def counted(count: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun.

    Args:
        count: The number.
        one: What goes with 1.
        several: What goes with other numbers; an ``s`` more if it is not given.

    Example:
        >>> counted(1, "row"), counted(1000, "row"), counted(2, "cell shows", "cells show")
        ('1 row', '1,000 rows', '2 cells show')
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def meant(name: str, names: Iterable[str]) -> str:
    """Return the question whether the nearest of some names is meant, or nothing.

    Example:
        >>> meant("Peeple", ["orders", "people"]), meant("x", ["orders"])
        (" Is 'people' meant?", '')
    """
    near = nearest(name, names)
    return f" Is {near!r} meant?" if near else ""


def nearest(name: str, names: Iterable[str], least: float = 0.6) -> str:
    """Return the nearest of some names, ignoring case, or nothing.

    Args:
        name: The name.
        names: Those that may be meant.
        least: How near it must be: 1 is the same.

    Example:
        >>> nearest("ODERS", ["orders", "people"]), nearest("x", ["orders"])
        ('orders', '')
    """
    folded = {one.lower(): one for one in names}
    near = get_close_matches(name.lower(), folded, 1, least)
    return folded[near[0]] if near else ""


def left_out(count: int, what: str) -> str:
    """Return a note on things that are not shown, or nothing.

    Example:
        >>> left_out(2, "more table"), left_out(0, "more table")
        ('… and 2 more tables.', '')
    """
    return f"… and {counted(count, what)}." if count > 0 else ""


def size_text(count: int) -> str:
    """Return a number of bytes.

    Example:
        >>> size_text(999), size_text(1_234_567), size_text(10**20)
        ('999 B', '1.2 MB', '100,000.0 PB')
    """
    if count < _KILO:
        return f"{count} {_UNITS[0]}"
    size, unit = float(count), 0
    while size >= _KILO and unit < len(_UNITS) - 1:
        size, unit = size / _KILO, unit + 1
    return f"{size:,.1f} {_UNITS[unit]}"


def time_text(time: datetime) -> str:
    """Return a date and a time to the minute.

    Example:
        >>> import datetime as dt
        >>> time_text(dt.datetime(2024, 2, 29, 12, 30, 59))
        '2024-02-29 12:30'
    """
    return f"{time:%Y-%m-%d %H:%M}"


def printable(text: str) -> str:
    r"""Return a text with control characters escaped, which could move the cursor, or worse.

    Example:
        >>> printable("a\tb")
        'a\\tb'
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in text
    )


def short_text(text: str, longest: int = _LONGEST) -> str:
    r"""Return a text with visible control characters, cut if it is long.

    Example:
        >>> short_text("a\tb"), short_text("x" * 9, longest=4)
        ('a\\tb', 'xxxx…')
    """
    return printable(text if len(text) <= longest else f"{text[:longest]}…")
