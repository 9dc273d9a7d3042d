"""To BOOLEAN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.extractor.conversion.outcome import Outcome

if TYPE_CHECKING:
    from algomancy_data.extractor.conversion.conventions import TextConventions

_WORDS: Final = {
    **dict.fromkeys(("true", "yes", "y", "1", "t"), True),
    **dict.fromkeys(("false", "no", "n", "0", "f"), False),
}


def boolean_from_text(texts: pl.Series, conventions: TextConventions) -> Outcome:
    """Read true/yes/y/1/t and false/no/n/0/f in any case; refuse every other word."""
    # There are few words, and many rows.
    words = texts.unique()
    meanings = conventions.strip(words).str.to_lowercase()
    truth = meanings.replace_strict(_WORDS, default=None, return_dtype=pl.Boolean)
    values = texts.replace_strict(words, truth, return_dtype=pl.Boolean)
    if values.null_count() == texts.null_count():
        return Outcome(values)
    reason = "not one of true/yes/y/1/t and false/no/n/0/f"
    return Outcome.of(values, conventions.strip(texts), reason)


def boolean_from_numbers(numbers: pl.Series) -> Outcome:
    """Read 1 and 0; refuse every other number."""
    values = (numbers == 1).set((numbers != 0) & (numbers != 1), None)
    return Outcome.of(values, numbers, "neither 0 nor 1")
