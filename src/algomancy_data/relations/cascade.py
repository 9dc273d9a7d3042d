"""Which rows go when every relation must hold: a cascade over the tables, down and up.

The rows are only looked for here. A table is never copied on the way: each has a Boolean column
that says which of its rows are still kept, and each (table, rule, relation) one that says which
rows it dropped. They take a bit per row, so nothing is saved by not recording them. Of a table that
refers to itself, all rows go whose chain of parents ends at one that is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

import polars as pl

from algomancy_data.frames.lazy import kept_rows
from algomancy_data.memory import IN_MEMORY_BYTES
from algomancy_data.relations.keys import (
    complete_rows,
    count_keys,
    everywhere,
    match_keys,
    rows_where,
)
from algomancy_data.relations.lookup import matched_rows, unmatched
from algomancy_data.relations.partitions import KeyLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from algomancy_data.relations.declared import Relation

KnownElsewhere: TypeAlias = "Callable[[str, Sequence[str], pl.DataFrame], pl.Series]"
"""Returns which of some keys (Boolean) rows have that are not among those of a table.

It is asked for the name of a table, its columns, and the keys in as many columns.
"""


def broken_chains(
    frame: pl.DataFrame,
    child_cols: Sequence[str],
    parent_cols: Sequence[str],
    kept: pl.Series,
    in_memory_bytes: int = IN_MEMORY_BYTES,
    held: pl.Series | None = None,
) -> pl.Series:
    """Return which rows refer to a missing row, directly or through any number of others.

    A row without a complete key ends its chain well, and a cycle has no end that could be missing.

    Args:
        frame: A table that refers to itself.
        child_cols: The referring columns.
        parent_cols: The columns referred to, in the same order.
        kept: Which rows are there (Boolean, no nulls); the others count as missing.
        in_memory_bytes: Up to which size keys are looked at as a whole.
        held: Which rows end their chain well whatever they refer to; None for no others.

    Returns:
        A Boolean per row, never null; false where the row itself is missing.

    Example:
        >>> staff = pl.DataFrame({"id": [1, 2, 3, 4], "boss": [None, 9, 2, 1]})
        >>> broken_chains(staff, ["boss"], ["id"], pl.Series([True] * 4)).to_list()
        [False, True, True, False]
    """
    child, parent = frame.select(child_cols), frame.select(parent_cols)
    limits = KeyLimits.of(in_memory_bytes)
    broken = unmatched(child, kept_rows(parent, kept, in_memory_bytes), limits) & kept
    if held is not None:
        broken &= ~held
    if not broken.any():
        return broken
    up = _parent_rows(child, parent, kept)
    whole = kept & ~broken
    if up is None:
        whole = _whole_by_passes(child, parent, whole, limits, held)
    else:
        whole = _whole_by_leaps(up if held is None else _own(up).zip_with(held, up), whole)
    return kept & ~whole


def _parent_rows(child: pl.DataFrame, parent: pl.DataFrame, kept: pl.Series) -> pl.Series | None:
    """Return the row number of each row's parent, its own if there is none.

    None if a row has several parents, or none can be found at all.
    """
    matched = match_keys(child, parent)
    if matched is None:
        return None
    keys, parent_keys = matched
    parents = parent_keys.lazy().with_row_index("parent").filter(kept)
    pairs = keys.lazy().join(parents, on=keys.columns, how="left", maintain_order="left")
    up = pairs.select("parent").collect().to_series()
    if len(up) > child.height:
        return None
    return up.fill_null(_own(up))


def _own(rows: pl.Series) -> pl.Series:
    return pl.int_range(len(rows), dtype=pl.get_index_type(), eager=True)


def _whole_by_leaps(up: pl.Series, whole: pl.Series) -> pl.Series:
    """Follow all chains at once; each round doubles how far: 20 rounds for 1,000,000 links.

    If a round finds nothing new, no longer chain has a missing end either: some row inside it
    would be that far from it, and would have been found.
    """
    while True:
        further = whole & whole.gather(up)
        if further.sum() == whole.sum():
            return whole
        whole, up = further, up.gather(up)


def _whole_by_passes(
    child: pl.DataFrame,
    parent: pl.DataFrame,
    whole: pl.Series,
    limits: KeyLimits,
    held: pl.Series | None,
) -> pl.Series:
    """Take a row as missing when all its parents are: as many passes as the longest chain has."""
    while True:
        further = whole & ~unmatched(child, parent.filter(whole), limits)
        if held is not None:
            further |= whole & held
        if further.sum() == whole.sum():
            return whole
        whole = further


ChildCounts = dict[tuple[str, tuple[str, ...]], pl.DataFrame]
"""How many children each key had, as :func:`count_keys` says it, by the key of the relation."""


class CascadeRule(StrEnum):
    """Why a row is dropped; the values are the codes of the messages."""

    ORPHAN = "CASCADE_ORPHAN_DROP"
    REQUIRED_CHILD = "CASCADE_REQUIRED_CHILD_DROP"
    PARTIAL_LOSS = "CASCADE_PARTIAL_LOSS_DROP"


# The rules of a relation that its own drops cannot break: an orphan was the child of no parent that
# is there, so no parent lost one; a parent that no child refers to leaves no orphan.
_NOT_AFFECTED: Final = {
    CascadeRule.ORPHAN: frozenset(CascadeRule),
    CascadeRule.REQUIRED_CHILD: frozenset({CascadeRule.ORPHAN}),
    CascadeRule.PARTIAL_LOSS: frozenset[CascadeRule](),
}


@dataclass(frozen=True, eq=False)
class CascadeDrop:
    """The rows that one rule of one relation dropped from a table, over the whole cascade.

    A row is dropped once: by the first rule that it breaks.

    Attributes:
        table: Logical name of the table.
        rule: The rule.
        relation: The relation.
        mask: A Boolean per row of the table as it was before the cascade.
    """

    table: str
    rule: CascadeRule
    relation: Relation
    mask: pl.Series

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that take part in the relation."""
        if self.rule is CascadeRule.ORPHAN:
            return self.relation.child_cols
        return self.relation.parent_cols

    @property
    def count(self) -> int:
        """How many rows were dropped."""
        return int(self.mask.sum())

    def rows(self) -> pl.Series:
        """Return the numbers of the rows before the cascade, from 0, ascending."""
        return rows_where(self.mask)


@dataclass(frozen=True, eq=False)
class CascadeOutcome:
    """What a cascade found.

    Attributes:
        kept: For each table that loses rows, which rows stay: a Boolean per row.
        drops: The rows dropped by (table, rule, relation), in the order in which they came up.
    """

    kept: dict[str, pl.Series]
    drops: list[CascadeDrop]


def find_drops(
    tables: Mapping[str, pl.DataFrame],
    relations: Sequence[Relation],
    before: ChildCounts | None = None,
    in_memory_bytes: int = IN_MEMORY_BYTES,
    elsewhere: KnownElsewhere | None = None,
) -> CascadeOutcome:
    """Find the rows that must go, so that afterwards every rule of every relation holds.

    Orphans and parents without a required child are looked for, relation by relation, until there
    are none; then parents that have lost some of their children; then again, until nothing
    changes. Which rows go does not depend on the order of the relations, only the relation that
    is named as the reason does.

    Args:
        tables: The frames by logical table name; they are not changed.
        relations: Relations whose tables and columns are all there.
        before: How many children each key had, for the relations with ``track_partial_loss``.
        in_memory_bytes: Up to which size keys are looked at as a whole.
        elsewhere: Tells of rows beside those of the tables, which stay; None if there are none.

    Example:
        >>> from algomancy_data import Relation
        >>> airlines = pl.DataFrame({"carrier": ["AA"]})
        >>> flights = pl.DataFrame({"carrier": ["AA", "ZZ"]})
        >>> relation = Relation("flights", ("carrier",), "airlines", ("carrier",))
        >>> [drop] = find_drops({"airlines": airlines, "flights": flights}, [relation]).drops
        >>> drop.rule.name, drop.rows().to_list()
        ('ORPHAN', [1])
    """
    return _Cascade(tables, relations, before or {}, in_memory_bytes, elsewhere).run()


class _Cascade:
    def __init__(
        self,
        tables: Mapping[str, pl.DataFrame],
        relations: Sequence[Relation],
        before: ChildCounts,
        in_memory_bytes: int,
        elsewhere: KnownElsewhere | None,
    ) -> None:
        self._tables = tables
        self._relations = relations
        self._before = before
        self._in_memory_bytes = in_memory_bytes
        self._elsewhere = elsewhere
        self._limits = KeyLimits.of(in_memory_bytes)
        self._kept: dict[str, pl.Series] = {}
        self._lost: dict[tuple[str, CascadeRule, Relation], pl.Series] = {}
        self._due = {(rule, relation) for relation in relations for rule in self._rules(relation)}

    def run(self) -> CascadeOutcome:
        # Each round of a loop drops a row or takes something off what is due, so they end.
        while self._due:
            self._settle()
            self._drop_partial_losses()
        drops = [CascadeDrop(*reason, mask) for reason, mask in self._lost.items()]
        return CascadeOutcome(self._kept, drops)

    def _settle(self) -> None:
        """Apply the first two rules until they find nothing."""
        while any(rule is not CascadeRule.PARTIAL_LOSS for rule, _ in self._due):
            for relation in self._relations:
                if self._take(CascadeRule.ORPHAN, relation):
                    self._drop(CascadeRule.ORPHAN, relation, self._orphans(relation))
                if self._take(CascadeRule.REQUIRED_CHILD, relation):
                    self._drop(CascadeRule.REQUIRED_CHILD, relation, self._childless(relation))

    def _drop_partial_losses(self) -> None:
        """Apply the third rule once, to all relations in the same state of the tables."""
        found = [
            (relation, self._diminished(relation))
            for relation in self._relations
            if self._take(CascadeRule.PARTIAL_LOSS, relation)
        ]
        for relation, mask in found:
            self._drop(CascadeRule.PARTIAL_LOSS, relation, mask)

    def _orphans(self, relation: Relation) -> pl.Series:
        if relation.child_table == relation.parent_table:
            frame = self._tables[relation.child_table]
            kept = self._kept.get(relation.child_table)
            if kept is None:
                kept = everywhere(frame.height, value=True)
            columns = relation.child_cols, relation.parent_cols
            held = None
            if self._elsewhere is not None:
                keys = frame.select(relation.child_cols)
                held = self._elsewhere(relation.parent_table, relation.parent_cols, keys)
            return broken_chains(frame, *columns, kept, self._in_memory_bytes, held)
        child = self._tables[relation.child_table].select(relation.child_cols)
        parents = self._kept_keys(relation.parent_table, relation.parent_cols)
        orphans = unmatched(child, parents, self._limits)
        return self._not_elsewhere(orphans, child, relation.parent_table, relation.parent_cols)

    def _childless(self, relation: Relation) -> pl.Series:
        parent = self._tables[relation.parent_table].select(relation.parent_cols)
        children = self._kept_keys(relation.child_table, relation.child_cols)
        childless = unmatched(parent, children, self._limits)
        childless = self._not_elsewhere(
            childless, parent, relation.child_table, relation.child_cols
        )
        complete = complete_rows(parent)
        return childless if complete is None else childless | ~complete

    def _not_elsewhere(
        self, lonely: pl.Series, keys: pl.DataFrame, table: str, columns: Sequence[str]
    ) -> pl.Series:
        """Return which rows without a counterpart among those of a table have none elsewhere."""
        if self._elsewhere is None or not lonely.any():
            return lonely
        rows = rows_where(lonely)
        known = self._elsewhere(table, columns, keys[rows])
        return lonely.scatter(rows.filter(known), values=False)

    def _diminished(self, relation: Relation) -> pl.Series:
        """Return which parents have fewer children than before, but have some."""
        parent = self._tables[relation.parent_table].select(relation.parent_cols)
        before = self._before[relation.key]
        now = count_keys(self._kept_keys(relation.child_table, relation.child_cols))
        matched = match_keys(before.drop("count"), now.drop("count"))
        if matched is None:
            return everywhere(parent.height, value=False)
        earlier, later = (
            keys.lazy().with_columns(counts["count"].alias(name))
            for keys, counts, name in zip(matched, (before, now), ("before", "now"), strict=True)
        )
        names = matched[0].columns
        fewer = earlier.join(later, on=names).filter(pl.col("now") < pl.col("before"))
        return matched_rows(parent, fewer.select(names).collect(), self._limits)

    def _kept_keys(self, table: str, columns: Sequence[str]) -> pl.DataFrame:
        keys = self._tables[table].select(columns)
        if table not in self._kept:
            return keys
        return kept_rows(keys, self._kept[table], self._in_memory_bytes)

    def _drop(self, rule: CascadeRule, relation: Relation, mask: pl.Series) -> None:
        table = relation.child_table if rule is CascadeRule.ORPHAN else relation.parent_table
        kept = self._kept.get(table)
        lost = mask if kept is None else mask & kept
        if not lost.any():
            return
        self._kept[table] = ~lost if kept is None else kept & ~lost
        reason = table, rule, relation
        self._lost[reason] = self._lost[reason] | lost if reason in self._lost else lost
        for other in self._relations:
            affected = self._rules(other, of_table=table)
            if other is relation:
                affected -= _NOT_AFFECTED[rule]
            self._due |= {(due, other) for due in affected}

    def _rules(self, relation: Relation, of_table: str | None = None) -> set[CascadeRule]:
        """Return the rules of a relation, or only those that rows lost from a table can break."""
        rules: set[CascadeRule] = set()
        if of_table in {None, relation.parent_table}:
            rules.add(CascadeRule.ORPHAN)
        if of_table in {None, relation.child_table}:
            if relation.parent_requires_child:
                rules.add(CascadeRule.REQUIRED_CHILD)
            if relation.track_partial_loss and relation.key in self._before:
                rules.add(CascadeRule.PARTIAL_LOSS)
        return rules

    def _take(self, rule: CascadeRule, relation: Relation) -> bool:
        """Tell whether a rule is due, and take it off."""
        due = (rule, relation) in self._due
        self._due.discard((rule, relation))
        return due
