"""Which rows break which rules: all rules of a table in one query, whatever its size.

The streaming engine takes rows some at a time, so that of a mapped table little is in memory. Rules
on groups keep something of each group meanwhile: of a large table the groups are divided by a hash
of their keys, and each part is looked at by itself.
"""

from __future__ import annotations

from collections import defaultdict
from functools import reduce
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from algomancy_data.relations.partitions import KeyLimits
    from algomancy_data.schema.rules import Rule

_HASH_FACTOR: Final = pl.lit(0x9E37_79B9_7F4A_7C15, pl.UInt64)


def rows_by_rule(
    table: pl.LazyFrame, height: int, rules: Sequence[Rule], limits: KeyLimits
) -> list[pl.Series]:
    """Return the numbers of the rows that break each rule, ascending (UInt32 or UInt64).

    A row breaks a rule that is false for it, and one on groups that is false for its group.

    Args:
        table: The columns of a table that its schema declares.
        height: How many rows it has.
        rules: The rules.
        limits: From which size on groups are looked at in parts.

    Raises:
        PolarsError: A rule cannot be evaluated on these rows.
    """
    schema = table.collect_schema()
    row = _unused_name(schema.names())
    breaks: defaultdict[tuple[str, ...], dict[str, pl.Expr]] = defaultdict(dict)
    for number, rule in enumerate(rules):
        is_broken = rule.passes(schema).cast(pl.Boolean).not_().fill_null(value=False)
        breaks[rule.group_by][f"{row}{number}"] = is_broken
    found: defaultdict[str, list[pl.Series]] = defaultdict(list)
    for queries in _queries(table, row, breaks, parts=-(-height // limits.large)):
        for rows in pl.collect_all(queries, engine="streaming"):
            for name in rows.columns[1:]:
                found[name].append(rows[row].filter(rows[name]))
    nothing = pl.Series(row, [], pl.get_index_type())
    by_rule = (found.get(f"{row}{number}") or [nothing] for number in range(len(rules)))
    return [pl.concat(series).sort() for series in by_rule]


def _queries(
    table: pl.LazyFrame,
    row: str,
    breaks: dict[tuple[str, ...], dict[str, pl.Expr]],
    parts: int,
) -> Iterator[list[pl.LazyFrame]]:
    """Yield the queries that run together; each gives numbers of rows, and which rules they break.

    Args:
        table: The table.
        row: Name of the column with the numbers.
        breaks: What is true for rows that break a rule, by its name, by the keys of its groups.
        parts: Into how many parts groups are divided.
    """
    on_groups = [(keys, named) for keys, named in breaks.items() if keys]
    at_once = [_on_rows(table, row, breaks[()])] if () in breaks else []
    if parts <= 1:
        numbered = table.with_row_index(row)
        at_once += [_on_groups(table, numbered, keys, named) for keys, named in on_groups]
    if at_once:
        yield at_once
    for part in range(parts) if parts > 1 else ():
        for keys, named in on_groups:
            is_inside = _hash(keys) % parts == part
            numbered = table.with_row_index(row).filter(is_inside)
            yield [_on_groups(table.filter(is_inside), numbered, keys, named)]


def _on_rows(table: pl.LazyFrame, row: str, named: dict[str, pl.Expr]) -> pl.LazyFrame:
    judged = table.with_columns(**named).select(*named)
    return judged.with_row_index(row).filter(pl.any_horizontal(*named))


def _on_groups(
    table: pl.LazyFrame, numbered: pl.LazyFrame, keys: Sequence[str], named: dict[str, pl.Expr]
) -> pl.LazyFrame:
    groups = table.group_by(keys).agg(**named).filter(pl.any_horizontal(*named))
    members = numbered.join(groups, on=list(keys), how="inner", nulls_equal=True)
    row = next(iter(numbered.collect_schema()))
    return members.select(row, *named)


def _hash(keys: Sequence[str]) -> pl.Expr:
    hashes = (pl.col(name).hash() for name in keys)
    return reduce(lambda one, other: one * _HASH_FACTOR + other, hashes)  # wraps around


def _unused_name(names: Sequence[str]) -> str:
    """Return a name with which no other begins."""
    unused = "row"
    while any(name.startswith(unused) for name in names):
        unused += "_"
    return unused
