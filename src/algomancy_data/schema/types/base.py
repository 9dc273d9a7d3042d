"""Declared types, and how the values of a column are converted to them.

A column of text is read in three steps, so that it may come in slices: the **facts** of each
slice add up, the sum **decides** in which form all values are written, and the form is **applied**
to each slice. Most columns do not need all three: if every slice can be read at once, in the same
form, that is the column's form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    Literal,
    Protocol,
    Self,
    TypeAlias,
    TypeVar,
)

import polars as pl

from algomancy_data.schema.types.distinct_texts import NO_VERDICT
from algomancy_data.schema.types.stack import Stack, stacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.types.conventions import TextConventions
    from algomancy_data.schema.types.distinct_texts import DistinctTexts, Verdict


TimeUnit: TypeAlias = Literal["us", "ns"]


class Facts(Protocol):
    """The facts that decide the form of a column; those of several slices add up."""

    def __add__(self, other: Self, /) -> Self:
        """Return the facts of two consecutive slices."""
        ...


FactsT = TypeVar("FactsT", bound=Facts)
FormT = TypeVar("FormT")
SliceT = TypeVar("SliceT", bound="TextSlice")


@dataclass(frozen=True, order=True, slots=True)
class Advice:
    """What to do about values that cannot be converted; smaller values are more important.

    Args:
        position: Its place among the advice that a type gives.
        text: A sentence.
    """

    position: int
    text: str

    @classmethod
    def on(cls, values: pl.Series, known: Mapping[str, str]) -> Self | None:
        """Return the first advice whose pattern is found in one of the values, or None.

        Args:
            values: Texts that cannot be converted.
            known: Advice by pattern.
        """
        for position, (pattern, text) in enumerate(known.items()):
            if values.str.contains(pattern).any():
                return cls(position, text)
        return None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A converted column, or the values that stand in its way.

    Args:
        values: The converted column; meaningless if anything is refused.
        refused: Boolean column: which values cannot be converted. None if all can.
        reason: What the refused or guessed values are: goes on after "3 values are".
        advice: What to do about them.
        guessed: Boolean column: which values were converted by a guess. None if none.
        by_value: It is the refused values that are wrong, not the dtype of the column.
        rank: Which of a type's checks refused them. Of a column's slices only those count that
            the first of these checks refused.
    """

    values: pl.Series
    refused: pl.Series | None = None
    reason: str = ""
    advice: Advice | None = None
    guessed: pl.Series | None = None
    by_value: bool = True
    rank: int = 0

    @classmethod
    def of(cls, values: pl.Series, given: pl.Series, reason: str, rank: int = 0) -> Self:
        """Refuse every given value that is null after the conversion.

        Args:
            values: The converted column.
            given: The column that it was made from.
            reason: What the refused values are.
            rank: Which check it is.
        """
        if values.null_count() == given.null_count():
            return cls(values)
        return cls(values, values.is_null() & given.is_not_null(), reason, rank=rank)

    @property
    def is_certain(self) -> bool:
        """Whether every value was converted, and none by a guess."""
        return self.refused is None and self.guessed is None

    def of_columns(self, stack: Stack) -> list[Self]:
        """Return the outcome of each of several columns that were read as one.

        Their values mean something where either none is refused, or this one is.

        Args:
            stack: How they lay.
        """
        values = stack.columns(self.values)
        masks = [
            [None] * len(values)
            if mask is None
            else [
                one if count else None
                for one, count in zip(stack.columns(mask), stack.counts(mask), strict=True)
            ]
            for mask in (self.refused, self.guessed)
        ]
        # What "replace" does takes three times as long.
        said = self.reason, self.advice
        return [
            type(self)(one, refused, *said, guessed, self.by_value, self.rank)
            for one, refused, guessed in zip(values, *masks, strict=True)
        ]

    @classmethod
    def together(cls, outcomes: Sequence[Self]) -> Self:
        """Join the outcomes of a column's slices, in order."""
        if len(outcomes) == 1:
            return outcomes[0]
        lengths = [len(outcome.values) for outcome in outcomes]
        refusing = [outcome for outcome in outcomes if outcome.refused is not None]
        if refusing:
            first = min(refusing, key=lambda outcome: outcome.rank)
            masks = (
                one.refused if one.refused is not None and one.rank == first.rank else None
                for one in outcomes
            )
            alike = [one.advice for one in refusing if one.rank == first.rank and one.advice]
            refused = _masks(masks, lengths)
            return replace(first, refused=refused, advice=min(alike, default=None))
        values = pl.concat([outcome.values for outcome in outcomes])
        guessing = next((outcome for outcome in outcomes if outcome.guessed is not None), None)
        if guessing is None:
            return cls(values)
        guessed = _masks((outcome.guessed for outcome in outcomes), lengths)
        return replace(guessing, values=values, guessed=guessed)


def _masks(masks: Iterable[pl.Series | None], lengths: Sequence[int]) -> pl.Series:
    """Join Boolean columns; a missing one is all false."""
    nothing = pl.Series([False])
    return pl.concat(
        nothing.new_from_index(0, length) if mask is None else mask.alias("")
        for mask, length in zip(masks, lengths, strict=True)
    )


class ColumnType(ABC):
    """A type that a column is declared with."""

    name: str
    """What messages call it: as a member of :class:`~algomancy_data.schema.DataType`, or as the
    Polars dtype that it was declared with."""

    dtype: PolarsDataType
    """The Polars dtype that an extracted column of this type has."""

    sql: ClassVar[str] = "String"
    """Its type in SQL, by SQLAlchemy's name."""

    samples: tuple[str, ...]
    """Texts that it reads, and texts that it has to refuse, from the plainest to the oddest.

    The tests read columns of them, and keep the values in the stores. In a column of the first one
    the type is found, if it is one that is found in text.
    """

    in_json: ClassVar[bool] = False
    """JSON has values of this type, so that its texts are none."""

    in_header: ClassVar[bool] = True
    """Text of this type may be the name of a column."""

    as_written: ClassVar[bool] = False
    """What is written counts, digit for digit, also where a format has numbers."""

    may_be_key: ClassVar[bool] = False
    """Values of this type may identify rows."""

    may_refer: ClassVar[bool] = False
    """Values of this type may be keys of another table."""

    repeats: ClassVar[bool] = False
    """Values of this type are meant to occur again and again."""

    null_words: ClassVar[tuple[str, ...]] = ()
    """Words that mean "no value" elsewhere, and are values of this type."""

    undecided: ClassVar[str | None] = None
    """Which of the conventions its texts may leave open, if none of them says it."""

    plain_text: str | None = None
    """Pattern of the texts that change nothing about what :meth:`infer` says of a column of this
    type. None if no text does that converts to it."""

    reads_by_value: ClassVar[bool] = False
    """What becomes of a text depends on no other one."""

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> ColumnType | None:  # noqa: ARG003  the interface
        """Return the type of a column that is declared with a Polars dtype; None if not this."""
        return None

    @classmethod
    def named(cls, dtype: PolarsDataType) -> Self:
        """Return the type with the name that it was declared with, for messages."""
        made = cls()
        made.name = str(dtype)
        return made

    def accepts(self, dtype: PolarsDataType) -> bool:
        """Tell whether a column of a dtype already has this type."""
        return dtype == self.dtype

    def reads_as_polars(self, conventions: TextConventions) -> bool:  # noqa: ARG002  the interface
        """Tell whether Polars' CSV reader reads text of these conventions the same way."""
        return False

    def convert(self, given: pl.Series, conventions: TextConventions) -> Outcome:
        """Convert a column by the rule for its dtype.

        Args:
            given: Column of a dtype that :meth:`accepts` refuses.
            conventions: How text is written.
        """
        if given.null_count() == len(given):
            nulls = pl.Series(given.name, [None], self.dtype)
            return Outcome(nulls.new_from_index(0, len(given)))
        dtype = given.dtype
        if dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum):
            return self.from_text([given.cast(pl.String)], conventions)
        outcome = self.from_values(given)
        if outcome is not None:
            return outcome
        reason = f"of dtype {dtype}, which has no reading as {self.name}"
        return Outcome(given, given.is_not_null(), reason, by_value=False)

    @abstractmethod
    def from_text(self, slices: Sequence[pl.Series], conventions: TextConventions) -> Outcome:
        """Read a column of text that is not all null.

        Args:
            slices: The column, in one or more pieces of dtype String.
            conventions: How it is written.
        """

    def from_stack(
        self, texts: pl.Series, stack: Stack, conventions: TextConventions
    ) -> list[Outcome]:
        """Read several columns of text, each as it would be read alone.

        The advice of an outcome may be one for another column.

        Args:
            texts: The columns, one under the other, of dtype String.
            stack: How they lie.
            conventions: How they are written.
        """
        if self.reads_by_value:
            return self.from_text([texts], conventions).of_columns(stack)
        return [self.from_text([column], conventions) for column in stack.columns(texts)]

    def from_values(self, values: pl.Series) -> Outcome | None:  # noqa: ARG002  the interface
        """Convert a column of another dtype than text; return None if that is not possible.

        Args:
            values: Column of a dtype that :meth:`accepts` refuses.
        """
        return None

    def doubtful(self, texts: pl.Series, conventions: TextConventions) -> pl.Series | None:  # noqa: ARG002  the interface
        """Tell which texts are ambiguous, so that only the rest of the column decides.

        Args:
            texts: Some of a column's texts, without outer white space.
            conventions: How they are written; what is not declared is None.

        Returns:
            A Boolean column, or None if no text has two readings here.
        """
        return None

    def infer(self, column: DistinctTexts) -> Verdict:  # noqa: ARG002  the interface
        """Tell whether a column of text has this type, if none is declared.

        Args:
            column: Its distinct texts; at least one of them is present.

        Returns:
            This type, or another one if that is certain; no type to have the next one asked.
        """
        return NO_VERDICT

    def default(self, value: object) -> Any:
        """Return the Python value of a declared default."""
        return value


class TextSlice:
    """Some texts of a column, and facts about them, each computed once.

    Args:
        texts: Column of dtype String.
        conventions: How it is written.
    """

    def __init__(self, texts: pl.Series, conventions: TextConventions) -> None:
        self.texts = texts
        self.conventions = conventions

    @cached_property
    def stripped(self) -> pl.Series:
        """The texts without outer white space, null where none or a null word is left."""
        return self.conventions.strip(self.texts)


class ReadType(ColumnType, Generic[SliceT, FactsT, FormT]):
    """A type whose text has a form that is decided by all values of a column.

    Subclasses implement the three steps, and :meth:`quick` for columns that do not need them.
    """

    slice_type: type[SliceT]
    """What a slice of texts is to it."""

    def slice_of(self, texts: pl.Series, conventions: TextConventions) -> SliceT:
        """Return a slice of texts for this type."""
        return self.slice_type(texts, conventions)

    @abstractmethod
    def facts(self, part: SliceT, stack: Stack, *, is_whole: bool) -> Sequence[FactsT]:
        """Return the facts of a slice about the form of its column, or of each of its columns.

        Args:
            part: The slice.
            stack: How the columns lie in it, if they are several.
            is_whole: It is all of them: what does not matter here, need not be found out.
        """

    @abstractmethod
    def decide(self, facts: FactsT, conventions: TextConventions) -> FormT:
        """Return the form of a column, from the facts of all its slices."""

    @abstractmethod
    def apply(self, part: SliceT, form: FormT) -> Outcome:
        """Read a slice in a form."""

    def quick(self, part: SliceT) -> tuple[Outcome, FormT] | None:  # noqa: ARG002  the interface
        """Read a slice at once, if all of it converts and only one form is possible.

        Returns:
            The outcome and the form, or None where it takes the three steps.
        """
        return None

    def form_as_polars(self, conventions: TextConventions) -> FormT | None:  # noqa: ARG002  the interface
        """Return the form of what Polars' CSV reader has read, if :meth:`reads_as_polars`."""
        return None

    def reader(
        self, slices: Iterable[pl.Series], conventions: TextConventions
    ) -> Callable[[pl.Series], Outcome]:
        """Return a function that reads slices of a column in the form of all its values.

        Args:
            slices: The column, one slice after the other.
            conventions: How it is written.
        """
        parts = (self.slice_of(texts, conventions) for texts in slices)
        form = self._decided(parts, conventions, is_whole=False)
        return lambda texts: self.apply(self.slice_of(texts, conventions), form)

    def from_text(self, slices: Sequence[pl.Series], conventions: TextConventions) -> Outcome:
        """Read the slices in the form that is decided by all their values."""
        parts = [self.slice_of(texts, conventions) for texts in slices]
        quick: list[tuple[Outcome, FormT]] = []
        for part in parts:
            reading = self.quick(part)
            if reading is None or (quick and reading[1] != quick[0][1]):
                break
            quick.append(reading)
        else:
            return Outcome.together([outcome for outcome, _ in quick])
        form = self._decided(parts, conventions, is_whole=len(parts) == 1)
        return Outcome.together([self.apply(part, form) for part in parts])

    def from_stack(
        self, texts: pl.Series, stack: Stack, conventions: TextConventions
    ) -> list[Outcome]:
        """Decide the form of each column; read those of one form together."""
        facts = self.facts(self.slice_of(texts, conventions), stack, is_whole=True)
        of_form: dict[FormT, list[int]] = {}
        for position, found in enumerate(facts):
            of_form.setdefault(self.decide(found, conventions), []).append(position)
        columns = stack.columns(texts)
        outcomes: dict[int, Outcome] = {}
        for form, members in of_form.items():
            left = members
            while left:
                held, part = stacked(columns[position] for position in left)
                read = self.apply(self.slice_of(part, conventions), form)
                found = zip(left, read.of_columns(held), strict=True)
                if read.refused is None:
                    outcomes |= found
                    break
                # What one check refuses, no other one has looked at: read the rest again.
                outcomes |= {at: one for at, one in found if one.refused is not None}
                left = [at for at in left if at not in outcomes]
        return [outcomes[position] for position in range(len(columns))]

    def _decided(
        self, parts: Iterable[SliceT], conventions: TextConventions, *, is_whole: bool
    ) -> FormT:
        found = (self.facts(part, Stack.of_one(part.texts), is_whole=is_whole)[0] for part in parts)
        return self.decide(reduce(add, found), conventions)


class FittedType(ReadType[SliceT, FactsT, FormT]):
    """A type whose text is read as that of another type with a larger range."""

    read_as: ReadType[SliceT, FactsT, FormT]
    """The other one."""

    @abstractmethod
    def fit(self, values: pl.Series) -> Outcome:
        """Return values of the other type in this one's dtype; refuse those that do not fit."""

    def slice_of(self, texts: pl.Series, conventions: TextConventions) -> SliceT:
        """Return a slice of texts for the other type."""
        return self.read_as.slice_of(texts, conventions)

    def facts(self, part: SliceT, stack: Stack, *, is_whole: bool) -> Sequence[FactsT]:
        """Return what the other type finds."""
        return self.read_as.facts(part, stack, is_whole=is_whole)

    def decide(self, facts: FactsT, conventions: TextConventions) -> FormT:
        """Return the form that the other type decides."""
        return self.read_as.decide(facts, conventions)

    def quick(self, part: SliceT) -> tuple[Outcome, FormT] | None:
        """Read a slice at once, where the other type does."""
        found = self.read_as.quick(part)
        return None if found is None else (self._fitted(found[0]), found[1])

    def apply(self, part: SliceT, form: FormT) -> Outcome:
        """Read a slice in a form."""
        return self._fitted(self.read_as.apply(part, form))

    def from_values(self, values: pl.Series) -> Outcome | None:
        """Take what the other type takes."""
        is_read = self.read_as.accepts(values.dtype)
        found = Outcome(values) if is_read else self.read_as.from_values(values)
        return None if found is None else self._fitted(found)

    def doubtful(self, texts: pl.Series, conventions: TextConventions) -> pl.Series | None:
        """Tell which texts are ambiguous for the other type."""
        return self.read_as.doubtful(texts, conventions)

    def _fitted(self, read: Outcome) -> Outcome:
        if read.refused is not None:
            return read
        found = self.fit(read.values)
        return replace(read, values=found.values) if found.refused is None else found


def exact_cast(values: pl.Series, dtype: PolarsDataType, reason: str) -> Outcome:
    """Cast numbers; refuse those that do not cast back identically.

    Args:
        values: Column of a numeric dtype.
        dtype: The numeric dtype wanted.
        reason: What the refused values are.
    """
    cast = values.cast(dtype, strict=False)
    same = cast.cast(values.dtype, strict=False).eq_missing(values)
    return Outcome(cast) if same.all() else Outcome(cast, ~same, reason)
