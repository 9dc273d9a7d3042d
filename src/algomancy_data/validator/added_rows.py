"""Rules on several rows, for rows that are added to a table.

A group that gets rows is checked together with its stored rows, and so is one whose rows are
replaced. Any other rule that compares rows needs the whole table.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.validator.rule_rows import rows_by_rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from algomancy_data.relations.declared import Key
    from algomancy_data.schema import Rule
    from algomancy_data.validator.stored import StoredRows


@dataclass(frozen=True)
class Broken:
    """The rows that break a rule.

    Args:
        rows: Numbers of the rows that are added.
        stored: How many stored rows break it that did not before, though no row that is added does.
    """

    rows: pl.Series
    stored: int = 0


@dataclass(frozen=True)
class _Table:
    """The rows that rules are about, before and after others are added.

    Args:
        before: Those that are stored.
        kept: Numbers of those that stay.
        added: Those that are added.
    """

    before: pl.DataFrame
    kept: pl.Series
    added: pl.LazyFrame

    @property
    def after(self) -> pl.LazyFrame:
        """The stored rows that stay, and the added ones."""
        return pl.concat([self.before[self.kept].lazy(), self.added])


def broken_together(
    added: pl.LazyFrame,
    rules: Sequence[Rule],
    table: str,
    stored: StoredRows,
    replacing: Key,
) -> list[Broken]:
    """Return the rows that break each rule once rows are added to a table.

    Args:
        added: The rows, in the columns that the schema declares.
        rules: The rules.
        table: Name of the table.
        stored: The rows that are there.
        replacing: The key by which rows take the place of others; empty if they do not.
    """
    by_keys: defaultdict[Key, list[int]] = defaultdict(list)
    for number, one in enumerate(rules):
        by_keys[one.group_by].append(number)
    found: dict[int, Broken] = {}
    for keys, numbers in by_keys.items():
        alike = [rules[number] for number in numbers]
        together = _together(added, alike, keys, table, stored, replacing)
        found |= zip(numbers, _broken(together, alike, keys), strict=True)
    return [found[number] for number in range(len(rules))]


def _broken(table: _Table, rules: Sequence[Rule], keys: Key) -> Iterator[Broken]:
    first = len(table.kept)
    for one, rows in zip(rules, rows_by_rule(table.after, rules), strict=True):
        is_added = rows >= first
        added, stored = rows.filter(is_added) - first, rows.filter(~is_added)
        yield Broken(added, _newly_broken(table, one, stored, keys, alone=added.is_empty()))


def _newly_broken(table: _Table, one: Rule, stored: pl.Series, keys: Key, *, alone: bool) -> int:
    """Return how many stored rows break a rule only now, without a reported row as the cause."""
    numbers = table.kept.gather(stored)
    if keys:  # a group that gets rows is reported by these
        groups = table.before[numbers].select(keys).with_columns(numbers.alias("\0number"))
        gets_rows = table.added.select(keys).unique()
        others = groups.lazy().join(gets_rows, on=list(keys), how="anti", nulls_equal=True)
        numbers = others.select("\0number").collect().to_series()
    elif not alone:
        return 0
    if numbers.is_empty():
        return 0
    [earlier] = rows_by_rule(table.before.lazy(), [one])
    return int((~numbers.is_in(earlier.implode())).sum())


def _together(
    added: pl.LazyFrame,
    rules: Sequence[Rule],
    keys: Key,
    table: str,
    stored: StoredRows,
    replacing: Key,
) -> _Table:
    """Return the rows that rules on the same keys are about."""
    schema = added.collect_schema()
    there = stored.columns(table)
    by = list(replacing) if {*replacing} <= {*there} & {*schema} else []
    names = list(dict.fromkeys([*(name for one in rules for name in one.columns), *by]))
    names = [name for name in names if name in schema]
    added = added.select(names)
    wanted = pl.Schema({name: schema[name] for name in names})
    read = partial(_in_columns, wanted=wanted, there=[name for name in names if name in there])
    if stored.rows(table, lambda rows: read(rows).head(0)).schema != wanted:
        # They will be refused, as rows of other dtypes than there are.
        return _Table(pl.DataFrame(schema=wanted), pl.Series(dtype=pl.get_index_type()), added)
    if keys:
        groups = added.select(keys)
        if by:
            gone = added.select(by).unique()
            replaced = stored.rows(
                table, lambda rows: read(rows).join(gone, on=by, how="semi").select(keys)
            )
            groups = pl.concat([groups, replaced.lazy()])
        members = groups.unique()
        before = stored.rows(
            table,
            lambda rows: read(rows).join(members, on=list(keys), how="semi", nulls_equal=True),
        )
    else:
        before = stored.rows(table, read)
    numbered = before.lazy().with_row_index("\0number")
    if by:
        numbered = numbered.join(added.select(by).unique(), on=by, how="anti")
    kept = numbered.select(pl.col("\0number").sort()).collect().to_series()
    return _Table(before, kept, added)


def _in_columns(rows: pl.LazyFrame, wanted: pl.Schema, there: Sequence[str]) -> pl.LazyFrame:
    """Return stored rows with the columns of the added ones, new columns as nulls."""
    absent = [
        pl.lit(None, dtype).alias(name) for name, dtype in wanted.items() if name not in there
    ]
    return rows.select(there).with_columns(absent).select(list(wanted))
