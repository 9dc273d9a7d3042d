"""Similarity of names: how much a column's name suggests the key of another table."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

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


def words(name: str) -> list[str]:
    """Return the words of a name in lower case, without accents.

    Example:
        >>> words("orderID"), words("Größe (cm)"), words("l_partkey2")
        (['order', 'id'], ['grosse', 'cm'], ['l', 'partkey', '2'])
    """
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    return [word.lower() for word in _WORD.findall(plain.encode("ascii", "ignore").decode())]


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
    """Return from 0 to 1 how much a column's name suggests that it refers to a key.

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
    """Tell whether a column's name says that it refers to the key of its own table.

    Example:
        >>> refers_to_own_table("manager_id", "employee_id"), refers_to_own_table("n", "id")
        (True, False)
    """
    mine = words(child)
    return speaks_of_own_table(child) and (len(mine) == 1 or mine[-1] == words(parent)[-1])


def speaks_of_own_table(column: str) -> bool:
    """Tell whether a column's name may refer to another row of its table.

    Example:
        >>> speaks_of_own_table("manager_id"), speaks_of_own_table("employee_id")
        (True, False)
    """
    return bool(_SELF.intersection(words(column)))


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
