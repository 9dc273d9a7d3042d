"""To FLOAT and INTEGER."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.extractor.conversion.notation import (
    DECLARE_MARK,
    advice_on,
    decimal_mark,
    patterns,
    plain,
)
from algomancy_data.extractor.conversion.outcome import Outcome, exact_cast

if TYPE_CHECKING:
    from algomancy_data.extractor.conversion.conventions import TextConventions

_SPECIAL: Final = r"(?i)^[+-]?(?:inf|infinity|nan)$"
_NAN_WORDS: Final = ("NaN", "nan")
_SAMPLE: Final = 1_000
_MAX_EXACT_FLOAT: Final = 2**53
# Floats keep all numbers of fifteen digits apart.
_FLOAT_DIGITS: Final = 10**15
_MAX_PRECISION: Final = 38
_INT64_DIGITS: Final = 19
# Beyond any exponent that matters, and far from the end of Int64.
_HUGE: Final = 10**12
_WRITTEN_OUT: Final = r"^[+-]?[0-9]+(?:\.0*)?$"
# Sign, whole part, fraction and exponent of a plain number.
_PARTS: Final = (
    r"^(?<sign>-?)\+?(?<whole>[0-9]*)\.?(?<part>[0-9]*)(?:[eE](?<exponent>[+-]?[0-9]+))?$"
)


def float_from_text(texts: pl.Series, conventions: TextConventions) -> Outcome:
    """Read decimal numbers; refuse text and what is beyond the range or precision of a float.

    A fraction becomes the float next to it. A whole number must be one: 9007199254740993 is
    refused. A column whose values all look like ``1,234`` can be read in two ways; without a
    declared decimal mark it is read as 1.234, and the outcome says so.
    """
    if conventions.decimal_mark != ",":
        direct = texts.cast(pl.Float64, strict=False)
        if direct.null_count() == texts.null_count() and not direct.is_infinite().any():
            return _beyond_float(texts, direct) or Outcome(direct)
    if (values := _plain_decimal_commas(texts, conventions.decimal_mark)) is not None:
        return Outcome(values)
    stripped = conventions.strip(texts, keep=_NAN_WORDS)
    special = stripped.str.contains(_SPECIAL)
    numbers = stripped.set(special, None) if special.any() else stripped
    mark, ambiguous = decimal_mark(numbers, conventions.decimal_mark)
    if ambiguous is not None and numbers.str.contains(".", literal=True).any():
        reason = "written with commas, others with points, and either could be the decimal mark"
        with_comma = numbers.str.contains(",", literal=True).fill_null(value=False)
        return Outcome(texts, with_comma, reason, DECLARE_MARK)
    written = plain(numbers, mark)
    values = written.cast(pl.Float64, strict=False)
    problem = _beyond_float(written, values)
    if special.any():
        values = values.zip_with(
            ~special.fill_null(value=False), stripped.cast(pl.Float64, strict=False)
        )
    if values.null_count() > stripped.null_count():
        name = {".": "decimal point", ",": "decimal comma"}[mark]
        return _refuse(values, stripped, f"not a number with a {name}")
    if problem is not None:
        return problem
    if ambiguous is None:
        return Outcome(values)
    reason = "read with a decimal comma, though it could also separate thousands"
    return Outcome(values, reason=reason, advice=DECLARE_MARK, guessed=ambiguous)


def integer_from_text(texts: pl.Series, conventions: TextConventions) -> Outcome:
    """Read whole numbers exactly; refuse fractions, text and what is beyond 64 bits.

    ``1.0``, ``1,0`` and ``1e3`` are whole numbers. ``1,234`` and ``1.234`` need a declared
    decimal mark or another value that decides; else they are refused.
    """
    direct = texts.cast(pl.Int64, strict=False)
    if direct.null_count() == texts.null_count():
        return Outcome(direct)
    stripped = conventions.strip(texts)
    direct = stripped.cast(pl.Int64, strict=False)
    rest = stripped.set(direct.is_not_null(), None)
    mark, ambiguous = decimal_mark(rest, conventions.decimal_mark, points_too=True)
    if ambiguous is not None:
        reason = "either thousands or a fraction: no value of the column says which"
        return Outcome(texts, ambiguous, reason, DECLARE_MARK)
    values = direct.zip_with(direct.is_not_null(), _integers(plain(rest, mark)))
    return _refuse(values, stripped, "not a whole number of at most 64 bits")


def float_from_numbers(numbers: pl.Series) -> Outcome:
    """Turn numbers into equal floats; refuse those that have none.

    A decimal is equal to the float that is written with its digits: 0.10 to 0.1.
    """
    reason = "not exact as FLOAT"
    dtype = numbers.dtype
    if not isinstance(dtype, pl.Decimal):
        return exact_cast(numbers, pl.Float64(), reason)
    floats = numbers.cast(pl.Float64)
    digits = numbers.to_physical()
    if digits.is_between(-_FLOAT_DIGITS, _FLOAT_DIGITS).all():
        return Outcome(floats)
    whole = pl.Decimal(_MAX_PRECISION, dtype.scale)
    written = floats.cast(pl.String).cast(whole, strict=False)
    same = written.eq_missing(numbers.cast(whole))
    return Outcome(floats) if same.all() else Outcome(floats, ~same, reason)


def has_large_floats(values: pl.Series) -> bool:
    """Tell whether text may mean more than these floats hold: some are 2^53 or more, or infinite.

    Args:
        values: Column of dtype Float64.
    """
    largest = values.abs().max()  # NaN counts only where there is nothing else
    return isinstance(largest, float) and largest >= _MAX_EXACT_FLOAT


def _refuse(values: pl.Series, given: pl.Series, reason: str) -> Outcome:
    """Refuse every value that was given and is null; say what to do where that is plain."""
    if values.null_count() == given.null_count():
        return Outcome(values)
    refused = values.is_null() & given.is_not_null()
    return Outcome(values, refused, reason, advice_on(given.filter(refused)))


def _plain_decimal_commas(texts: pl.Series, declared: str | None) -> pl.Series | None:
    """Return the numbers if a decimal comma is certain and nothing else is in the way.

    That is the common case, and it needs none of the patterns on all values.
    """
    if declared == ".":
        return None
    if declared is None:
        start = texts.head(_SAMPLE)
        fitting = patterns(start)
        certain = start.str.contains(fitting[","]) & ~start.str.contains(fitting["."])
        if not certain.any():
            return None
    if texts.str.contains(".", literal=True).any():
        return None
    values = texts.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    if values.null_count() > texts.null_count() or has_large_floats(values):
        return None
    return values


def _beyond_float(written: pl.Series, values: pl.Series) -> Outcome | None:
    """Refuse what became infinite, and whole numbers that became another whole number."""
    if not has_large_floats(values):
        return None
    infinite = values.is_infinite()
    if infinite.any():
        return Outcome(values, infinite.fill_null(value=False), "beyond the range of FLOAT")
    large = (values.abs() >= _MAX_EXACT_FLOAT) & values.is_not_nan()
    large &= written.set(~large, None).str.contains(_WRITTEN_OUT)
    large = large.fill_null(value=False)
    if not large.any():
        return None
    floats = values.set(~large, None).abs()
    digits = written.set(~large, None).str.replace(r"\.0*$", "").str.strip_chars_start("+-0")
    exact = digits == floats.cast(pl.Int128, strict=False).cast(pl.String)
    # 123456789012345680000 is how JavaScript writes the float 1.2345678901234568e20.
    shortest = floats.cast(pl.String).str.replace(r"e.*$", "").str.replace(".", "", literal=True)
    same = digits.str.strip_chars_end("0") == shortest.str.strip_chars_end("0")
    rounded = large & ~(exact.fill_null(value=False) | same)
    if not rounded.any():
        return None
    reason = "a whole number with more digits than FLOAT can hold"
    return Outcome(values, rounded, reason, "Declare INTEGER or STRING.")


def _integers(written: pl.Series) -> pl.Series:
    """Return whole numbers as Int64, null where a number is not whole or too large."""
    direct = written.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)
    rest = written.set(direct.is_not_null(), None)
    if rest.null_count() == len(rest):
        return direct
    return direct.zip_with(direct.is_not_null(), _integers_from_digits(rest))


def _integers_from_digits(written: pl.Series) -> pl.Series:
    """Return whole numbers as Int64, null where a number is not whole or too large.

    Args:
        written: Plain numbers; all arithmetic is done on their digits, so nothing is rounded.
    """
    digits = pl.concat_str("whole", "part").str.strip_chars_start("0")
    significant = pl.col("digits").str.strip_chars_end("0")
    exponent = pl.col("exponent").cast(pl.Int64, strict=False)
    zeros = (  # how many to append to the significant digits
        pl.when(pl.col("exponent").is_null()).then(0).otherwise(exponent.clip(-_HUGE, _HUGE))
        - pl.col("part").str.len_bytes().cast(pl.Int64)
        + pl.col("digits").str.len_bytes().cast(pl.Int64)
        - pl.col("significant").str.len_bytes().cast(pl.Int64)
    )
    length = pl.col("significant").str.len_bytes() + pl.col("zeros")
    is_whole = (pl.col("zeros") >= 0) & (length <= _INT64_DIGITS)
    whole = pl.concat_str(
        "sign", pl.col("significant").str.pad_end(length.clip(0, _INT64_DIGITS), "0")
    )
    return (
        written.str.extract_groups(_PARTS)
        .struct.unnest()
        .with_columns(digits=digits)
        .with_columns(significant=significant)
        .with_columns(zeros=zeros)
        .select(
            pl.when(pl.col("significant") == "")
            .then(0)
            .when(is_whole)
            .then(whole.cast(pl.Int64, strict=False))
            .alias(written.name)
        )
        .to_series()
    )
