"""Names of tables and columns in a database, and whose a table is.

``ds__<session>__<name>__<sub>``, the three parts as the user wrote them: names are always quoted.
A hash of the exact triple follows where the plain name could mean two triples, or is longer than
the database allows, so that two triples never share a table. The catalogue records the result;
nothing takes it apart again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

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

_LIMITS: Final = (63, 9999)
"""Bytes that a name may have in PostgreSQL, and in SQLite as SQLAlchemy knows it."""

_HASH_CHARACTERS: Final = 13  # 65 bits
_UUID: Final = re.compile(r"([0-9a-f]{8})(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_UUID_CHARACTERS: Final = 36
_LEAST_BYTES: Final = 8  # of a part that is shortened
_PART_CHARACTERS: Final = 12
# NUL, which no database has in a name, and what SQLAlchemy would fill in wherever it stands.
_UNSAYABLE: Final = re.compile(r"\0|%(?=\()|\[(?=POSTCOMPILE_)")
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9]+")


def table_name(session: str, dataset: str, table: str, limit: int = max(_LIMITS)) -> str:
    """Return the table's name.

    Args:
        session: Name of the session.
        dataset: Name of the dataset.
        table: Name of the table in the dataset.
        limit: Bytes that a name may have.

    Example:
        >>> table_name("demo", "My flights", "2013-01.csv")
        'ds__demo__My flights__2013-01.csv'
        >>> table_name("demo", "a__b", "t").startswith("ds__demo__a__b__t__")
        True
    """
    parts = (session, dataset, table)
    name = _JOINT.join((_PREFIX, *parts))
    if all(map(_is_plain, parts)) and len(name.encode()) <= limit:
        return name
    return hashed_table_name(session, dataset, table, limit)


def hashed_table_name(session: str, dataset: str, table: str, limit: int = max(_LIMITS)) -> str:
    """Return a name with a hash, for when the plain one is taken in another case.

    It has one part more than a plain name, or an empty part, so it is never anybody's plain
    name. What is too long is shortened: first the session, a UUID to its first group, then the
    dataset, then the table.
    """
    end = f"{_JOINT}{_hash(session, dataset, table)}"
    parts = [_UNSAYABLE.sub("", part) for part in (session, dataset, table)]
    room = limit - len(TABLE_PREFIX) - (_PARTS - 1) * len(_JOINT) - len(end)
    for place, part in enumerate(parts):
        excess = sum(len(one.encode()) for one in parts) - room
        if excess <= 0:
            break
        if place == 0 and (uuid := _UUID.fullmatch(part)):
            parts[0] = uuid[1]
        else:
            length = max(len(part.encode()) - excess, _LEAST_BYTES)
            parts[place] = part.encode()[:length].decode(errors="ignore")
    return TABLE_PREFIX + _JOINT.join(parts) + end


def ascii_table_name(session: str, dataset: str, table: str, limit: int = min(_LIMITS)) -> str:
    """Return a name of letters, digits and underscores, with a hash.

    It is for a database whose encoding may lack a character, and was for all names that are not
    made of such characters before: stores that were written then still have it.
    """
    kept = re.sub(r"\W", "_", session, flags=re.ASCII)
    start = TABLE_PREFIX + (kept if len(kept) <= _UUID_CHARACTERS else _slug(session)) + _JOINT
    end = f"{_JOINT}{_hash(session, dataset, table)}"
    room = (limit - len(start) - len(_JOINT) - len(end)) // 2
    dataset, table = (_slug(part, room).lower() for part in (dataset, table))
    return f"{start}{dataset}{_JOINT}{table}{end}"


def is_name_of(session: str, dataset: str, table: str, physical: str) -> bool:
    """Tell whether a name is, or ever was, one that a table of a triple can have.

    Example:
        >>> is_name_of("demo", "a", "t", "ds__demo__a__t")
        True
        >>> is_name_of("demo", "a", "t", "ds__demo__a__t__backup")
        False
    """
    return any(
        physical == naming(session, dataset, table, limit)
        for naming in (table_name, hashed_table_name, ascii_table_name)
        for limit in _LIMITS
    )


def is_plain_name_of(session: str, physical: str) -> bool:
    """Tell whether a name is a plain one of a session, for any dataset and table.

    Example:
        >>> is_plain_name_of("demo", "ds__demo__a__t"), is_plain_name_of("de", "ds__demo__a__t")
        (True, False)
    """
    prefix, *parts = physical.split(_JOINT)
    is_plain = all(map(_is_plain, parts))
    return prefix == _PREFIX and len(parts) == _PARTS and parts[0] == session and is_plain


def column_names(columns: Iterable[str]) -> list[str]:
    """Return a distinct name for each column: its own, wherever possible.

    SQL ignores the case of ASCII letters, and a column named like the row number would hide
    it. Such a column, and one without a name or with a NUL character in it, gets a plain name,
    and so does the rare one that SQLAlchemy would take for a template (``%(name)s``).

    Example:
        >>> column_names(["Name", "name", ""])
        ['Name', 'column_1_name', 'column_2']
    """
    taken = {ROW_ID}
    names: list[str] = []
    wanted = list(columns)
    folded = list(map(_fold, wanted))
    reserved = set(folded)
    for position, (column, fold) in enumerate(zip(wanted, folded, strict=True)):
        name = column
        if not column or _UNSAYABLE.search(column) or fold in taken:
            slug = _slug(column)
            name = f"column_{position}_{slug}" if slug else f"column_{position}"
            while (fold := _fold(name)) in taken | reserved:
                name += "_"
        taken.add(fold)
        names.append(name)
    return names


def free_column_name(wanted: str, taken: Iterable[str]) -> str:
    """Return ``wanted``, with underscores behind it while a column has that name."""
    folded = {_fold(name) for name in taken}
    while _fold(wanted) in folded:
        wanted += "_"
    return wanted


def _is_plain(part: str) -> bool:
    """Tell whether a part of a name is unambiguous."""
    return (
        bool(part)
        and not {part[0], part[-1]} & {"_"}
        and _JOINT not in part
        and not _UNSAYABLE.search(part)
        # Of two texts that look the same, one.
        and unicodedata.is_normalized("NFC", part)
    )


def _hash(*parts: str) -> str:
    # Lengths in front keep ("ab", "c") and ("a", "bc") apart.
    exact = "".join(f"{len(part)}:{part}" for part in parts).encode()
    digest = base64.b32encode(hashlib.sha256(exact).digest()).decode().lower()
    return digest[:_HASH_CHARACTERS]


def _slug(part: str, room: int = _PART_CHARACTERS) -> str:
    return _NOT_PLAIN.sub("_", part)[: min(room, _PART_CHARACTERS)].strip("_")


def _fold(name: str) -> str:
    """Return the name as SQLite compares it: ASCII letters in lower case."""
    return name.translate(_ASCII_LOWER)


_ASCII_LOWER: Final = {ord(letter): ord(letter.lower()) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


_OWNER_PREFIX: Final = "algomancy-data:"


class DatasetOwner(NamedTuple):
    """A dataset, to which tables belong.

    Args:
        session: The session.
        dataset: Name of the dataset.
    """

    session: str
    dataset: str


class TableOwner(NamedTuple):
    """The dataset and table that an SQL table holds, as its own comment says.

    A name proves little: anybody can make a copy and call it ``ds__demo__orders__backup``. Tables
    of this package carry session, dataset and table in a comment, which copies do not.

    Args:
        session: The session.
        dataset: Name of the dataset.
        table: Logical name of the table.
    """

    session: str
    dataset: str
    table: str

    def is_on(self, physical: str) -> bool:
        """Tell whether a name is one that this table can have."""
        return is_name_of(*self, physical)

    def owns(self, physical: str, found: TableOwner | None) -> bool:
        """Tell whether an SQL table is the one of this owner.

        Args:
            physical: Its name.
            found: The owner that its comment names. None if it has none, as in a database that was
                restored without comments; then the name decides.
        """
        return self.is_on(physical) if found is None else found == self

    def to_text(self) -> str:
        r"""Return the comment, in ASCII and safe in any SQL.

        Example:
            >>> TableOwner("s", "*/", "t").to_text()
            'algomancy-data:["s", "*\\/", "t"]'
        """
        return _OWNER_PREFIX + json.dumps(list(self)).replace("/", r"\/")


def read_owner(text: str | None) -> TableOwner | None:
    """Return the owner that a comment names, or None.

    Example:
        >>> read_owner(TableOwner("s", "*/", "t").to_text())
        TableOwner(session='s', dataset='*/', table='t')
        >>> read_owner("a comment of somebody's")
    """
    if text is None or not text.startswith(_OWNER_PREFIX):
        return None
    try:
        return TableOwner(*map(str, json.loads(text.removeprefix(_OWNER_PREFIX))))
    except (TypeError, ValueError):
        return None
