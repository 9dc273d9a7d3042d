"""BOOLEAN: true and false."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import polars as pl

from algomancy_data.schema.types.base import ColumnType, Outcome
from algomancy_data.schema.types.conventions import FALSE_WORDS, TRUE_WORDS
from algomancy_data.schema.types.distinct_texts import NO_VERDICT, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.types.conventions import TextConventions
    from algomancy_data.schema.types.distinct_texts import DistinctTexts

# Pairs of words that are truth values by themselves; those of one letter only if both occur.
_PAIRS: Final = (frozenset({"true", "false"}), frozenset({"yes", "no"}))
_LETTERS: Final = (frozenset({"y", "n"}), frozenset({"t", "f"}))
_ANY: Final = frozenset[str]().union(*_PAIRS, *_LETTERS)


class BooleanType(ColumnType):
    """Truth values, from words or from 1 and 0."""

    name = "BOOLEAN"
    dtype = pl.Boolean()
    sql = "Boolean"
    samples = (
        *("true", "FALSE", "yes"),
        *("1", "0", "1.0", "NA", " y ", "x", "2", ""),
    )
    in_json = True

    plain_text = "$^"
    reads_by_value = True

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> Self | None:
        """Take truth values."""
        return cls.named(dtype) if dtype == pl.Boolean else None

    def reads_as_polars(self, conventions: TextConventions) -> bool:
        """Polars reads ``true`` and ``false``, which other words may have been declared for."""
        return (conventions.true_words, conventions.false_words) == (TRUE_WORDS, FALSE_WORDS)

    def from_text(self, slices: Sequence[pl.Series], conventions: TextConventions) -> Outcome:
        """Read the words of the conventions in any case; refuse every other word."""
        return Outcome.together([_from_words(texts, conventions) for texts in slices])

    def from_values(self, values: pl.Series) -> Outcome | None:
        """Read 1 and 0; refuse every other number."""
        if not values.dtype.is_numeric():
            return None
        truth = (values == 1).set((values != 0) & (values != 1), None)
        return Outcome.of(truth, values, "neither 0 nor 1")

    def infer(self, column: DistinctTexts) -> Verdict:
        """Take words that mean true or false, but no digits."""
        if str(column.present[0]).lower() not in _ANY:  # of most columns that is all to look at
            return NO_VERDICT
        words = frozenset(column.present.str.to_lowercase().unique().to_list())
        is_truth = any(words <= pair for pair in _PAIRS) or words in _LETTERS
        return Verdict(self.name) if is_truth else NO_VERDICT


def _from_words(texts: pl.Series, conventions: TextConventions) -> Outcome:
    meaning = {
        **dict.fromkeys(map(str.lower, conventions.true_words), True),
        **dict.fromkeys(map(str.lower, conventions.false_words), False),
    }
    if texts.null_count() == len(texts):  # a slice of it can be
        return Outcome(texts.cast(pl.Boolean))
    # There are few words, and many rows.
    words = texts.unique()
    lower = conventions.strip(words).str.to_lowercase()
    truth = lower.replace_strict(meaning, default=None, return_dtype=pl.Boolean)
    values = texts.replace_strict(words, truth, return_dtype=pl.Boolean)
    if values.null_count() == texts.null_count():
        return Outcome(values)
    known = "/".join(conventions.true_words), "/".join(conventions.false_words)
    return Outcome.of(values, conventions.strip(texts), f"not one of {known[0]} and {known[1]}")
