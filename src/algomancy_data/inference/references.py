"""Inference of foreign keys.

Inclusion alone proves little: the day of a month is included in any running number. So a column
is declared to refer to a key only if each of its values is there, and

- its name says so, too (:func:`~algomancy_data.inference.similar_names.similarity`), or
- they are texts that would hardly be there by chance. Of ``n`` keys of ``k`` letters, a text of
  ``k`` letters is one by chance with the probability ``n / 26^k``; with ``d`` distinct texts that
  is to the power of ``d``, and it has to be tiny.

What nearly holds, or holds for no reason that one can see, becomes a note.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.inference.similar_names import (
    refers_to_own_table,
    shared_prefix,
    similarity,
    speaks_of_own_table,
)
from algomancy_data.relations.keys import match_keys
from algomancy_data.relations.lookup import unmatched
from algomancy_data.schema.types.distinct_texts import percent
from algomancy_data.schema.types.stack import MOST_TOGETHER, parts_of, stacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.inference.inferred import InferredColumn, InferredTable

_SIMILAR: Final = 0.8
_CHANCE: Final = 1e-4
_FEW: Final = 2
_NEARLY: Final = 0.5
_NEARLY_WITHOUT_NAME: Final = 0.8
_LETTERS, _CHARACTERS = 26, 36


@dataclass(frozen=True)
class NamedTable:
    """A table in the search.

    Args:
        name: Its logical name.
        inferred: What was found in it.
        frame: Its rows.
    """

    name: str
    inferred: InferredTable
    frame: pl.DataFrame

    @cached_property
    def dtypes(self) -> dict[str, PolarsDataType]:
        """The dtypes of its columns."""
        return dict(self.frame.schema)

    @cached_property
    def prefix(self) -> str:
        """The short word with which the names of all its columns begin."""
        return shared_prefix([column.name for column in self.inferred.columns])

    def reference_to(self, column: str, referring: NamedTable) -> tuple[str, str]:
        """Return the foreign key with which a column of another table refers to a column."""
        group = self.inferred.group
        if group is None or referring.inferred.group is None:
            return self.name, column
        file = self.name.removesuffix(group)
        return (group if referring.name.startswith(file) else self.name), column


@dataclass(frozen=True, eq=False)
class _TableKey:
    """A column with unique values.

    Args:
        table: The table.
        column: The column.
    """

    table: NamedTable
    column: InferredColumn

    @cached_property
    def values(self) -> pl.Series:
        """Its values."""
        return self.table.frame[self.column.name]


@dataclass(frozen=True)
class _Candidate:
    """A column that may refer to a key.

    Args:
        parent: The table that has the key.
        key: The column there.
        likeness: What the names say, from 0 to 1.
        rows: The share of the rows with a value that is there.
        distinct: The share of the distinct values that are there.
        missing: How many distinct values are not there.
        chance: How likely the values that are there would be so by chance.
    """

    parent: NamedTable
    key: InferredColumn
    likeness: float
    rows: float
    distinct: float
    missing: int
    chance: float

    @property
    def holds(self) -> bool:
        """Whether all values are found, and not by chance."""
        return not self.missing and (self.likeness >= _SIMILAR or self.chance <= _CHANCE)

    @property
    def rank(self) -> tuple[bool, float, float, int]:
        """A rank; the larger, the better."""
        return (self.holds, self.likeness, self.distinct, -self.parent.frame.height)


def find_references(tables: Sequence[NamedTable]) -> None:
    """Note the foreign keys of all tables in their columns.

    Args:
        tables: The tables, with their keys found.
    """
    keys = [
        _TableKey(table, column)
        for table in tables
        for column in table.inferred.columns
        if _may_refer(table, column)
        and (column.unique or (column.primary_key and len(table.inferred.key) == 1))
    ]
    for child in tables:
        columns = [
            column
            for column in child.inferred.columns
            if column.foreign_key is None and _may_refer(child, column)
        ]
        for column, possible in zip(columns, _possible_keys(child, columns, keys), strict=True):
            _refer(child, column, list(_candidates(child, column, possible)))
    for child in tables:
        for parent in tables:
            if parent is not child and len(parent.inferred.key) > 1:
                _refer_to_composite(child, parent)


def _possible_keys(
    child: NamedTable, columns: Sequence[InferredColumn], keys: Sequence[_TableKey]
) -> Iterator[list[_TableKey]]:
    """Yield the keys that each column may refer to, by what can be told of all columns at once.

    Of its own table these are the primary key and, if its name speaks of the table, any key. Of
    texts, most columns have none that is in a key.
    """
    others = [key for key in keys if key.table is not child or key.column.primary_key]
    foreign: list[set[_TableKey]] = [set() for _ in columns]
    texts = [at for at, one in enumerate(columns) if child.dtypes[one.name] == pl.String]
    if child.frame.height > MOST_TOGETHER:
        texts = []
    series = [child.frame[columns[at].name] for at in texts]
    for positions in parts_of(series):
        stack, values = stacked(series[at] for at in positions)
        for key in others:
            if key.values.dtype == pl.String:
                counts = stack.counts(values.is_in(key.values.implode()))
                for at, count in zip(positions, counts, strict=True):
                    if not count:
                        foreign[texts[at]].add(key)
    for column, never in zip(columns, foreign, strict=True):
        possible = keys if speaks_of_own_table(column.name) else others
        yield [key for key in possible if key not in never]


def _may_refer(table: NamedTable, column: InferredColumn) -> bool:
    """Tell whether a column's values may be keys."""
    column_type = column.column_type
    return column_type.may_refer and column_type.accepts(table.dtypes[column.name])


def _candidates(
    child: NamedTable,
    column: InferredColumn,
    keys: Iterable[_TableKey],
) -> Iterator[_Candidate]:
    is_number = _is_number(column)
    likely = [
        (key, likeness)
        for key in keys
        if key.column is not column
        and _is_number(key.column) == is_number
        and (
            (likeness := _likeness(child, column, key.table, key.column)) >= _SIMILAR
            or (key.column.primary_key and not is_number)
        )
    ]
    values = child.frame[column.name].drop_nulls() if likely else pl.Series()
    if values.is_empty():
        return
    distinct = values.unique()
    for one, likeness in likely:
        parent, key, found = one.table, one.column, one.values
        if is_number and not _overlaps(distinct, found):
            continue
        there = ~unmatched(distinct.to_frame(), found.to_frame())
        matched = int(there.sum())
        if not matched or _are_one_key(child, column, matched, len(distinct), key, found):
            continue
        share = 1.0
        if matched < len(distinct):
            missing = int(unmatched(values.to_frame(), found.to_frame()).sum())
            share = 1 - missing / len(values)
        chance = 1.0 if is_number else _chance(distinct.filter(there), found)
        yield _Candidate(
            parent,
            key,
            likeness,
            share,
            matched / len(distinct),
            len(distinct) - matched,
            chance,
        )


def _is_number(column: InferredColumn) -> bool:
    return column.column_type.dtype.is_numeric()


def _likeness(
    child: NamedTable, column: InferredColumn, parent: NamedTable, key: InferredColumn
) -> float:
    if child is parent:
        return _SIMILAR if refers_to_own_table(column.name, key.name) else 0.0
    return similarity(column.name, key.name, parent.name, (child.prefix, parent.prefix))


def _overlaps(values: pl.Series, others: pl.Series) -> bool:
    if not (values.dtype.is_integer() and others.dtype.is_integer()):
        return False  # Python may have no object for the ends of other columns
    low, high, other_low, other_high = values.min(), values.max(), others.min(), others.max()
    if not (isinstance(low, int) and isinstance(high, int)):
        return False
    if not (isinstance(other_low, int) and isinstance(other_high, int)):
        return False
    return low <= other_high and other_low <= high


def _are_one_key(
    child: NamedTable,
    column: InferredColumn,
    matched: int,
    distinct: int,
    key: InferredColumn,
    found: pl.Series,
) -> bool:
    """Tell whether two keys have the same values, or the child has more.

    Then nothing says which of them is the parent.
    """
    is_key = column.unique or (column.primary_key and len(child.inferred.key) == 1)
    return is_key and key.name != "" and matched == min(distinct, len(found)) == len(found)


def _chance(texts: pl.Series, keys: pl.Series) -> float:
    """Return the probability that all these texts are keys by chance."""
    strings = texts.cast(pl.String)
    if len(texts) < _FEW or not strings.str.contains(r"\p{L}").all():
        return 1.0
    shortest = strings.str.len_chars().min()
    alphabet = _CHARACTERS if keys.cast(pl.String).str.contains("[0-9]").any() else _LETTERS
    space = float(alphabet) ** (shortest if isinstance(shortest, int) else 0)
    return min(1.0, len(keys) / space) ** len(texts)


def _refer(child: NamedTable, column: InferredColumn, candidates: list[_Candidate]) -> None:
    """Declare the best candidate, or note a near miss."""
    if not candidates:
        return
    ranked = sorted(candidates, key=lambda candidate: candidate.rank, reverse=True)
    best = ranked[0]
    if best.holds and best.likeness < _SIMILAR and len(ranked) > 1 and ranked[1].holds:
        names = ", ".join(f"{c.parent.name}.{c.key.name}" for c in ranked if c.holds)
        column.notes.append(f"All values are in each of {names}.")
    elif best.holds:
        column.foreign_key = best.parent.reference_to(best.key.name, child)
    elif best.missing and best.rows >= (
        _NEARLY if best.likeness >= _SIMILAR else _NEARLY_WITHOUT_NAME
    ):
        if best.likeness < _SIMILAR and best.chance > _CHANCE:
            return
        column.notes.append(
            f"Nearly a foreign key to {best.parent.name}.{best.key.name}: "
            f"{percent(best.rows)} of the values are there, "
            f"{best.missing:,} of {_total(best):,} distinct ones "
            f"{'is' if best.missing == 1 else 'are'} not."
        )


def _total(candidate: _Candidate) -> int:
    return round(candidate.missing / (1 - candidate.distinct))


# --- several columns ------------------------------------------------------------------------


def _refer_to_composite(child: NamedTable, parent: NamedTable) -> None:
    pairs = _pairs(child, parent)
    if pairs is None:
        return
    names = [column.name for column in pairs]
    keys = [column.name for column in parent.inferred.key]
    if (
        set(names) == {c.name for c in child.inferred.key}
        and child.frame.height >= parent.frame.height
    ):
        return
    rows = child.frame.select(names).drop_nulls()
    if not rows.height or match_keys(rows, parent.frame.select(keys)) is None:
        return
    missing = int(unmatched(rows, parent.frame.select(keys)).sum())
    listed = f"{parent.name} ({', '.join(keys)})"
    if missing:
        share = 1 - missing / rows.height
        if share >= _NEARLY:
            child.inferred.notes.append(
                f"Nearly a foreign key to {listed}: {', '.join(names)}; "
                f"{percent(share)} of the rows are there."
            )
        return
    taken = [column for column in pairs if column.foreign_key is not None]
    if any(len(_columns_of(child, column)) > 1 for column in taken):
        child.inferred.notes.append(f"A foreign key to {listed}, too: {', '.join(names)}.")
        return
    for column, key in zip(pairs, keys, strict=True):
        if column.foreign_key is not None:
            column.notes.append(f"A foreign key to {'.'.join(column.foreign_key)}, too.")
        column.foreign_key = parent.reference_to(key, child)


def _columns_of(child: NamedTable, column: InferredColumn) -> list[InferredColumn]:
    """Return the columns that refer to the table that a column refers to."""
    if column.foreign_key is None:
        return []
    table = column.foreign_key[0]
    return [c for c in child.inferred.columns if c.foreign_key and c.foreign_key[0] == table]


def _pairs(child: NamedTable, parent: NamedTable) -> list[InferredColumn] | None:
    """Return the columns that have the names of a key's columns, in its order."""
    pairs: list[InferredColumn] = []
    for key in parent.inferred.key:
        best = max(
            (column for column in child.inferred.columns if column not in pairs),
            key=lambda column: _likeness(child, column, parent, key),
            default=None,
        )
        if best is None or best.dtype != key.dtype:
            return None
        if _likeness(child, best, parent, key) < _SIMILAR:
            return None
        pairs.append(best)
    return pairs
