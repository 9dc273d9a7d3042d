"""Which rows break which rules: all rules of a table in one query, whatever its size.

The streaming engine takes rows some at a time, so that of a mapped table little is in memory, and
of groups, too, it keeps what has bounds: 180 MB for 19 million groups of 60 million rows.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algomancy_data.schema.rules import Rule


def rows_by_rule(table: pl.LazyFrame, rules: Sequence[Rule]) -> list[pl.Series]:
    """Return the numbers of the rows that break each rule, ascending (UInt32 or UInt64).

    A row breaks a rule that is false for it, and one on groups that is false for its group.

    Args:
        table: The columns of a table that its schema declares.
        rules: The rules.

    Raises:
        PolarsError: A rule cannot be evaluated on these rows.
    """
    schema = table.collect_schema()
    row = _unused_name(schema.names())
    breaks: defaultdict[tuple[str, ...], dict[str, pl.Expr]] = defaultdict(dict)
    for number, rule in enumerate(rules):
        is_broken = rule.passes(schema).cast(pl.Boolean).not_().fill_null(value=False)
        breaks[rule.group_by][f"{row}{number}"] = is_broken
    queries = [
        _on_groups(table, row, keys, named) if keys else _on_rows(table, row, named)
        for keys, named in breaks.items()
    ]
    found: dict[str, pl.Series] = {}
    for rows in pl.collect_all(queries, engine="streaming"):
        for name in rows.columns[1:]:
            found[name] = rows[row].filter(rows[name]).sort()
    return [found[f"{row}{number}"] for number in range(len(rules))]


def _on_rows(table: pl.LazyFrame, row: str, named: dict[str, pl.Expr]) -> pl.LazyFrame:
    judged = table.with_columns(**named).select(*named)
    return judged.with_row_index(row).filter(pl.any_horizontal(*named))


def _on_groups(
    table: pl.LazyFrame, row: str, keys: Sequence[str], named: dict[str, pl.Expr]
) -> pl.LazyFrame:
    groups = table.group_by(keys).agg(**named).filter(pl.any_horizontal(*named))
    members = table.select(keys).with_row_index(row)
    broken = members.join(groups, on=list(keys), how="inner", nulls_equal=True)
    return broken.select(row, *named)


def _unused_name(names: Sequence[str]) -> str:
    """Return a name with which no other begins."""
    unused = "row"
    while any(name.startswith(unused) for name in names):
        unused += "_"
    return unused
