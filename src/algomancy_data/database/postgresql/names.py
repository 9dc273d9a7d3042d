"""Names as values, by which PostgreSQL looks tables up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def as_value(name: str) -> str:
    """Return a name in quotes for ``to_regclass``; as part of a statement, ``%`` is doubled."""
    return '"' + name.replace('"', '""') + '"'


def as_list(names: Iterable[str]) -> str:
    """Return names for ``json_array_elements_text``."""
    # Not escaped: there are escapes that only UTF-8 has characters for.
    return json.dumps(list(names), ensure_ascii=False)
