"""Names of tables and columns: as Python names, and how much one speaks of another table's key."""

from __future__ import annotations

import keyword
import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

# Names that say nothing about the table they are in.
_GENERIC: Final = frozenset(
    {"id", "ids", "key", "code", "no", "nr", "num", "number", "name", "uuid", "guid", "index", "pk"}
)
_SELF: Final = frozenset(
    {"parent", "manager", "boss", "supervisor", "reports", "previous", "next", "root", "original"}
)
_LONGEST_PREFIX: Final = 3
_SAME: Final = 1.0
_TABLE_ONLY: Final = 0.9
_QUALIFIED: Final = 0.8
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


def singular(table: str) -> list[str]:
    """Return the words of a table's name, the last one in the singular.

    Example:
        >>> singular("order-lines"), singular("shop.countries"), singular("address")
        (['order', 'line'], ['country'], ['address'])
    """
    found = words(table.rpartition(".")[2]) or words(table)
    if found:
        found[-1] = _singular(found[-1])
    return found


def shared_prefix(names: Collection[str]) -> str:
    """Return the short first word that all columns of a table share, or nothing.

    Example:
        >>> shared_prefix(["l_orderkey", "l_partkey"]), shared_prefix(["id", "name"])
        ('l', '')
    """
    first = {found[0] if len(found) > 1 else "" for found in map(words, names)}
    if len(names) > 1 and len(first) == 1:
        (prefix,) = first
        return prefix if len(prefix) <= _LONGEST_PREFIX else ""
    return ""


def similarity(
    child: str, parent: str, parent_table: str, prefixes: tuple[str, str] = ("", "")
) -> float:
    """Return from 0 to 1 how much a column's name says that it repeats a key.

    1 for the name of the key, and for the name of its table with that of the key; 0.9 for the
    name of the table alone; 0.8 for either behind further words. A name such as ``id`` says
    nothing by itself.

    Args:
        child: Name of the column.
        parent: Name of the key.
        parent_table: Name of the table that has it.
        prefixes: The prefixes of either table's columns, which do not count.

    Example:
        >>> similarity("customer_id", "id", "customers"), similarity("id", "id", "customers")
        (1.0, 0.0)
        >>> similarity("o_custkey", "c_custkey", "customer", ("o", "c"))
        1.0
    """
    mine, its = _without(child, prefixes[0]), _without(parent, prefixes[1])
    table = singular(parent_table)
    is_generic = set(its) <= _GENERIC
    if not mine or not its:
        return 0.0
    if (mine == its and not is_generic) or "".join(mine) == "".join(table + its):
        return _SAME
    if is_generic and mine == table:
        return _TABLE_ONLY
    endings = [table + its, table] if is_generic else [its]
    return _QUALIFIED if any(_ends(mine, ending) for ending in endings) else 0.0


def refers_to_own_table(child: str, parent: str) -> bool:
    """Tell whether a column's name says that it repeats the key of its own table.

    Example:
        >>> refers_to_own_table("manager_id", "employee_id"), refers_to_own_table("n", "id")
        (True, False)
    """
    mine = words(child)
    return bool(_SELF.intersection(mine)) and (len(mine) == 1 or mine[-1] == words(parent)[-1])


def _without(name: str, prefix: str) -> list[str]:
    found = words(name)
    return found[1:] if prefix and found[:1] == [prefix] else found


def _ends(given: Sequence[str], ending: Sequence[str]) -> bool:
    return bool(ending) and len(given) > len(ending) and list(given[-len(ending) :]) == list(ending)


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > len("ties"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
