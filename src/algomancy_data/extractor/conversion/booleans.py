"""To BOOLEAN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.extractor.conversion.outcome import Outcome

if TYPE_CHECKING:
    from algomancy_data.extractor.conversion.conventions import TextConventions


def boolean_from_text(texts: pl.Series, conventions: TextConventions) -> Outcome:
    """Read the words of the conventions in any case; refuse every other word."""
    meaning = {
        **dict.fromkeys(map(str.lower, conventions.true_words), True),
        **dict.fromkeys(map(str.lower, conventions.false_words), False),
    }
    # There are few words, and many rows.
    words = texts.unique()
    lower = conventions.strip(words).str.to_lowercase()
    truth = lower.replace_strict(meaning, default=None, return_dtype=pl.Boolean)
    values = texts.replace_strict(words, truth, return_dtype=pl.Boolean)
    if values.null_count() == texts.null_count():
        return Outcome(values)
    known = "/".join(conventions.true_words), "/".join(conventions.false_words)
    return Outcome.of(values, conventions.strip(texts), f"not one of {known[0]} and {known[1]}")


def boolean_from_numbers(numbers: pl.Series) -> Outcome:
    """Read 1 and 0; refuse every other number."""
    values = (numbers == 1).set((numbers != 0) & (numbers != 1), None)
    return Outcome.of(values, numbers, "neither 0 nor 1")
