"""INTEGER: whole numbers of 64 bits, exactly."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self, cast

import polars as pl

from algomancy_data.schema.types.base import Outcome, TextSlice, exact_cast
from algomancy_data.schema.types.distinct_texts import NO_VERDICT, Verdict
from algomancy_data.schema.types.float import FloatType
from algomancy_data.schema.types.notation import (
    DECLARE_MARK,
    EITHER,
    NumberFacts,
    NumberForm,
    NumberType,
    codes_among,
    digits_of,
    not_numbers,
    plain,
)

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.types.conventions import TextConventions
    from algomancy_data.schema.types.distinct_texts import DistinctTexts
    from algomancy_data.schema.types.stack import Stack

_FLOAT: Final = FloatType()
_REASON: Final = "not a whole number of at most 64 bits"


class IntegerSlice(TextSlice):
    """Some texts: which are plain digits, and which are written otherwise."""

    def __init__(
        self, texts: pl.Series, conventions: TextConventions, dtype: PolarsDataType
    ) -> None:
        super().__init__(texts, conventions)
        self._dtype = dtype

    @cached_property
    def direct(self) -> pl.Series:
        """The numbers of plain digits."""
        return self.stripped.cast(self._dtype, strict=False)

    @cached_property
    def others(self) -> pl.Series:
        """The other texts."""
        return self.stripped.set(self.direct.is_not_null(), None)


class IntegerType(NumberType[IntegerSlice]):
    """Whole numbers. ``1.0``, ``1,0`` and ``1e3`` are whole.

    ``1,234`` and ``1.234`` need a declared decimal mark or another value that decides; else they
    are refused.

    Args:
        dtype: The Polars dtype that it is declared with; None for the type INTEGER.
    """

    name = "INTEGER"
    dtype = pl.Int64()
    sql = "BigInteger"
    samples = (
        *("1", "2", "007"),
        *("1,234", "1.234", "1,234,567", "12 000"),
        *("1e3", "1.0", "1,0", "1.5"),
        *("NA", " 7 ", "x", "5-", "9223372036854775808", ""),
    )
    in_json = True
    may_be_key = may_refer = True
    plain_text = "^-?(?:0|[1-9][0-9]*)$"
    slice_type = IntegerSlice

    def __init__(self, dtype: PolarsDataType | None = None) -> None:
        self._least, self._most, self._reason = -(2**63), 2**63 - 1, _REASON
        if dtype is not None:
            self.name, self.dtype = str(dtype), dtype
            limits = cast("Any", dtype)
            self._least, self._most = pl.select(limits.min(), most=limits.max()).row(0)
            self.samples = (*self.samples, str(self._least), str(self._most), str(self._most + 1))
            self._reason = f"not a whole number from {self._least} to {self._most}"

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> Self | None:
        """Take whole numbers of any width, with and without a sign."""
        if dtype == pl.Int64:
            return cls.named(dtype)
        return cls(dtype) if dtype.is_integer() else None

    def slice_of(self, texts: pl.Series, conventions: TextConventions) -> IntegerSlice:
        """Return texts, with plain digits as numbers of the dtype."""
        return IntegerSlice(texts, conventions, self.dtype)

    def reads_as_polars(self, conventions: TextConventions) -> bool:  # noqa: ARG002  the interface
        """Polars takes digits only, which mean the same in all conventions."""
        return self.dtype == pl.Int64

    def form_as_polars(self, conventions: TextConventions) -> NumberForm:
        """Return the form of plain digits."""
        return NumberForm(conventions.decimal_mark or ".")

    def quick(self, part: IntegerSlice) -> tuple[Outcome, NumberForm] | None:
        """Read plain digits."""
        values = part.texts.cast(self.dtype, strict=False)
        if values.null_count() > part.texts.null_count():
            return None
        return Outcome(values), NumberForm(part.conventions.decimal_mark or ".")

    def facts(self, part: IntegerSlice, stack: Stack, *, is_whole: bool) -> list[NumberFacts]:
        """Look at texts other than plain digits."""
        return NumberFacts.of(part.others, stack, ",.", None, is_whole=is_whole)

    def apply(self, part: IntegerSlice, form: NumberForm) -> Outcome:
        """Read whole numbers exactly; refuse fractions, text and numbers beyond 64 bits."""
        if form.is_guess:
            either = part.others.str.contains("[,.]").fill_null(value=False)
            return Outcome(part.texts, either, EITHER, DECLARE_MARK)
        values = part.direct
        if part.others.null_count() < len(part.others):
            others = self._integers(plain(part.others, form.mark))
            values = values.zip_with(values.is_not_null(), others)
        return not_numbers(values, part.stripped, self._reason) or Outcome(values)

    def from_values(self, values: pl.Series) -> Outcome | None:
        """Take numbers and truth values; refuse fractions and numbers beyond 64 bits."""
        if values.dtype == pl.Boolean:
            return Outcome(values.cast(self.dtype))
        return exact_cast(values, self.dtype, self._reason) if values.dtype.is_numeric() else None

    def infer(self, column: DistinctTexts) -> Verdict:
        """Take whole numbers; leave those written with a fraction to FLOAT."""
        if not column.has_digits or _FLOAT.reads_fractions(column):
            return NO_VERDICT
        if column.read_as(self).refused is not None:
            return NO_VERDICT
        return codes_among(column) or Verdict(self.name)

    def _integers(self, written: pl.Series) -> pl.Series:
        """Return whole numbers, null where a number is not whole or out of range."""
        direct = written.str.replace(r"\.0*$", "").cast(self.dtype, strict=False)
        rest = written.set(direct.is_not_null(), None)
        if rest.null_count() == len(rest):
            return direct
        found = _integers_from_digits(rest, self.dtype, len(str(self._most)))
        return direct.zip_with(direct.is_not_null(), found)


def _integers_from_digits(written: pl.Series, dtype: PolarsDataType, most_digits: int) -> pl.Series:
    """Return whole numbers, null where a number is not whole or out of range.

    Args:
        written: Plain numbers.
        dtype: The dtype of whole numbers.
        most_digits: How many digits the largest one has.
    """
    significant, point = pl.col("significant"), pl.col("point")
    is_whole = point.is_between(significant.str.len_bytes(), most_digits)
    whole = pl.concat_str("sign", significant.str.pad_end(point.clip(0, most_digits), "0"))
    values = digits_of(written).select(
        pl.when(significant == "")
        .then(pl.lit(0, dtype))
        .when(is_whole)
        .then(whole.cast(dtype, strict=False))
        .alias(written.name)
    )
    return values.to_series()
