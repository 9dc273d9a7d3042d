"""Stacked columns, so that each question is asked of all of them at once.

A question to a column costs Polars about a tenth of a millisecond, however short the column is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Final, Self

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_TOGETHER: Final = 30_000
"""So many values are asked at once; what is asked of one column then costs all of them little."""

_COLUMN: Final = "column"


@dataclass(frozen=True)
class Stack:
    """How columns are stacked.

    Args:
        lengths: How many values each column has.

    Example:
        >>> import polars as pl
        >>> stack = Stack((2, 1))
        >>> stack.counts(pl.Series(["a", "b", None]).is_not_null())
        [2, 0]
        >>> [column.to_list() for column in stack.columns(pl.Series(["a", "b", None]))]
        [['a', 'b'], [None]]
    """

    lengths: tuple[int, ...]

    @classmethod
    def of_one(cls, column: pl.Series) -> Self:
        """Return the stack of a single column."""
        return cls((len(column),))

    @cached_property
    def ends(self) -> list[int]:
        """Where the first column begins, and where each column ends."""
        return [*accumulate(self.lengths, initial=0)]

    def columns(self, values: pl.Series) -> list[pl.Series]:
        """Return the columns."""
        if len(self.lengths) == 1:
            return [values]
        return [
            values.slice(at, length) for at, length in zip(self.ends, self.lengths, strict=False)
        ]

    def counts(self, holds: pl.Series) -> list[int]:
        """Return for how many values of each column something holds.

        Args:
            holds: Whether it does, by value.
        """
        if len(self.lengths) == 1:
            return [int(holds.sum())]
        sums = holds.fill_null(value=False).cast(pl.UInt32).cum_sum().extend_constant(0, 1)
        # The last one is what stands before the first value.
        ends = [end - 1 if end else len(holds) for end in self.ends]
        return sums.gather(ends).cast(pl.Int64).diff().slice(1).to_list()

    def firsts(self, values: pl.Series) -> pl.Series:
        """Return the first value of each column that is not null; null if there is none."""
        return self.facts(values.to_frame(), pl.col(values.name).drop_nulls().first()).to_series()

    def facts(self, values: pl.DataFrame, *facts: pl.Expr) -> pl.DataFrame:
        """Return the facts of each column, one row each.

        Args:
            values: The values of the columns, and what is known of each of them.
            facts: What to find of a column; null of one without a value, if there are several.
        """
        if len(self.lengths) == 1:
            return values.select(facts)
        found = values.with_columns(self.positions.alias(_COLUMN)).group_by(_COLUMN).agg(facts)
        return (
            pl.DataFrame({_COLUMN: pl.int_range(len(self.lengths), eager=True)})
            .join(found, on=_COLUMN, how="left", maintain_order="left")
            .drop(_COLUMN)
        )

    @cached_property
    def positions(self) -> pl.Series:
        """The column of each value."""
        lengths = pl.Series(self.lengths, dtype=pl.Int64)
        numbers = pl.int_range(len(lengths), eager=True)
        return numbers.repeat_by(lengths).explode(empty_as_null=False)


def stacked(columns: Iterable[pl.Series]) -> tuple[Stack, pl.Series]:
    """Stack columns of one dtype; return the values, and how they are stacked.

    Args:
        columns: The columns; at least one.
    """
    found = list(columns)
    if len(found) == 1:
        return Stack.of_one(found[0]), found[0]
    whole = pl.concat([column.alias("") for column in found]).rechunk()
    return Stack(tuple(map(len, found))), whole


def parts_of(columns: Sequence[pl.Series], most: int = MOST_TOGETHER) -> list[list[int]]:
    """Return the positions of columns to be stacked together.

    Args:
        columns: The columns.
        most: How many values they may have together; a longer one is alone.

    Example:
        >>> import polars as pl
        >>> parts_of([pl.Series([1]), pl.Series([1, 2]), pl.Series([1, 2, 3])], 3)
        [[0, 1], [2]]
    """
    parts: list[list[int]] = []
    room = 0
    for position, column in enumerate(columns):
        if len(column) > room or not parts:
            parts.append([])
            room = most
        parts[-1].append(position)
        room -= len(column)
    return parts
