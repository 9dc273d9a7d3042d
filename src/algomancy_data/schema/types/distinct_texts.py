"""Type inference for columns of text: what each type says about them.

A type is only taken where reading loses nothing that the text may have meant: ``007`` stays text,
so does ``1,234`` while nothing says whether that is more than a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import polars as pl

from algomancy_data.schema.types.stack import Stack, stacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.types.base import ColumnType, Outcome
    from algomancy_data.schema.types.conventions import TextConventions

AnswerT = TypeVar("AnswerT")

_NEARLY: Final = 0.95
_LONGEST: Final = 40
_NAN: Final = r"(?i)^\s*[+-]?nan\s*$"


@dataclass(frozen=True)
class Verdict:
    """What a type says about a column of text without a declared type.

    Args:
        declared: The type that the column has: its name, or the Polars dtype that declares it;
            None if the next type is to be asked.
        note: A sentence for people.
        undecided: Which of the conventions no value of the column decides.
    """

    declared: str | PolarsDataType | None = None
    note: str | None = None
    undecided: str | None = None


NO_VERDICT: Final = Verdict()


class DistinctColumns:
    """The distinct texts of several columns; each question is asked of all at once.

    Args:
        columns: The columns, of dtype String; at least one.
        conventions: How they are written.

    Attributes:
        stack: How their distinct texts lie one under the other.
        values: These texts.
        conventions: How they are written.
    """

    def __init__(self, columns: Sequence[pl.Series], conventions: TextConventions) -> None:
        self.stack, self.values = _distinct(columns)
        self.conventions = conventions
        self.have_nulls = [column.null_count() > 0 for column in columns]
        self._counts: dict[str, list[int]] = {}
        self._outcomes: dict[tuple[str, TextConventions], list[Outcome]] = {}
        self._answers: dict[object, Sequence[Any]] = {}

    def __iter__(self) -> Iterator[DistinctTexts]:
        """Yield the columns, which share what is found out."""
        return (DistinctTexts(self, position) for position in range(len(self.have_nulls)))

    @cached_property
    def present(self) -> pl.Series:
        """The texts without outer white space, and without the words for "no value"."""
        return self._stripped.drop_nulls()

    @cached_property
    def present_stack(self) -> Stack:
        """How these lie."""
        return Stack(tuple(self.stack.counts(self._stripped.is_not_null())))

    @cached_property
    def have_nan(self) -> list[int]:
        """How many values of each column are the word for NaN."""
        return self.stack.counts(self.values.str.contains(_NAN))

    @cached_property
    def _stripped(self) -> pl.Series:
        return self.conventions.strip(self.values)

    def counts(self, pattern: str) -> list[int]:
        """Return how many texts in each column match a pattern."""
        if pattern not in self._counts:
            self._counts[pattern] = self.present_stack.counts(self.present.str.contains(pattern))
        return self._counts[pattern]

    def answers(
        self, question: Callable[[DistinctColumns], Sequence[AnswerT]]
    ) -> Sequence[AnswerT]:
        """Return the answer to a question, by column.

        Args:
            question: Is asked once.
        """
        if question not in self._answers:
            self._answers[question] = question(self)
        return self._answers[question]

    def read_as(self, column_type: ColumnType, **conventions: Any) -> list[Outcome]:
        """Return the texts of each column converted to a type.

        Args:
            column_type: The type.
            conventions: What is to be taken for granted about how they are written.
        """
        written = replace(self.conventions, **conventions)
        key = column_type.name, written
        if key not in self._outcomes:
            self._outcomes[key] = (
                column_type.from_stack(self.values, self.stack, written)
                if len(self.have_nulls) > 1
                else [column_type.from_text([self.values], written)]
            )
        return self._outcomes[key]


def _distinct(columns: Sequence[pl.Series]) -> tuple[Stack, pl.Series]:
    """Return the distinct texts of each column, in the order of their first rows."""
    if len(columns) == 1:
        values = columns[0].unique(maintain_order=True).drop_nulls().alias("values")
        return Stack.of_one(values), values
    stack, values = stacked(columns)
    texts = pl.DataFrame({"column": stack.positions, "values": values})
    found = texts.drop_nulls("values").unique(maintain_order=True)
    counts = dict(found["column"].value_counts().iter_rows())
    return Stack(tuple(counts.get(at, 0) for at in range(len(columns)))), found["values"]


class DistinctTexts:
    """The distinct texts of a column, and how they read.

    Args:
        columns: The columns of which it is one.
        position: Which.
    """

    def __init__(self, columns: DistinctColumns, position: int) -> None:
        self._columns, self._position = columns, position
        self.conventions = columns.conventions

    @classmethod
    def alone(cls, texts: pl.Series, conventions: TextConventions) -> Self:
        """Return a column on its own.

        Args:
            texts: The column, of dtype String.
            conventions: How it is written.
        """
        return cls(DistinctColumns([texts], conventions), 0)

    @cached_property
    def values(self) -> pl.Series:
        """The texts, null aside."""
        return self._part(self._columns.values, self._columns.stack)

    @cached_property
    def present(self) -> pl.Series:
        """The texts without outer white space, and without the words for "no value"."""
        return self._part(self._columns.present, self._columns.present_stack)

    @cached_property
    def has_gaps(self) -> bool:
        """Whether some row has no value."""
        return self._columns.have_nulls[self._position] or self.values.len() > self.present.len()

    @property
    def has_digits(self) -> bool:
        """Whether there is a digit in some text."""
        return self.has("[0-9]")

    @property
    def has_nan(self) -> bool:
        """Whether some value is the word for NaN."""
        return self._columns.have_nan[self._position] > 0

    def has(self, pattern: str) -> bool:
        """Tell whether some text matches a pattern."""
        return self.count(pattern) > 0

    def count(self, pattern: str) -> int:
        """Return how many texts match a pattern."""
        return self._columns.counts(pattern)[self._position]

    def answer(self, question: Callable[[DistinctColumns], Sequence[AnswerT]]) -> AnswerT:
        """Return the answer to a question that is asked of all columns."""
        return self._columns.answers(question)[self._position]

    def matching(self, pattern: str) -> pl.Series:
        """Return the texts that match a pattern."""
        return self.present.filter(self.present.str.contains(pattern))

    def read_as(self, column_type: ColumnType, **conventions: Any) -> Outcome:
        """Return the texts converted to a type.

        Args:
            column_type: The type.
            conventions: What is to be taken for granted about how they are written.
        """
        return self._columns.read_as(column_type, **conventions)[self._position]

    def nearly(self, outcome: Outcome, kind: str) -> Verdict:
        """Leave the column to the next type, with a note if only few values do not fit this one.

        Args:
            outcome: What the texts become as this type.
            kind: What a value of this type is called.
        """
        refused = 0 if outcome.refused is None else int(outcome.refused.sum())
        if not 0 < refused <= (1 - _NEARLY) * self.present.len():
            return NO_VERDICT
        share = percent(1 - refused / self.present.len())
        return Verdict(note=f"Nearly {kind}: {share} of the distinct values are.")

    def _part(self, texts: pl.Series, stack: Stack) -> pl.Series:
        return texts.slice(stack.ends[self._position], stack.lengths[self._position])


def percent(share: float) -> str:
    """Return a percentage that never rounds up to all.

    Example:
        >>> percent(0.977), percent(0.99999)
        ('97.7 %', '99.9 %')
    """
    return f"{min(int(share * 1000) / 10, 99.9):.1f} %"


def first_of(texts: pl.Series) -> str:
    """Return the first of some texts as a note shows it."""
    return ascii(str(texts[0])[:_LONGEST])
