"""FLOAT: numbers with a fraction, as the nearest floats."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

import polars as pl

from algomancy_data.schema.types.base import (
    Advice,
    Outcome,
    TextSlice,
    exact_cast,
)
from algomancy_data.schema.types.decimal import decimal_among
from algomancy_data.schema.types.distinct_texts import NO_VERDICT, Verdict, first_of
from algomancy_data.schema.types.notation import (
    DECLARE_MARK,
    NumberFacts,
    NumberForm,
    NumberType,
    codes_among,
    not_numbers,
    patterns,
    plain,
)

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.types.conventions import TextConventions
    from algomancy_data.schema.types.distinct_texts import DistinctTexts
    from algomancy_data.schema.types.stack import Stack

_SPECIAL: Final = r"(?i)^[+-]?(?:inf|infinity|nan)$"
_SAMPLE: Final = 1_000
# From here on not every whole number is a float, by the bits of a float.
_MAX_EXACT: Final = {64: 2**53, 32: 2**24}
# Floats keep all numbers of so many digits apart.
_DIGITS: Final = {64: 10**15, 32: 10**6}
_MAX_PRECISION: Final = 38
_WRITTEN_OUT: Final = r"^[+-]?[0-9]+(?:\.0*)?$"
_WHOLE: Final = r"^[+-]?[0-9]+[.,]0+$"
# With a decimal mark, and no more digits than a float keeps.
_SHORT: Final = "|".join(
    rf"{whole}(?:[.,][0-9]{{1,{15 - before}}})?"
    for before, whole in enumerate(("0", *(f"[1-9][0-9]{{{more}}}" for more in range(14))))
)
_MARK_NAMES: Final = {".": "decimal point", ",": "decimal comma"}


class FloatSlice(TextSlice):
    """Some texts, among which "NaN" is a number."""

    @cached_property
    def stripped(self) -> pl.Series:
        """The texts without outer white space, null where none or a null word is left."""
        return self.conventions.strip(self.texts, keep=FloatType.null_words)


class FloatType(NumberType[FloatSlice]):
    """Numbers with a fraction.

    A fraction becomes the float next to it. A whole number must be one: 9007199254740993 is
    refused. A column whose values all look like ``1,234`` can be read in two ways; without a
    declared decimal mark it is read as 1.234, and the outcome says so.

    Args:
        dtype: The Polars dtype that it is declared with; None for the type FLOAT.
    """

    name = "FLOAT"
    dtype = pl.Float64()
    sql = "Float"
    samples = (
        *("1.5", "2", "1,5", "1,234", "1.234", "1.234,5", "1,234.5", "12 000", "12,34,567"),
        *("1e3", "1e400", "NaN", "-inf", "NA", " 7 "),
        *("x", "5%", "(5)", "9007199254740993", "9.007.199.254.740.993", ""),
    )
    in_json = True
    null_words = ("NaN", "nan")
    plain_text = f"^-?(?:{_SHORT})$"
    slice_type = FloatSlice

    def __init__(self, dtype: PolarsDataType | None = None) -> None:
        if dtype is not None:
            self.name, self.dtype = str(dtype), dtype

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> Self | None:
        """Take floats of 64 and of 32 bits."""
        return cls(dtype) if dtype.is_float() and dtype != pl.Float16 else None

    def reads_as_polars(self, conventions: TextConventions) -> bool:
        """Polars reads numbers with a decimal point."""
        return self.dtype == pl.Float64 and conventions.decimal_mark != ","

    def form_as_polars(self, conventions: TextConventions) -> NumberForm:  # noqa: ARG002  the interface
        """Return the form of numbers with a decimal point."""
        return NumberForm(".")

    def quick(self, part: FloatSlice) -> tuple[Outcome, NumberForm] | None:
        """Read numbers with a decimal point, or with a certain decimal comma."""
        declared = part.conventions.decimal_mark
        texts = part.texts
        if declared != ",":
            values = texts.cast(self.dtype, strict=False)
            if values.null_count() == texts.null_count() and not values.is_infinite().any():
                return self._beyond(texts, values) or Outcome(values), NumberForm(".")
        commas = _plain_decimal_commas(texts, declared, self.dtype)
        return None if commas is None else (Outcome(commas), NumberForm(","))

    def facts(self, part: FloatSlice, stack: Stack, *, is_whole: bool) -> list[NumberFacts]:
        """Look at the numbers, without "NaN" and the like."""
        return NumberFacts.of(part.stripped, stack, ",", _SPECIAL, is_whole=is_whole)

    def apply(self, part: FloatSlice, form: NumberForm) -> Outcome:
        """Read decimal numbers; refuse text and numbers beyond the range or digits of a float."""
        stripped = part.stripped
        special = stripped.str.contains(_SPECIAL)
        numbers = stripped.set(special, None) if special.any() else stripped
        if form.has_both:
            reason = "written with commas, others with points, and either could be the decimal mark"
            with_comma = numbers.str.contains(",", literal=True).fill_null(value=False)
            return Outcome(part.texts, with_comma, reason, DECLARE_MARK)
        written = plain(numbers, form.mark)
        values = written.cast(self.dtype, strict=False)
        problem = self._beyond(written, values)
        if special.any():
            words = stripped.cast(self.dtype, strict=False)
            values = values.zip_with(~special.fill_null(value=False), words)
        reason = f"not a number with a {_MARK_NAMES[form.mark]}"
        outcome = not_numbers(values, stripped, reason) or problem
        if outcome is not None or not form.is_guess:
            return outcome or Outcome(values)
        reason = "read with a decimal comma, though it could also separate thousands"
        guessed = numbers.str.contains(",", literal=True).fill_null(value=False)
        return Outcome(values, reason=reason, advice=DECLARE_MARK, guessed=guessed)

    def from_values(self, values: pl.Series) -> Outcome | None:
        """Take numbers and truth values; refuse what no float equals."""
        if values.dtype == pl.Boolean:
            return Outcome(values.cast(self.dtype))
        return self._from_numbers(values) if values.dtype.is_numeric() else None

    def infer(self, column: DistinctTexts) -> Verdict:
        """Take numbers, some of which are written with a fraction or an exponent.

        Those that are written as decimals, or have more digits than a float, are decimals. Where
        all are written as ``1.0`` and some are missing, they are whole numbers.
        """
        if not column.has_digits:
            return NO_VERDICT
        outcome = column.read_as(self)
        code = codes_among(column) if outcome.refused is None else None
        decimal = decimal_among(column) if code is None else None
        if decimal is not None and outcome.guessed is None:
            return Verdict(decimal)
        if outcome.refused is not None:
            return column.nearly(outcome, "a number")
        if code is not None:
            return code
        if outcome.guessed is not None:
            note = (
                f"Text, since {first_of(column.matching(','))} is either thousands or a fraction: "
                f"declare FLOAT and the decimal_mark of CSVDialect."
            )
            return Verdict("STRING", note, "decimal_mark")
        if not self.reads_fractions(column):
            return NO_VERDICT
        if column.count(_WHOLE) < len(column.present):
            return Verdict(self.name)
        if column.has_gaps:
            note = "Whole numbers written as 1.0, as pandas does where values are missing."
            return Verdict("INTEGER", note)
        return Verdict(self.name, "All values are whole numbers.")

    def reads_fractions(self, column: DistinctTexts) -> bool:
        """Tell whether texts are numbers, some of them with a fraction or an exponent."""
        if column.read_as(self).refused is not None or not column.has("[eE.,]"):
            return False
        mark = column.conventions.decimal_mark
        if mark is None:  # without a comma, it was the point
            with_point = not column.has(",") or column.read_as(self, decimal_mark=".").is_certain
            mark = "." if with_point else ","
        return column.has(f"[eE{mark}]")

    def _from_numbers(self, numbers: pl.Series) -> Outcome:
        """Turn numbers into equal floats; refuse those that have none.

        A decimal is equal to the float that is written with its digits: 0.10 to 0.1. So is a
        float to a narrower one.
        """
        reason = f"not exact as {self.name}"
        dtype = numbers.dtype
        if dtype.is_float() and self.dtype == pl.Float32:
            floats = numbers.cast(pl.Float32)
            same = floats.cast(pl.String).eq_missing(numbers.cast(pl.String))
            return Outcome(floats) if same.all() else Outcome(floats, ~same, reason)
        if not isinstance(dtype, pl.Decimal):
            return exact_cast(numbers, self.dtype, reason)
        floats = numbers.cast(self.dtype)
        digits, most = numbers.to_physical(), _DIGITS[_bits(self.dtype)]
        if digits.is_between(-most, most).all():
            return Outcome(floats)
        whole = pl.Decimal(_MAX_PRECISION, dtype.scale)
        written = floats.cast(pl.String).cast(whole, strict=False)
        same = written.eq_missing(numbers.cast(whole))
        return Outcome(floats) if same.all() else Outcome(floats, ~same, reason)

    def _beyond(self, written: pl.Series, values: pl.Series) -> Outcome | None:
        return _beyond_float(written, values, self.name)


def _bits(dtype: PolarsDataType) -> int:
    return 32 if dtype == pl.Float32 else 64


def has_large_floats(values: pl.Series) -> bool:
    """Tell whether floats may have lost digits of text: some are 2^53 or more, or infinite.

    Of Float32, 2^24 or more.

    Args:
        values: Column of floats.
    """
    lowest, highest = values.min(), values.max()  # NaN counts only where there is nothing else
    if not isinstance(lowest, float) or not isinstance(highest, float):
        return False
    most = _MAX_EXACT[_bits(values.dtype)]
    return highest >= most or lowest <= -most


def _plain_decimal_commas(
    texts: pl.Series, declared: str | None, dtype: PolarsDataType
) -> pl.Series | None:
    """Return the numbers if a decimal comma is certain and they are plain.

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
    values = texts.str.replace(",", ".", literal=True).cast(dtype, strict=False)
    if values.null_count() > texts.null_count() or has_large_floats(values):
        return None
    return values


def _beyond_float(written: pl.Series, values: pl.Series, name: str) -> Outcome | None:
    """Refuse numbers that became infinite, and whole numbers that changed."""
    if not has_large_floats(values):
        return None
    infinite = values.is_infinite()
    if infinite.any():
        infinite = infinite.fill_null(value=False)
        return Outcome(values, infinite, f"beyond the range of {name}", rank=1)
    large = (values.abs() >= _MAX_EXACT[_bits(values.dtype)]) & values.is_not_nan()
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
    reason = f"a whole number with more digits than {name} can hold"
    return Outcome(values, rounded, reason, Advice(0, "Declare INTEGER or STRING."), rank=2)
