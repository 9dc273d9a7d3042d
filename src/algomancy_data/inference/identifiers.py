"""Python names for what files call their tables and columns."""

from __future__ import annotations

import keyword
import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LONGEST: Final = 60
# What a module of schemas has names for already.
_TAKEN: Final = frozenset(
    {"Column", "ColumnGroup", "CSVDialect", "DataType", "FileExtension", "Schema", "SchemaType"}
)


def words(name: str) -> list[str]:
    """Return the words of a name in lower case, without accents.

    Example:
        >>> words("orderID"), words("Größe (cm)"), words("l_partkey2")
        (['order', 'id'], ['grosse', 'cm'], ['l', 'partkey', '2'])
    """
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    return [word.lower() for word in _WORD.findall(plain.encode("ascii", "ignore").decode())]


def attribute_names(names: Sequence[str], stem: str) -> list[str]:
    """Return an upper-case identifier for each name, no two of them the same.

    No method of a schema is in upper case, and no private attribute of it begins with a letter,
    so none of them is hidden.

    Args:
        names: The names, in order.
        stem: What a name without any usable letter becomes, with its position.

    Example:
        >>> attribute_names(["order id", "Order ID", "2013", "価格", "class"], "COLUMN")
        ['ORDER_ID', 'ORDER_ID_2', 'COLUMN_2013', 'COLUMN_4', 'CLASS']
    """
    wanted = [
        _cut("_".join(_word_by_word(name))).upper() or f"{stem}_{position}"
        for position, name in enumerate(names, 1)
    ]
    return _distinct([f"{stem}_{name}" if name[0].isdigit() else name for name in wanted], "_")


def class_names(names: Sequence[str]) -> list[str]:
    """Return a class name for each name, no two of them the same.

    Example:
        >>> class_names(["order-lines", "2024 sales", "schema", "none"])
        ['OrderLines', 'Table2024Sales', 'SchemaTable', 'NoneTable']
    """
    found: list[str] = []
    for position, name in enumerate(names, 1):
        wanted = _cut("".join(word.capitalize() for word in words(name))) or f"Table{position}"
        if wanted[0].isdigit():
            wanted = f"Table{wanted}"
        if keyword.iskeyword(wanted) or wanted in _TAKEN:
            wanted = f"{wanted}Table"
        found.append(wanted)
    return _distinct(found, "")


def _word_by_word(name: str) -> list[str]:
    """Return the words of a name; digits stay with the letters before them."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore")
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain.decode())
    return re.findall(r"[A-Za-z0-9]+", spaced)


def _cut(name: str) -> str:
    return name[:_LONGEST].rstrip("_")


def _distinct(names: Iterable[str], between: str) -> list[str]:
    given = list(names)
    taken: dict[str, None] = {}
    for name in given:
        new, number = name, 1
        while new in taken or (number > 1 and new in given):
            number += 1
            new = f"{name}{between}{number}"
        taken[new] = None
    return list(taken)
