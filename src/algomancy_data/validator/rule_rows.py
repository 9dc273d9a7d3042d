"""Which rows break which rules: all rules of a table in one query.

The streaming engine reads rows in batches, so little of a mapped table is in memory. Rules on
groups keep about 70 bytes per group; groups of a large table are partitioned by a hash of their
keys, and each part is checked on its own.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.relations.partitions import key_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algomancy_data.schema.rules import Rule


def rows_by_rule(table: pl.LazyFrame, rules: Sequence[Rule], parts: int = 1) -> list[pl.Series]:
    """Return the numbers of the rows that break each rule, ascending (UInt32 or UInt64).

    A row breaks a rule that is false for it, and one on groups that is false for its group.

    Args:
        table: The columns of a table that its schema declares.
        rules: The rules.
        parts: Into how many parts groups are divided.

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
    for part in range(parts):
        queries = [
            _on_groups(table, row, keys, named, part, parts)
            if keys
            else _on_rows(table, row, named)
            for keys, named in breaks.items()
            if keys or part == 0
        ]
        for rows in pl.collect_all(queries, engine="streaming"):
            for name in rows.columns[1:]:
                found[name].append(rows[row].filter(rows[name]))
    return [pl.concat(found[f"{row}{number}"]).sort() for number in range(len(rules))]


def _on_rows(table: pl.LazyFrame, row: str, named: dict[str, pl.Expr]) -> pl.LazyFrame:
    judged = table.with_columns(**named).select(*named)
    return judged.with_row_index(row).filter(pl.any_horizontal(*named))


def _on_groups(
    table: pl.LazyFrame,
    row: str,
    keys: Sequence[str],
    named: dict[str, pl.Expr],
    part: int,
    parts: int,
) -> pl.LazyFrame:
    members = table.select(keys).with_row_index(row)
    if parts > 1:
        is_inside = key_hash(keys) % parts == part
        table, members = table.filter(is_inside), members.filter(is_inside)
    groups = table.group_by(keys).agg(**named).filter(pl.any_horizontal(*named))
    broken = members.join(groups, on=list(keys), how="inner", nulls_equal=True)
    return broken.select(row, *named)


def _unused_name(names: Sequence[str]) -> str:
    """Return a name that is no prefix of any other."""
    unused = "row"
    while any(name.startswith(unused) for name in names):
        unused += "_"
    return unused
