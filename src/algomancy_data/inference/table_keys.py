"""The key of a table: the smallest set of columns that surely is one.

Columns without nulls whose values never occur together twice are a key of the rows at hand. Of a
few rows, or of columns with many different values, that is no wonder: if the columns had nothing
to do with each other, ``rows² / (2 × product of their distinct values)`` pairs of rows would be
equal by chance. A combination is taken for a key only if that number is large, so that their
absence means something.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.inference.similar_names import singular, words
from algomancy_data.relations.keys import is_comparable
from algomancy_data.schema.types.distinct_texts import percent
from algomancy_data.validator.duplicates import duplicate_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from algomancy_data.inference.inferred import InferredColumn

_MOST_COLUMNS: Final = 4
_MOST_PLAUSIBLE: Final = 12
_MOST_PROOFS: Final = 200
# So many pairs of equal rows at least would be there by chance.
_SURPRISING: Final = 10
_FEW_ROWS: Final = 10
_LONG_TEXT: Final = 100
_MANY_SPACES: Final = 3
_NEARLY: Final = 0.99
_SAMPLE: Final = 20_000
_HASH_FACTOR: Final = pl.lit(0x9E37_79B9_7F4A_7C15, pl.UInt64)
_IDENTIFYING: Final = frozenset({"id", "key", "code", "no", "nr", "num", "number", "uuid", "guid"})


@dataclass(frozen=True)
class Key:
    """What identifies the rows of a table.

    Args:
        columns: The columns of the key, in the table's order; none if none was found.
        unique: Other columns in which no value occurs twice.
        notes: Sentences for people, on the table.
    """

    columns: list[InferredColumn]
    unique: list[InferredColumn] = field(default_factory=list["InferredColumn"])
    notes: list[str] = field(default_factory=list[str])


def find_key(
    frame: pl.DataFrame, columns: Sequence[InferredColumn], table: str, *, single: bool = False
) -> Key:
    """Return the key of a table, proven on all rows.

    Args:
        frame: The table.
        columns: Its columns, or those of them that may be part of the key.
        table: Its name.
        single: Look only for keys of one column.

    Example:
        >>> from algomancy_data import DataType
        >>> from algomancy_data.inference.inferred import InferredColumn
        >>> frame = pl.DataFrame({"code": ["EWR", "JFK"], "alt": [18, 13]})
        >>> columns = [
        ...     InferredColumn("code", DataType.STRING),
        ...     InferredColumn("alt", DataType.FLOAT),
        ... ]
        >>> [column.name for column in find_key(frame, columns, "airports").columns]
        ['code']
    """
    comparable = [column for column in columns if is_comparable(frame.schema[column.name])]
    if frame.height < 2 or not comparable:  # noqa: PLR2004  one row has no other to differ from
        return Key([], notes=["Too few rows to see a key."] if comparable else [])
    distinct = _distinct_values(frame, comparable)
    # Sentences differ from each other by their nature.
    terse = [c for c in comparable if _is_named(c, table) or not _is_prose(frame[c.name])]
    _note_nearly_unique(frame, terse, distinct)
    unique = [
        column
        for column in terse
        if column.column_type.may_be_key
        and distinct[column.name] == frame.height - frame[column.name].null_count() > 1
    ]
    complete = [column for column in unique if not frame[column.name].null_count()]
    if frame.height < _FEW_ROWS:  # nearly every column is unique, so the name has to say it
        complete = [c for c in complete if c is columns[0] or _is_named(c, table)]
    key = min(complete, key=lambda column: _rank(column, columns, table), default=None)
    others = _worth_declaring(frame, [column for column in unique if column is not key])
    if key is not None or single:
        return Key([] if key is None else [key], others)
    return _composite(frame, terse, distinct, others)


def _distinct_values(frame: pl.DataFrame, columns: Sequence[InferredColumn]) -> dict[str, int]:
    """Return how many different values each column has, null aside."""
    names = [column.name for column in columns]
    counts = frame.select(pl.col(names).n_unique()).row(0)
    return {
        name: count - (frame[name].null_count() > 0)
        for name, count in zip(names, counts, strict=True)
    }


def _note_nearly_unique(
    frame: pl.DataFrame, columns: Iterable[InferredColumn], distinct: dict[str, int]
) -> None:
    for column in columns:
        values = frame.height - frame[column.name].null_count()
        if not _is_worth_declaring(column) or values < _FEW_ROWS:
            continue
        share = distinct[column.name] / values
        if _NEARLY <= share < 1:
            column.notes.append(f"Nearly unique: {percent(share)} of the values are distinct.")


def _rank(
    column: InferredColumn, columns: Sequence[InferredColumn], table: str
) -> tuple[bool, bool, bool, bool, int]:
    """Return a number that is the smaller, the more a unique column looks like the key."""
    found, noun = words(column.name), singular(table)
    is_named = _is_named(column, table)
    is_own = is_named and (len(found) == 1 or found[: len(noun)] == noun)
    position = [other.name for other in columns].index(column.name)
    is_row_number = column.name.startswith("Unnamed: ")
    return (
        is_row_number,
        not column.column_type.may_refer,
        not is_own,
        not is_named,
        position,
    )


def _is_named(column: InferredColumn, table: str) -> bool:
    """Tell whether a column's name says that it identifies something."""
    found = words(column.name)
    return bool(found) and (found[-1] in _IDENTIFYING or found == singular(table))


def _worth_declaring(frame: pl.DataFrame, unique: Iterable[InferredColumn]) -> list[InferredColumn]:
    """Return the columns of which it means something that no value occurs twice."""
    return [
        column
        for column in unique
        if _is_worth_declaring(column)
        and frame.height - frame[column.name].null_count() >= _FEW_ROWS
    ]


def _is_worth_declaring(column: InferredColumn) -> bool:
    """Tell whether it means something that values of the column's type are unique."""
    column_type = column.column_type
    return column_type.may_refer and not column_type.repeats


def _is_prose(values: pl.Series) -> bool:
    """Tell whether values are sentences."""
    if values.dtype != pl.String:
        return False
    longest, spaces = values.str.len_chars().max(), values.str.count_matches(" ").mean()
    is_long = isinstance(longest, int) and longest > _LONG_TEXT
    return is_long or (isinstance(spaces, float) and spaces >= _MANY_SPACES)


# --- several columns ------------------------------------------------------------------------


def _composite(
    frame: pl.DataFrame,
    columns: Sequence[InferredColumn],
    distinct: dict[str, int],
    unique: list[InferredColumn],
) -> Key:
    plausible = [
        column
        for column in columns
        if column.column_type.may_be_key
        and distinct[column.name] > 1
        and not frame[column.name].null_count()
    ]
    if len(plausible) > _MOST_PLAUSIBLE:
        plausible = sorted(plausible, key=lambda column: -distinct[column.name])[:_MOST_PLAUSIBLE]
        plausible = [column for column in columns if column in plausible]
    by_chance: list[InferredColumn] | None = None
    search = _Search(frame, distinct)
    if plausible and not search.may_differ(plausible):
        plausible = []  # not even all of them together are a key
    for size in range(2, min(_MOST_COLUMNS, len(plausible)) + 1):
        found = list(search.keys(plausible, size))
        sure = [key for key in found if search.expected_pairs(key) >= _SURPRISING]
        if sure:
            return _chosen(sure, search, unique)
        by_chance = by_chance or (found[0] if found else None)
    if by_chance is not None:
        note = f"No key; {_listed(by_chance)} are unique together, perhaps by chance."
    else:
        note = f"No key: no combination of up to {_MOST_COLUMNS} columns without nulls is unique."
    return Key([], unique, [note])


def _chosen(keys: list[list[InferredColumn]], search: _Search, unique: list[InferredColumn]) -> Key:
    """Return the key whose uniqueness is the greatest surprise: that of the fewest values."""
    key = max(keys, key=search.expected_pairs)
    others = [_listed(other) for other in keys if other is not key]
    notes = [f"Unique together as well: {'; '.join(others)}."] if others else []
    return Key(key, unique, notes)


@dataclass
class _Search:
    """The search for columns that are unique together.

    Attributes:
        frame: The table.
        distinct: How many different values each column has.
        proofs: How many combinations may still be looked up in all rows.
    """

    frame: pl.DataFrame
    distinct: dict[str, int]
    proofs: int = _MOST_PROOFS

    def keys(self, columns: Sequence[InferredColumn], size: int) -> Iterator[list[InferredColumn]]:
        """Give the combinations of that many columns that are unique on all rows."""
        for combination in combinations(columns, size):
            key = list(combination)
            if self._combinations(key) < self.frame.height or not self.may_differ(key):
                continue
            if self.proofs == 0:
                return
            self.proofs -= 1
            if duplicate_rows(self.frame.select(column.name for column in key)).is_empty():
                yield key

    def may_differ(self, key: Sequence[InferredColumn]) -> bool:
        """Tell whether no two rows of the sample are equal."""
        combined = pl.col(key[0].name)
        for column in key[1:]:
            combined = combined * _HASH_FACTOR + pl.col(column.name)  # wraps around
        return self.hashes.select(combined.n_unique()).item() == self.hashes.height

    @cached_property
    def hashes(self) -> pl.DataFrame:
        """The hashes of a sample: of neighbouring rows and of rows from everywhere."""
        frame = self.frame.select(list(self.distinct))
        if frame.height > 2 * _SAMPLE:
            step = frame.height // _SAMPLE
            frame = pl.concat([frame.head(_SAMPLE), frame.slice(_SAMPLE).gather_every(step)])
        return frame.select(pl.all().hash())

    def expected_pairs(self, key: Sequence[InferredColumn]) -> float:
        """Return how many pairs of equal rows there would be by chance."""
        return self.frame.height**2 / 2 / self._combinations(key)

    def _combinations(self, key: Sequence[InferredColumn]) -> int:
        return prod(self.distinct[column.name] for column in key)


def _listed(columns: Iterable[InferredColumn]) -> str:
    return ", ".join(column.name for column in columns)
