"""Names of tables and columns in a database.

``ds__<session>__<name>__<sub>`` whenever the three parts are plain. Otherwise the parts are made
plain and shortened, and a hash of the exact triple follows, so that two triples never share a
table. The catalogue records the result; nothing takes it apart again.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

ROW_ID: Final = "_rowid_"
"""SQLite's name of the row number, which no column may hide."""

NO_COLUMNS: Final = "no_columns"
"""The one column of a table whose frame has none, since SQL knows no such table."""

_PREFIX: Final = "ds"
_JOINT: Final = "__"
_PARTS: Final = 3  # session, dataset, table
TABLE_PREFIX: Final = f"{_PREFIX}{_JOINT}"
"""How the name of every data table begins."""

# PostgreSQL cuts longer names silently; the same names everywhere let a dataset move.
_MAX_BYTES: Final = 63
_HASH_DIGITS: Final = 16
_PART_CHARACTERS: Final = 12
_PLAIN: Final = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)*")
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9]+")


def table_name(session: str, dataset: str, table: str) -> str:
    """Return the table's name.

    Example:
        >>> table_name("demo", "nycflights13", "flights")
        'ds__demo__nycflights13__flights'
        >>> table_name("demo", "a-b", "t") != table_name("demo", "a_b", "t")
        True
    """
    parts = (session, dataset, table)
    name = _JOINT.join((_PREFIX, *parts))
    plain = all(_PLAIN.fullmatch(part) for part in parts) and len(name) <= _MAX_BYTES
    return name if plain else hashed_table_name(session, dataset, table)


def hashed_table_name(session: str, dataset: str, table: str) -> str:
    """Return a name with a hash, for a plain one that is taken when case is ignored.

    It has one part more than a plain name, so it is never anybody's plain name.
    """
    parts = (session, dataset, table)
    # Lengths in front keep ("ab", "c") and ("a", "bc") apart.
    exact = "".join(f"{len(part)}:{part}" for part in parts).encode()
    digest = hashlib.sha256(exact).hexdigest()[:_HASH_DIGITS]
    return _JOINT.join((_PREFIX, *(_slug(part) for part in parts), digest))


def is_plain_name_of(session: str, physical: str) -> bool:
    """Tell whether a name is a plain one of that session, for whatever dataset and table.

    Example:
        >>> is_plain_name_of("demo", "ds__demo__a__t"), is_plain_name_of("de", "ds__demo__a__t")
        (True, False)
    """
    prefix, *parts = physical.split(_JOINT)
    plain = all(_PLAIN.fullmatch(part) for part in parts)
    return prefix == _PREFIX and len(parts) == _PARTS and parts[0] == session and plain


def column_names(columns: Iterable[str]) -> list[str]:
    """Return a distinct name for each column: its own, wherever a table can have it.

    SQL ignores the case of ASCII letters, and a column named like the row number would hide
    it. Such a column, and one without a name or with a NUL character in it, gets a plain name.

    Example:
        >>> column_names(["Name", "name", ""])
        ['Name', 'column_1_name', 'column_2']
    """
    taken = {ROW_ID}
    names: list[str] = []
    wanted = list(columns)
    reserved = {_fold(column) for column in wanted}
    for position, column in enumerate(wanted):
        name = column
        if not column or "\0" in column or _fold(column) in taken:
            slug = _slug(column)
            name = f"column_{position}_{slug}" if slug else f"column_{position}"
            while _fold(name) in taken | reserved:
                name += "_"
        taken.add(_fold(name))
        names.append(name)
    return names


def free_column_name(wanted: str, taken: Iterable[str]) -> str:
    """Return ``wanted``, with underscores behind it while a column has that name."""
    folded = {_fold(name) for name in taken}
    while _fold(wanted) in folded:
        wanted += "_"
    return wanted


def _slug(part: str) -> str:
    return _NOT_PLAIN.sub("_", part)[:_PART_CHARACTERS].strip("_")


def _fold(name: str) -> str:
    """Return the name as SQLite compares it: ASCII letters in lower case."""
    return name.translate(_ASCII_LOWER)


_ASCII_LOWER: Final = {ord(letter): ord(letter.lower()) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
