"""Conventions of text that the columns of a table share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias

import polars as pl

if TYPE_CHECKING:
    from algomancy_data.schema.csv_dialect import CSVDialect

BinaryEncoding: TypeAlias = Literal["base64", "hex"]

NULL_WORDS: Final = ("NA", "N/A", "n/a", "NULL", "null", "None", "NaN", "nan", "<NA>")
"""Words that mean "no value" in a column that is not declared as text."""

TRUE_WORDS: Final = ("true", "yes", "y", "1", "t", "1.0")
FALSE_WORDS: Final = ("false", "no", "n", "0", "f", "0.0")


@dataclass(frozen=True)
class TextConventions:
    """How values are written as text.

    Args:
        decimal_mark: ``"."`` or ``","``; None lets each column's own values decide.
        null_words: Words that mean "no value" in columns that are not declared as text.
        day_first: Whether ``01/02/2024`` is the 1st of February; None lets each column's own
            values decide.
        true_words: Words that mean true, in any case.
        false_words: Words that mean false, in any case.
        binary: How bytes are written: ``"base64"`` or ``"hex"``.
    """

    decimal_mark: str | None = None
    null_words: tuple[str, ...] = NULL_WORDS
    day_first: bool | None = None
    true_words: tuple[str, ...] = TRUE_WORDS
    false_words: tuple[str, ...] = FALSE_WORDS
    binary: BinaryEncoding = "base64"

    @classmethod
    def from_dialect(cls, dialect: CSVDialect) -> Self:
        """Return the conventions of a schema's dialect.

        Args:
            dialect: The dialect; what it leaves open keeps its default.
        """

        def words(declared: tuple[str, ...] | None, default: tuple[str, ...]) -> tuple[str, ...]:
            return default if declared is None else declared

        return cls(
            dialect.decimal_mark,
            words(dialect.null_words, NULL_WORDS),
            dialect.day_first,
            words(dialect.true_words, TRUE_WORDS),
            words(dialect.false_words, FALSE_WORDS),
            dialect.binary,
        )

    def strip(self, texts: pl.Series, *, keep: tuple[str, ...] = ()) -> pl.Series:
        """Return the texts without outer white space; null if nothing or a null word is left.

        Args:
            texts: Column of dtype String.
            keep: Null words that mean a value to this type, such as ``"nan"`` to a float.
        """
        words = ["", *(word for word in self.null_words if word not in keep)]
        text = pl.col(texts.name).str.strip_chars()
        return texts.to_frame().select(pl.when(~text.is_in(words)).then(text)).to_series()
