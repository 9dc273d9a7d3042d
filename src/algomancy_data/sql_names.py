"""The names by which queries find the tables of datasets, and the words that can be names."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_WORD: Final = re.compile(
    r"""
    '(?:[^']|'')*'              # a text
    | --[^\n]* | /\*.*?\*/      # a comment
    | "(?P<quoted>(?:[^"]|"")*)"
    | (?P<plain>[^\W\d]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)

_ASKING: Final = ("SELECT", "WITH", "VALUES")


def words_of(sql: str) -> set[str]:
    """Return all words of a statement that can be names, without quotes.

    Example:
        >>> sorted(words_of('''SELECT 'x' FROM "a.t" -- or b'''))
        ['FROM', 'SELECT', 'a.t']
    """
    found = (match["plain"] or match["quoted"] or "" for match in _WORD.finditer(sql))
    return {word.replace('""', '"') for word in found if word}


def problem_of_query(sql: str) -> str | None:
    """Return why a statement is not a mere query, or None.

    Example:
        >>> problem_of_query("/* all */ (SELECT 1)"), problem_of_query("DELETE FROM t")
        (None, "A query begins with SELECT or WITH, not with 'DELETE': it can change nothing.")
    """
    found = [match["plain"] or match["quoted"] for match in _WORD.finditer(sql)]
    first = next((word for word in found if word), "")
    if not first:
        return "The query is empty. Write SELECT … FROM …"
    if first.upper() in _ASKING:
        several = ";" in _WORD.sub("", sql).strip().rstrip("; \n")
        return "A query is one statement, and this is several." if several else None
    return f"A query begins with SELECT or WITH, not with {first!r}: it can change nothing."


def tables_by_name(
    datasets: Mapping[str, Iterable[str]], fold: Callable[[str], str] = str
) -> dict[str, tuple[str, str]]:
    """Return the dataset and table of each name that a query can use.

    A table goes by its own name and by ``dataset.table``; a name that could be that of two tables
    is none's.

    Args:
        datasets: The names of tables by dataset.
        fold: Makes names equal that are the same one where the query runs.

    Example:
        >>> list(tables_by_name({"a": ["t", "u"], "b": ["T"]}))
        ['t', 'a.t', 'u', 'a.u', 'T', 'b.T']
        >>> list(tables_by_name({"a": ["t", "u"], "b": ["T"]}, str.lower))
        ['a.t', 'u', 'a.u', 'b.T']
    """
    names = [
        (name, (dataset, table))
        for dataset, tables in datasets.items()
        for table in tables
        for name in (table, f"{dataset}.{table}")
    ]
    counts = Counter(fold(name) for name, _ in names)
    return {name: where for name, where in names if counts[fold(name)] == 1}
