"""Inference of primary keys: the smallest set of columns that is certainly a key.

Columns without nulls whose values never occur together twice are a key of the rows at hand. Of a
few rows, or of columns with many different values, that is no wonder: if the columns had nothing
to do with each other, ``rows² / (2 × product of their distinct values)`` pairs of rows would be
equal by chance. A combination is taken for a key only if that number is large, so that their
absence means something. And numbers measure something more often than they identify it: alone, they
are a key only if their name or their place says so, or if they count the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING, Final

import polars as pl
import polars.selectors as cs

from algomancy_data.frames.side_by_side import side_by_side
from algomancy_data.inference.similar_names import singular, words
from algomancy_data.inference.titles import UNNAMED
from algomancy_data.relations.keys import is_comparable
from algomancy_data.schema.types.distinct_texts import percent
from algomancy_data.validator.duplicates import duplicate_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from algomancy_data.inference.inferred import InferredColumn
    from algomancy_data.schema.types import ColumnType

_MOST_COLUMNS: Final = 4
# So many of the likeliest columns are combined, by how many of them at a time.
_MOST_PLAUSIBLE: Final = {2: 40, 3: 16, 4: 12}
_MOST_PROOFS: Final = 200
# So many pairs of equal rows at least would be there by chance.
_SURPRISING: Final = 10
_FEW_ROWS: Final = 10
_LONG_TEXT: Final = 100
_MANY_SPACES: Final = 3
_NEARLY: Final = 0.99
_SAMPLE: Final = 20_000
_HASH_FACTOR: Final = 0x9E37_79B9_7F4A_7C15
_IDENTIFYING: Final = frozenset({"id", "key", "code", "no", "nr", "num", "number", "uuid", "guid"})
# What rows are told apart by, though it identifies none of them alone.
_DIMENSIONS: Final = frozenset(
    {"year", "quarter", "month", "week", "day", "date", "hour", "minute", "time", "period"}
    | {"season", "stint", "round", "version", "line", "position", "pos", "seq", "sequence", "step"}
)


@dataclass(frozen=True)
class Key:
    """The columns that identify the rows of a table.

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
    seen = _looked_at(frame, columns, table)
    if frame.height < 2 or not seen:  # noqa: PLR2004  one row has no other to differ from
        return Key([], notes=["Too few rows to see a key."] if seen else [])
    # Sentences differ from each other by their nature.
    terse = [one for one in seen if one.is_named or not one.is_prose]
    for one in terse:
        one.note_nearly_unique()
    unique = [one for one in terse if one.column_type.may_be_key and one.is_unique]
    identifying = [one for one in unique if not one.is_measure or one.counts_rows]
    complete = [one for one in identifying if not one.nulls]
    if frame.height < _FEW_ROWS:  # nearly every column is unique, so the name has to say it
        complete = [one for one in complete if one.position == 0 or one.is_named]
    key = min(complete, key=lambda one: one.rank, default=None)
    others = [one.column for one in identifying if one is not key and one.is_worth_declaring]
    if key is not None or single:
        return Key([] if key is None else [key.column], others)
    return _composite(frame, terse, others)


@dataclass(frozen=True, eq=False)
class _Seen:
    """A column, and facts about it.

    Args:
        column: What was inferred of it.
        values: Its values.
        position: Which of the columns it is.
        distinct: How many different values it has, null aside.
        is_prose: Its values are sentences.
        table: Name of the table.
    """

    column: InferredColumn
    values: pl.Series
    position: int
    distinct: int
    is_prose: bool
    table: str

    @property
    def name(self) -> str:
        """Its name."""
        return self.column.name

    @cached_property
    def column_type(self) -> ColumnType:
        """Its type."""
        return self.column.column_type

    @cached_property
    def nulls(self) -> int:
        """Number of nulls."""
        return self.values.null_count()

    @property
    def is_unique(self) -> bool:
        """Whether all values are distinct."""
        return self.distinct == len(self.values) - self.nulls > 1

    @cached_property
    def words(self) -> list[str]:
        """The words of its name."""
        return words(self.name)

    @cached_property
    def is_named(self) -> bool:
        """Whether its name suggests that it identifies something."""
        found = self.words
        return bool(found) and (found[-1] in _IDENTIFYING or found == singular(self.table))

    @cached_property
    def is_measure(self) -> bool:
        """Whether it may be a measure, which is unique by chance."""
        is_number = self.column_type.dtype.is_numeric()
        return is_number and not (self.is_named or self.is_dimension or self.position == 0)

    @property
    def is_dimension(self) -> bool:
        """Whether its name suggests that it identifies rows together with others."""
        return bool(_DIMENSIONS.intersection(self.words[-1:]))

    @cached_property
    def counts_rows(self) -> bool:
        """Whether it numbers its rows, in any order."""
        least, most = self.values.min(), self.values.max()
        if not (isinstance(least, int) and isinstance(most, int)):
            return False
        return least in {0, 1} and most - least + 1 == self.distinct

    @property
    def is_worth_declaring(self) -> bool:
        """Whether the uniqueness of its values is significant."""
        is_key = self.column_type.may_refer and not self.column_type.repeats
        return is_key and len(self.values) - self.nulls >= _FEW_ROWS

    @property
    def rank(self) -> tuple[bool, bool, bool, bool, bool, int]:
        """A rank; the smaller, the more it looks like the key."""
        noun = singular(self.table)
        is_own = self.is_named and (len(self.words) == 1 or self.words[: len(noun)] == noun)
        is_row_number = self.name.startswith(UNNAMED)
        return (
            is_row_number,
            not is_own,
            not self.is_named,
            self.is_measure,
            self.position > 0 and not self.column_type.may_refer,
            self.position,
        )

    def note_nearly_unique(self) -> None:
        """Note if only few values occur twice."""
        share = self.distinct / max(len(self.values) - self.nulls, 1)
        if self.is_worth_declaring and not self.is_measure and _NEARLY <= share < 1:
            note = f"Nearly unique: {percent(share)} of the values are distinct."
            self.column.notes.append(note)


def _looked_at(frame: pl.DataFrame, columns: Sequence[InferredColumn], table: str) -> list[_Seen]:
    """Return the columns whose values can be compared."""
    series = {one.name: one for one in frame.get_columns()}
    comparable = [column for column in columns if is_comparable(series[column.name].dtype)]
    if not comparable:
        return []
    values = [series[column.name] for column in comparable]
    counts = side_by_side(values).select(pl.all().n_unique()).row(0)
    prose = _prose_among(side_by_side(values))
    numbered = [column.name for column in columns if not column.name.startswith(UNNAMED)]
    position = {name: at for at, name in enumerate(numbered)}
    return [
        _Seen(
            column,
            one,
            position.get(column.name, len(columns)),
            count - (one.null_count() > 0),
            column.name in prose,
            table,
        )
        for column, one, count in zip(comparable, values, counts, strict=True)
    ]


def _prose_among(values: pl.DataFrame) -> set[str]:
    """Return the names of the columns whose values are sentences."""
    texts = values.select(cs.string())
    if not texts.width or not texts.height:
        return set()
    longest = texts.select(pl.all().str.len_chars().max() > _LONG_TEXT).row(0)
    spaces = texts.select(pl.all().str.count_matches(" ").mean() >= _MANY_SPACES).row(0)
    return {
        name for name, *answers in zip(texts.columns, longest, spaces, strict=True) if any(answers)
    }


# --- several columns ------------------------------------------------------------------------


def _composite(frame: pl.DataFrame, columns: list[_Seen], unique: list[InferredColumn]) -> Key:
    plausible = [
        one for one in columns if one.column_type.may_be_key and one.distinct > 1 and not one.nulls
    ]
    search = _Search(frame, sorted(plausible, key=lambda one: (one.is_measure, one.position)))
    if plausible and not search.may_differ(plausible):
        note = "No key: not even all the columns together that may be in one are unique."
        return Key([], unique, [note])
    by_chance: list[_Seen] | None = None
    for size in range(2, _MOST_COLUMNS + 1):
        found = list(search.keys(size))
        sure = [key for key in found if search.expected_pairs(key) >= _SURPRISING]
        if sure:
            return _chosen(sure, search, unique)
        by_chance = by_chance or (found[0] if found else None)
    if by_chance is not None:
        note = f"No key; {_listed(by_chance)} are unique together, perhaps by chance."
    elif search.is_complete:
        note = f"No key: no {_MOST_COLUMNS} of the columns that may be in one are unique together."
    else:
        note = (
            f"No key was found. Not all combinations of the {len(plausible)} columns that may be "
            f"in one were looked at."
        )
    return Key([], unique, [note])


def _chosen(keys: list[list[_Seen]], search: _Search, unique: list[InferredColumn]) -> Key:
    """Return the key with the fewest measures, and of these the least likely by chance."""
    key = min(
        keys, key=lambda key: (sum(one.is_measure for one in key), -search.expected_pairs(key))
    )
    others = [_listed(other) for other in keys if other is not key]
    notes = [f"Unique together as well: {'; '.join(others)}."] if others else []
    return Key([one.column for one in _in_order(key)], unique, notes)


@dataclass
class _Search:
    """The search for columns that are unique together.

    Attributes:
        frame: The table.
        columns: The columns that may be in a key, the likeliest first.
        proofs: How many combinations may still be looked up in all rows.
        is_complete: All combinations were looked at so far.
    """

    frame: pl.DataFrame
    columns: list[_Seen]
    proofs: int = _MOST_PROOFS
    is_complete: bool = True

    def keys(self, size: int) -> Iterator[list[_Seen]]:
        """Yield the combinations of that many columns that are unique on all rows."""
        most = _MOST_PLAUSIBLE[size]
        if len(self.columns) > most:
            self.is_complete = False
        for combination in combinations(self.columns[:most], size):
            key = list(combination)
            if self._combinations(key) < self.frame.height or not self.may_differ(key):
                continue
            if self.proofs == 0:
                self.is_complete = False
                return
            self.proofs -= 1
            if duplicate_rows(self.frame.select(one.name for one in key)).is_empty():
                yield key

    def may_differ(self, key: Sequence[_Seen]) -> bool:
        """Tell whether no two rows of the sample are equal."""
        combined = self.hashes[key[0].name]
        for one in key[1:]:
            combined = combined * _HASH_FACTOR + self.hashes[one.name]  # wraps around
        return combined.n_unique() == len(combined)

    @cached_property
    def hashes(self) -> dict[str, pl.Series]:
        """The hashes of a sample: of neighbouring rows and of rows from everywhere."""
        frame = side_by_side(one.values for one in self.columns)
        if frame.height > 2 * _SAMPLE:
            step = frame.height // _SAMPLE
            frame = pl.concat([frame.head(_SAMPLE), frame.slice(_SAMPLE).gather_every(step)])
        return frame.select(pl.all().hash()).to_dict()

    def expected_pairs(self, key: Sequence[_Seen]) -> float:
        """Return the expected number of pairs of equal rows by chance."""
        return self.frame.height**2 / 2 / self._combinations(key)

    def _combinations(self, key: Sequence[_Seen]) -> int:
        return prod(one.distinct for one in key)


def _in_order(columns: Sequence[_Seen]) -> list[_Seen]:
    return sorted(columns, key=lambda one: one.position)


def _listed(columns: Sequence[_Seen]) -> str:
    return ", ".join(one.name for one in _in_order(columns))
