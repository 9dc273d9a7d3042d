"""Which words mean "no value" in a file: those in the way of a type that all else has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.inference.texts import text_type
from algomancy_data.schema import DataType
from algomancy_data.schema.types import NULL_WORDS, TextConventions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_CANDIDATES: Final = (
    *NULL_WORDS,
    "-",
    "--",
    "---",
    ".",
    "?",
    "#N/A",
    "#NA",
    "#NULL!",
    "\\N",
    "N.A.",
    "n.a.",
    "NaT",
    "Nan",
    "NONE",
    "None",
    "none",
    "Null",
    "nil",
    "(null)",
    "[null]",
    "unknown",
)
_NAN: Final = ("NaN", "nan")
_FEW: Final = 2
_PLAIN: Final = TextConventions(null_words=())


def null_words_in(texts: pl.Series, conventions: TextConventions) -> list[str]:
    """Return the words that mean "no value" in a column whose other values are no text.

    Args:
        texts: Column of dtype String.
        conventions: How its values are written.

    Example:
        >>> from algomancy_data.extractor import TextConventions
        >>> null_words_in(pl.Series(["-4", "NA", "12"]), TextConventions())
        ['NA']
    """
    values = texts.unique(maintain_order=True).drop_nulls()
    words = _candidates_among(values)
    if not words:
        return []
    rest = values.filter(~values.is_in([*words, ""]))
    if rest.is_empty():  # one word may be a text like any other
        return words if len(words) > 1 else []
    dtype = text_type(rest, replace(conventions, null_words=())).dtype
    if dtype is DataType.STRING:
        return []
    if dtype is DataType.FLOAT:  # they are numbers there
        words = [word for word in words if word.strip() not in _NAN]
    return words


def occurring(frame: pl.DataFrame, words: Iterable[str]) -> list[str]:
    """Return those of the words that are a value of some column, and may be null in all of them.

    A word that is one value among many different ones, as ``NA`` is among the codes of all
    countries, is a value.

    Args:
        frame: Columns of dtype String.
        words: The words.
    """
    wanted = sorted(set(words))
    if not wanted or not frame.width:
        return []
    return [word for word in wanted if _occurs(frame, word) and not _is_code(frame, word, wanted)]


def count_of(texts: pl.Series, words: Iterable[str]) -> int:
    """Return how many values of a column are one of the words."""
    return int(texts.is_in(list(words)).sum())


def default_words_among(texts: pl.Series) -> list[str]:
    """Return the values of a text column that would be null in a column of another type."""
    values = texts.unique()
    return values.filter(values.is_in(NULL_WORDS)).sort().to_list()


def _candidates_among(values: pl.Series) -> list[str]:
    return values.filter(values.str.strip_chars().is_in(list(_CANDIDATES))).to_list()


def _occurs(frame: pl.DataFrame, word: str) -> bool:
    return bool(frame.select(pl.any_horizontal((pl.all() == word).any())).item())


def _is_code(frame: pl.DataFrame, word: str, words: Collection[str]) -> bool:
    """Tell whether some column has the word once, and every other value once as well."""
    if not word.isalpha():
        return False
    once = frame.select((pl.all() == word).sum()).row(0)
    return any(
        count == 1 and _are_codes(frame[name].filter(~frame[name].is_in(words)))
        for name, count in zip(frame.columns, once, strict=True)
    )


def _are_codes(texts: pl.Series) -> bool:
    if len(texts) < _FEW or texts.n_unique() < len(texts):
        return False
    return text_type(texts, _PLAIN).dtype is DataType.STRING
