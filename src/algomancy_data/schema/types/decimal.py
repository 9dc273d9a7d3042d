"""Decimals: numbers of a fixed scale, digit for digit as they are written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final, Self

import polars as pl

from algomancy_data.schema.types.base import Outcome, TextSlice, exact_cast
from algomancy_data.schema.types.notation import (
    DECLARE_MARK,
    EITHER,
    NumberFacts,
    NumberForm,
    NumberType,
    digits_of,
    not_numbers,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.types.distinct_texts import DistinctColumns, DistinctTexts
    from algomancy_data.schema.types.stack import Stack


_MOST_DIGITS: Final = 38
# A number of so many digits is the only one of them that is next to its float.
_FLOAT_DIGITS: Final[dict[object, int]] = {pl.Float64(): 15, pl.Float32(): 6, pl.Float16(): 3}
_NO_NUMBER: Final = "not a decimal number"

# What decides that numbers of which nothing is declared are decimals.
USUAL_DIGITS: Final = 18
_MONEY: Final = range(2, 5)
_FRACTION: Final = r"[.,][0-9]{2}|[0-9]{15}"
_NO_DECIMAL: Final = r"[eE]"
# Of so many different floats, one has fewer decimals than the others; or its text was padded.
_MANY: Final = 30
_SURELY_FLOATS: Final = 15
_LONG: Final = r"[0-9](?:\.?[0-9]){15}"
_PERHAPS_FLOATS: Final = 17


class DecimalType(NumberType[TextSlice]):
    """Decimals of a precision and scale; more decimals than the scale are refused, not rounded.

    Args:
        dtype: The Polars dtype.
    """

    sql = "Numeric"
    samples = (
        *("2", "1.0", "1.5", "1,5", "-0.25", "1.234", "1,234.5", "1.234,5", "12 000", "1e1"),
        *("15e-1", "NA", " 7 ", "1.50", "+3", ".5", "5.", "x", "5%", "1.23456", "9" * 30),
        *("1e400", "-0", ""),
    )
    as_written = True
    slice_type = TextSlice

    def __init__(self, dtype: pl.Decimal) -> None:
        self.name, self.dtype = f"Decimal({dtype.precision}, {dtype.scale})", dtype
        self._precision, self._scale = dtype.precision or _MOST_DIGITS, dtype.scale
        self.plain_text = rf"^-?(?:0|[1-9][0-9]*)[.,][0-9]{{{self._scale}}}$"
        whole = self._precision - self._scale
        self._short = rf"^-?[0-9]{{1,{whole}}}(?:\.[0-9]{{0,{self._scale}}})?$" if whole else "$^"
        self._too_long = (
            f"a number with more than {self._scale} decimals, or {self._precision} digits in all"
        )

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> Self | None:
        """Take decimals."""
        return cls(dtype) if isinstance(dtype, pl.Decimal) else None

    def quick(self, part: TextSlice) -> tuple[Outcome, NumberForm] | None:
        """Read numbers with a decimal point, if all are written plainly."""
        if part.conventions.decimal_mark == "," or not part.texts.str.contains(self._short).all():
            return None
        return Outcome(part.texts.cast(self.dtype)), NumberForm(".")

    def facts(self, part: TextSlice, stack: Stack, *, is_whole: bool) -> list[NumberFacts]:
        """Look at the numbers."""
        return NumberFacts.of(part.stripped, stack, ",", None, is_whole=is_whole)

    def apply(self, part: TextSlice, form: NumberForm) -> Outcome:
        """Read decimal numbers; refuse text and numbers with more digits than the dtype."""
        stripped = part.stripped
        if form.is_guess:
            either = stripped.str.contains(",", literal=True).fill_null(value=False)
            return Outcome(part.texts, either, EITHER, DECLARE_MARK)
        written = plain(stripped, form.mark)
        refused = not_numbers(written, stripped, _NO_NUMBER)
        return refused or self._from_plain(written)

    def from_values(self, values: pl.Series) -> Outcome | None:
        """Take numbers; floats by the digits with which they are written."""
        dtype = values.dtype
        if isinstance(dtype, pl.Decimal) or dtype.is_integer():
            digits = pl.Decimal(_MOST_DIGITS, self._scale)
            exact = exact_cast(values, digits, self._too_long)
            if exact.refused is not None:
                return exact
            return Outcome.of(exact.values.cast(self.dtype, strict=False), values, self._too_long)
        if not dtype.is_float():
            return None
        written = values.cast(pl.String)
        digits = written.str.replace(r"e.*$", "").str.replace_all("[^0-9]", "")
        digits = digits.str.strip_chars("0").str.len_bytes()
        exact = values.is_finite() & (digits <= _FLOAT_DIGITS[values.dtype])
        if not exact.all():
            reason = "a float, and of more digits than floats keep apart"
            return Outcome(values, ~exact.fill_null(value=True), reason)
        return self._from_plain(written)

    def _from_plain(self, written: pl.Series) -> Outcome:
        """Return the decimals of plain numbers, refuse those with more digits than the dtype."""
        if written.str.contains(self._short).all():
            return Outcome(written.cast(self.dtype))
        significant, point = pl.col("significant"), pl.col("point")
        length = significant.str.len_bytes().cast(pl.Int64)
        fits = (point <= self._precision - self._scale) & (length - point <= self._scale)
        # Where it fits, the point is no farther away than the digits of the dtype.
        before, after = point.clip(0, _MOST_DIGITS), (-point).clip(0, _MOST_DIGITS)
        zeros = pl.lit("").str.pad_end(after, "0")
        padded = significant.str.pad_end(before, "0")
        number = pl.concat_str(
            "sign",
            pl.lit("0"),
            padded.str.slice(0, before),
            pl.lit("."),
            zeros,
            padded.str.slice(before),
        )
        values = (
            digits_of(written)
            .select(pl.when(significant == "").then(pl.lit("0")).when(fits).then(number))
            .to_series()
            .alias(written.name)
        )
        return Outcome.of(values.cast(self.dtype, strict=False), written, self._too_long, rank=1)


def decimal_among(column: DistinctTexts) -> pl.Decimal | None:
    """Return numbers as decimals, if floats would change them.

    Either they are written to a fixed scale, as money is: two to four decimals each, and some
    with a last zero, which no float is written with, or thirty without one. Or they have digits
    that a float does not keep; up to seventeen digits without a fixed scale are taken for those
    of floats, which some programs write that long.

    Args:
        column: Texts, some of which may be numbers.
    """
    if not column.has(_FRACTION) or column.has(_NO_DECIMAL):
        return None
    form = NumberForm.decided_by(column.answer(_facts), column.conventions.decimal_mark)
    if form.is_guess or column.has_nan:
        return None
    found = column.answer(_WRITTEN[form.mark])
    if found.others:
        return None
    is_fixed = found.least == found.most and found.most > 0
    exceed_floats = found.surely_no_floats if is_fixed else found.hardly_floats
    if not (found.is_money(len(column.present)) or (found.most and exceed_floats)):
        return None
    whole = found.whole + found.most
    digits = USUAL_DIGITS if whole <= USUAL_DIGITS else _MOST_DIGITS
    return pl.Decimal(digits, found.most) if whole <= digits else None


def _facts(columns: DistinctColumns) -> Sequence[NumberFacts]:
    return NumberFacts.of(columns.present, columns.present_stack, ",", None, is_whole=True)


@dataclass(frozen=True, slots=True)
class _Written:
    """How the numbers of a column are written.

    Args:
        others: How many of the texts are none.
        least: The fewest decimals that one of them has.
        most: The most decimals.
        whole: The most digits before the decimal mark.
        padded: One ends in a zero.
        surely_no_floats: One has more than fifteen digits, and its float has others.
        hardly_floats: One has more than seventeen, and its float has others.
    """

    others: int
    least: int
    most: int
    whole: int
    padded: bool
    surely_no_floats: bool
    hardly_floats: bool

    @classmethod
    def with_point(cls, columns: DistinctColumns) -> Sequence[Self]:
        """Look at numbers with a decimal point."""
        return cls._of(columns, ".")

    @classmethod
    def with_comma(cls, columns: DistinctColumns) -> Sequence[Self]:
        """Look at numbers with a decimal comma."""
        return cls._of(columns, ",")

    @classmethod
    def _of(cls, columns: DistinctColumns, mark: str) -> Sequence[Self]:
        written = plain(columns.present, mark)
        fraction = written.str.extract(r"\.([0-9]*)$").fill_null("")
        digits = digits_of(written)
        numbers = digits.with_columns(
            lost=_lost_as_floats(written, digits),
            scale=fraction.str.len_bytes().cast(pl.Int64),
            padded=fraction.str.ends_with("0"),
        )
        length = pl.col("significant").str.len_bytes()
        found = columns.present_stack.facts(
            numbers,
            pl.col("sign").is_null().sum(),
            pl.col("scale").min().alias("least"),
            pl.col("scale").max().alias("most"),
            pl.col("point").max().clip(0),
            pl.col("padded").any(),
            (pl.col("lost") & (length > _SURELY_FLOATS)).any().alias("surely"),
            (pl.col("lost") & (length > _PERHAPS_FLOATS)).any().alias("hardly"),
        )
        return [cls(*row) for row in found.iter_rows()]

    def is_money(self, count: int) -> bool:
        """Tell whether they are written to a fixed scale, as money is.

        Args:
            count: How many different ones there are.
        """
        is_fixed = self.least == self.most and self.most in _MONEY
        return is_fixed and (self.padded or count >= _MANY)


_WRITTEN: Final = {".": _Written.with_point, ",": _Written.with_comma}


def _lost_as_floats(written: pl.Series, digits: pl.DataFrame) -> pl.Series:
    """Tell which numbers have digits that floats do not keep.

    Args:
        written: Plain numbers.
        digits: What they consist of.
    """
    is_long = written.str.contains(_LONG).fill_null(value=False)
    if not is_long.any():
        return is_long
    kept = digits_of(written.set(~is_long, None).cast(pl.Float64).cast(pl.String))
    differ = (kept[part].ne_missing(digits[part]) for part in kept.columns)
    return is_long & reduce(or_, differ)
