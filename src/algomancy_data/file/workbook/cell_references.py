"""References to cells, such as ``BC17``."""

from __future__ import annotations

import re
from typing import Final

from algomancy_data.errors import FileContentError

ROWS: Final = 1_048_576
"""The rows that a sheet can have."""
COLUMNS: Final = 16_384
"""The columns that a sheet can have; the last one is ``XFD``."""

_REFERENCE: Final = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_LETTERS: Final = 26


def cell_at(reference: str) -> tuple[int, int]:
    """Return the row and the column of a reference, both from 0.

    Raises:
        FileContentError: It refers to no cell that a sheet can have.

    Example:
        >>> cell_at("BC17")
        (16, 54)
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        msg = f"a cell at {reference[:20]!r}, which is no cell of a sheet"
        raise FileContentError(msg)
    row, column = int(match[2]) - 1, column_number(match[1])
    if not (0 <= row < ROWS and column < COLUMNS):
        msg = f"a cell at {reference!r}; a sheet ends at 'XFD1048576'"
        raise FileContentError(msg)
    return row, column


def column_number(letters: str) -> int:
    """Return the number of a column, from 0.

    Example:
        >>> column_number("A"), column_number("XFD")
        (0, 16383)
    """
    number = 0
    for letter in letters.upper():
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return number - 1


def column_letters(number: int) -> str:
    """Return the letters of a column.

    Example:
        >>> column_letters(0), column_letters(16383)
        ('A', 'XFD')
    """
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, _LETTERS)
        letters = chr(ord("A") + rest) + letters
    return letters


def beyond(column: int, row: int) -> str:
    r"""Return a pattern for references, with upper-case letters, outside a range from A1.

    Args:
        column: The last column of the range, from 0.
        row: Its last row, from 0.

    Example:
        >>> pattern = re.compile(beyond(2, 41))
        >>> [ref for ref in ("A1", "C42", "D1", "C43", "AA1", "B100") if pattern.fullmatch(ref)]
        ['D1', 'C43', 'AA1', 'B100']
    """
    letters = _greater(column_letters(column), "A", "Z")
    digits = _greater(str(row + 1), "0", "9")
    return f"(?:{letters})[0-9]+|[A-Z]+(?:{digits})"


def _greater(text: str, first: str, last: str) -> str:
    """Return a pattern for what is longer than a text, or as long and greater."""
    every = f"[{first}-{last}]"
    found = [f"{every}{{{len(text) + 1},}}"]
    for position, character in enumerate(text):
        if character < last:
            rest = len(text) - position - 1
            found.append(f"{text[:position]}[{chr(ord(character) + 1)}-{last}]{every}{{{rest}}}")
    return "|".join(found)
