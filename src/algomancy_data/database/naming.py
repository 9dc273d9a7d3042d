"""Names of tables and columns in a database.

``ds__<session>__<name>__<sub>`` whenever the three parts are plain. Otherwise the parts are made
plain and shortened, and a hash of the exact triple follows, so that two triples never share a
table. The catalogue records the result; nothing takes it apart again, but whoever deletes a
session finds its tables by ``ds__<session>__``, with ``_`` for what is no letter or digit: the
framework's SessionManager does so, with session names of 36 characters.
"""

from __future__ import annotations

import base64
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
_HASH_CHARACTERS: Final = 13  # 65 bits
_PART_CHARACTERS: Final = 12
_SESSION_CHARACTERS: Final = 36  # a UUID
_PLAIN: Final = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)*")
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9]+")
_NOT_IN_SESSION: Final = re.compile(r"[^A-Za-z0-9_]")
_IMPOSSIBLE: Final = re.compile(r"\0|%\([^)]+\)s|__\[POSTCOMPILE_")


def table_name(session: str, dataset: str, table: str, limit: int = _MAX_BYTES) -> str:
    """Return the table's name.

    Args:
        session: Name of the session.
        dataset: Name of the dataset.
        table: Name of the table in the dataset.
        limit: Bytes that a name with a hash may take, if the database allows more than 63.

    Example:
        >>> table_name("demo", "nycflights13", "flights")
        'ds__demo__nycflights13__flights'
        >>> table_name("demo", "a-b", "t") != table_name("demo", "a_b", "t")
        True
    """
    parts = (session, dataset, table)
    name = _JOINT.join((_PREFIX, *parts))
    plain = all(_PLAIN.fullmatch(part) for part in parts) and len(name) <= _MAX_BYTES
    return name if plain else hashed_table_name(session, dataset, table, limit)


def hashed_table_name(session: str, dataset: str, table: str, limit: int = _MAX_BYTES) -> str:
    """Return a name with a hash, for a plain one that is taken when case is ignored.

    It has one part more than a plain name, or an empty part, so it is never anybody's plain
    name. Behind the session it is in lower case, for statements that do not quote it.
    """
    parts = (session, dataset, table)
    # Lengths in front keep ("ab", "c") and ("a", "bc") apart.
    exact = "".join(f"{len(part)}:{part}" for part in parts).encode()
    digest = base64.b32encode(hashlib.sha256(exact).digest()).decode().lower()
    kept = _NOT_IN_SESSION.sub("_", session)
    if len(kept) > _SESSION_CHARACTERS:
        kept = _slug(session)
    start, end = f"{_PREFIX}{_JOINT}{kept}{_JOINT}", f"{_JOINT}{digest[:_HASH_CHARACTERS]}"
    room = (limit - len(start) - len(_JOINT) - len(end)) // 2
    dataset, table = (_slug(part, room).lower() for part in (dataset, table))
    return f"{start}{dataset}{_JOINT}{table}{end}"


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
    it. Such a column, and one without a name, with a NUL character in it or with what SQLAlchemy
    takes for a parameter, gets a plain name.

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
        if not column or _IMPOSSIBLE.search(column) or _fold(column) in taken:
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


def _slug(part: str, room: int = _PART_CHARACTERS) -> str:
    return _NOT_PLAIN.sub("_", part)[: min(room, _PART_CHARACTERS)].strip("_")


def _fold(name: str) -> str:
    """Return the name as SQLite compares it: ASCII letters in lower case."""
    return name.translate(_ASCII_LOWER)


_ASCII_LOWER: Final = {ord(letter): ord(letter.lower()) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
