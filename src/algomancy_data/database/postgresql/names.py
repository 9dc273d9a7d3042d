"""Names as values in PostgreSQL's queries, and comments that name owners."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_SPECIAL: Final = re.compile(r"[\\'%]")


def as_value(name: str) -> str:
    """Return a quoted name for ``to_regclass``, with ``%`` doubled as part of a statement."""
    return '"' + name.replace('"', '""') + '"'


def as_list(names: Iterable[str]) -> str:
    """Return names for ``json_array_elements_text``."""
    # Not escaped: there are escapes that only UTF-8 has characters for.
    return json.dumps(list(names), ensure_ascii=False)


def comment_on(table: str, text: str) -> str:
    r"""Return the statement that gives a table a comment.

    Whatever ``standard_conforming_strings`` says a backslash is, and whether a driver looks for
    placeholders in a statement, the table gets this very text.

    Args:
        table: Its name, quoted.
        text: The comment.

    Example:
        >>> print(comment_on('"t"', "50 % of \\ and '"))
        COMMENT ON TABLE "t" IS E'50 \x25 of \x5c and \x27'
    """
    escaped = _SPECIAL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    return f"COMMENT ON TABLE {table} IS E'{escaped}'"
