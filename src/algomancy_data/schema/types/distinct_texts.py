"""Which type a column of text has, if none is declared: what each type has to say about it.

A type is only taken where reading loses nothing that the text may have meant: ``007`` stays text,
so does ``1,234`` while nothing says whether that is more than a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import polars as pl
    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.types.base import ColumnType, Outcome
    from algomancy_data.schema.types.conventions import TextConventions

_NEARLY: Final = 0.95
_LONGEST: Final = 40
_NAN: Final = r"(?i)^\s*[+-]?nan\s*$"


@dataclass(frozen=True)
class Verdict:
    """What a type says about a column of text of which no type is declared.

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


class DistinctTexts:
    """The distinct texts of a column, and how they read.

    Args:
        texts: The column, of dtype String.
        conventions: How it is written.
    """

    def __init__(self, texts: pl.Series, conventions: TextConventions) -> None:
        self.values = texts.unique(maintain_order=True).drop_nulls().alias("values")
        self.conventions = conventions
        self._has_nulls = texts.null_count() > 0
        self._has: dict[str, bool] = {}
        self._outcomes: dict[tuple[str, TextConventions], Outcome] = {}

    @cached_property
    def present(self) -> pl.Series:
        """The texts without outer white space, and without the words for "no value"."""
        return self.conventions.strip(self.values).drop_nulls()

    @cached_property
    def has_gaps(self) -> bool:
        """Whether some row has no value."""
        return self._has_nulls or self.values.len() > self.present.len()

    @cached_property
    def has_digits(self) -> bool:
        """Whether there is a digit in some text."""
        return self.has("[0-9]")

    @cached_property
    def has_nan(self) -> bool:
        """Whether some value is the word for a float that is no number."""
        return bool(self.values.str.contains(_NAN).any())

    def has(self, pattern: str) -> bool:
        """Tell whether some text has what a pattern says."""
        if pattern not in self._has:
            self._has[pattern] = bool(self.present.str.contains(pattern).any())
        return self._has[pattern]

    def matching(self, pattern: str) -> pl.Series:
        """Return the texts that have what a pattern says."""
        return self.present.filter(self.present.str.contains(pattern))

    def read_as(self, column_type: ColumnType, **conventions: Any) -> Outcome:
        """Return what the texts become as a type.

        Args:
            column_type: The type.
            conventions: What is to be taken for granted about how they are written.
        """
        written = replace(self.conventions, **conventions)
        key = column_type.name, written
        if key not in self._outcomes:
            self._outcomes[key] = column_type.from_text([self.values], written)
        return self._outcomes[key]

    def nearly(self, outcome: Outcome, kind: str) -> Verdict:
        """Leave the column to the next type, saying so if few values only keep it from this one.

        Args:
            outcome: What the texts become as this type.
            kind: What a value of this type is called.
        """
        refused = 0 if outcome.refused is None else int(outcome.refused.sum())
        if not 0 < refused <= (1 - _NEARLY) * self.present.len():
            return NO_VERDICT
        share = percent(1 - refused / self.present.len())
        return Verdict(note=f"Nearly {kind}: {share} of the distinct values are.")


def percent(share: float) -> str:
    """Return a share of less than all, never rounded up to all.

    Example:
        >>> percent(0.977), percent(0.99999)
        ('97.7 %', '99.9 %')
    """
    return f"{min(int(share * 1000) / 10, 99.9):.1f} %"


def first_of(texts: pl.Series) -> str:
    """Return the first of some texts as a note shows it."""
    return ascii(str(texts[0])[:_LONGEST])
