"""The words of an SQL statement that can be names of tables."""

from __future__ import annotations

import re
from typing import Final

_WORD: Final = re.compile(
    r"""
    '(?:[^']|'')*'              # a text
    | --[^\n]* | /\*.*?\*/      # a comment
    | "(?P<quoted>(?:[^"]|"")*)"
    | (?P<plain>[^\W\d]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)


def words_of(sql: str) -> set[str]:
    """Return all words of a statement, quoted ones without their quotes; more are no names.

    Example:
        >>> sorted(words_of('''SELECT 'x' FROM "a.t" -- or b'''))
        ['FROM', 'SELECT', 'a.t']
    """
    found = (match["plain"] or match["quoted"] or "" for match in _WORD.finditer(sql))
    return {word.replace('""', '"') for word in found if word}
