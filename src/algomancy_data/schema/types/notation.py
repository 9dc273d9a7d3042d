"""How a number is written: signs, thousands, and which mark separates its fraction.

Text is read in one of two ways, the same for all values of a column: with a decimal point (and
``1,234,567`` for a million) or with a decimal comma (and ``1.234.567``). Spaces, apostrophes and
underscores between thousands mean the same in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import polars as pl

from algomancy_data.schema.types.base import Advice, Outcome, ReadType, SliceT
from algomancy_data.schema.types.distinct_texts import Verdict, first_of

if TYPE_CHECKING:
    from algomancy_data.schema.types.conventions import TextConventions
    from algomancy_data.schema.types.distinct_texts import DistinctTexts
    from algomancy_data.schema.types.stack import Stack

GROUP_MARK: Final = {".": ",", ",": "."}
# Space, no-break space, thin space, narrow no-break space, apostrophes, underscore.
_NEUTRAL_MARKS: Final = " \u00a0\u2009\u202f'\u2019_"
_MINUS: Final = "\u2212"
DECLARE_MARK: Final = Advice(
    0, 'Declare _CSV = CSVDialect(decimal_mark=".") or (decimal_mark=",").'
)

# What people write around numbers, and what to say about it; the first that occurs is said.
_ORNAMENTS: Final = {
    "%": "A percent sign is no part of a number: write 0.05 for 5 %.",
    r"\p{Sc}|\b[A-Z]{3}\b": "A currency is no part of a number: give it a column of its own.",
    r"^\(.*\)$|[0-9][-\x{2212}]$": "Write a negative number with the minus sign in front of it.",
}

# What is written with digits and is no number: codes with leading zeros, telephone numbers.
_CODES: Final = {
    r"^[+-]?0[0-9]": "leading zeros",
    r"^\+[0-9]{7}": "a plus sign, as in telephone numbers",
    r"[0-9]_[0-9]": "underscores",
}
# Sign, whole part, fraction and exponent of a plain number.
_PARTS: Final = (
    r"^(?<sign>-?)\+?(?<whole>[0-9]*)\.?(?<part>[0-9]*)(?:[eE](?<exponent>[+-]?[0-9]+))?$"
)
# Beyond any exponent that matters, and far from the end of Int64.
_HUGE: Final = 10**12
EITHER: Final = "either thousands or a fraction: no value of the column says which"
_EXPONENT: Final = r"^[0-9]+[eE][0-9]+$"
_WHOLE: Final = r"^[+\-\x{2212}]?[0-9]+$"


def _pattern(mark: str, neutral_marks: str) -> str:
    """Return the pattern of a number with this decimal mark, thousands perhaps in groups."""
    groups = "|".join(
        rf"[1-9][0-9]{{0,2}}(?:[{group}][0-9]{{3}})+" for group in GROUP_MARK[mark] + neutral_marks
    )
    # Lakhs and crores: 12,34,567.
    indian = r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}" if mark == "." else ""
    whole = rf"(?:{groups}{indian}|[0-9]+)"
    return rf"^[+\-{_MINUS}]?(?:{whole}(?:[{mark}][0-9]*)?|[{mark}][0-9]+)(?:[eE][+-]?[0-9]+)?$"


# Most columns have no neutral marks, and the shorter patterns take half the time.
_SHORT: Final = {mark: _pattern(mark, "") for mark in GROUP_MARK}
_FULL: Final = {mark: _pattern(mark, _NEUTRAL_MARKS) for mark in GROUP_MARK}


def patterns(numbers: pl.Series) -> dict[str, str]:
    """Return the pattern that these texts fit if they are numbers, by decimal mark."""
    return _FULL if numbers.str.contains(f"[{_NEUTRAL_MARKS}]").any() else _SHORT


@dataclass(frozen=True)
class NumberFacts:
    """How numbers are written: the facts that decide the decimal mark of their column.

    Args:
        separated: One has a mark that separates a fraction or thousands.
        misfits: How many are no numbers, by decimal mark. None where it was not counted, since no
            mark is there.
        has_point: One has a point.
    """

    separated: bool
    misfits: dict[str, int] | None
    has_point: bool

    @classmethod
    def of(
        cls, numbers: pl.Series, stack: Stack, marks: str, specials: str | None, *, is_whole: bool
    ) -> list[Self]:
        """Look at numbers.

        Args:
            numbers: Texts without outer white space.
            stack: Which of them are a column.
            marks: The marks of which one in a number may separate either.
            specials: Pattern of words that are numbers with any decimal mark.
            is_whole: They are all of their columns: without a mark, nothing else matters.
        """
        separated = [count > 0 for count in stack.counts(numbers.str.contains(f"[{marks}]"))]
        if is_whole and not any(separated):
            return [cls(one, None, has_point=False) for one in separated]
        fits = {mark: numbers.str.contains(one) for mark, one in patterns(numbers).items()}
        misfits = {mark: ~fitting for mark, fitting in fits.items()}
        if specials is not None and all(one.any() for one in misfits.values()):
            neither = misfits["."] & misfits[","]
            words = numbers.set(~neither, None).str.contains(specials).fill_null(value=False)
            misfits = {mark: one & ~words for mark, one in misfits.items()}
        counts = {mark: stack.counts(one) for mark, one in misfits.items()}
        with_point = stack.counts(numbers.str.contains(".", literal=True))
        return [
            cls(one, {mark: counts[mark][at] for mark in counts}, has_point=with_point[at] > 0)
            for at, one in enumerate(separated)
        ]

    def __add__(self, other: Self) -> Self:
        """Return the facts of both slices."""
        return type(self)(
            self.separated or other.separated,
            None
            if self.misfits is None or other.misfits is None
            else {mark: self.misfits[mark] + other.misfits[mark] for mark in GROUP_MARK},
            self.has_point or other.has_point,
        )


@dataclass(frozen=True)
class NumberForm:
    """How the numbers of a column are written.

    Args:
        mark: The decimal mark.
        is_guess: Each value could be meant with the other mark, too.
        has_both: Some have a comma, others a point, and either could be the decimal mark.
    """

    mark: str
    is_guess: bool = False
    has_both: bool = False

    @classmethod
    def decided_by(cls, facts: NumberFacts, declared: str | None) -> Self:
        """Return the form of a column.

        Args:
            facts: Of all its values.
            declared: The decimal mark that the dialect declares.
        """
        if declared is not None:
            return cls(declared)
        if not facts.separated or facts.misfits is None:
            return cls(".")
        if not any(facts.misfits.values()):
            return cls(",", is_guess=True, has_both=facts.has_point)
        return cls(min(facts.misfits, key=facts.misfits.__getitem__))


class NumberType(ReadType[SliceT, NumberFacts, NumberForm]):
    """A type of numbers: all values of a column have one decimal mark."""

    in_header = False

    def decide(self, facts: NumberFacts, conventions: TextConventions) -> NumberForm:
        """Return the decimal mark."""
        return NumberForm.decided_by(facts, conventions.decimal_mark)

    def doubtful(self, texts: pl.Series, conventions: TextConventions) -> pl.Series | None:
        """Tell which could have thousands or a fraction."""
        return two_readings(texts, conventions.decimal_mark)


def plain(numbers: pl.Series, mark: str) -> pl.Series:
    """Return the numbers without groups and with a decimal point; null for other texts."""
    fits = numbers.str.contains(patterns(numbers)[mark])
    fitting = numbers if fits.all() else numbers.set(~fits, None)
    text = fitting.str.replace_all(f"[{GROUP_MARK[mark]}{_NEUTRAL_MARKS}]", "")
    if mark != ".":
        text = text.str.replace(mark, ".", literal=True)
    return text.str.replace(_MINUS, "-", literal=True)


def digits_of(written: pl.Series) -> pl.DataFrame:
    """Return plain numbers by their digits, without rounding.

    Args:
        written: Numbers with a decimal point, perhaps with an exponent.

    Returns:
        ``sign``; ``significant``, the digits without zeros at either end, none of zero; and
        ``point`` (Int64), how many digits stand before the decimal point, were it written out:
        negative where zeros follow it.
    """
    exponent = pl.col("exponent").cast(pl.Int64, strict=False).clip(-_HUGE, _HUGE)
    point = (
        pl.when(pl.col("exponent").is_null()).then(0).otherwise(exponent)
        + pl.col("digits").str.len_bytes().cast(pl.Int64)
        - pl.col("part").str.len_bytes().cast(pl.Int64)
    )
    return (
        written.str.extract_groups(_PARTS)
        .struct.unnest()
        .with_columns(digits=pl.concat_str("whole", "part").str.strip_chars_start("0"))
        .select("sign", significant=pl.col("digits").str.strip_chars_end("0"), point=point)
    )


def not_numbers(values: pl.Series, given: pl.Series, reason: str) -> Outcome | None:
    """Refuse every given value that is null, with advice where possible."""
    if values.null_count() == given.null_count():
        return None
    refused = values.is_null() & given.is_not_null()
    return Outcome(values, refused, reason, Advice.on(given.filter(refused), _ORNAMENTS))


def codes_among(column: DistinctTexts) -> Verdict | None:
    """Keep numbers as text if some of them look like codes; else return None."""
    for pattern, reason in _CODES.items():
        if column.has(pattern):
            coded = first_of(column.matching(pattern))
            note = f"Text, since some values have {reason}: {coded}."
            return Verdict("STRING", note)
    # A number is not both.
    exponents, wholes = column.count(_EXPONENT), column.count(_WHOLE)
    if exponents and wholes and exponents + wholes == len(column.present):
        shown = first_of(column.matching(_EXPONENT))
        return Verdict("STRING", f"Text, since {shown} may be a code and no number.")
    return None


def two_readings(texts: pl.Series, declared: str | None) -> pl.Series | None:
    """Tell which numbers are ambiguous: with a decimal point, or with a decimal comma."""
    if declared is not None:
        return None
    fits = [texts.str.contains(pattern) for pattern in patterns(texts).values()]
    return (texts.str.contains("[.,]") & fits[0] & fits[1]).fill_null(value=False)
