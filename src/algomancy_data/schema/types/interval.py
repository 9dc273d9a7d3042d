"""INTERVAL: lengths of time, as ISO 8601 (``P1DT2H``) or as days and a clock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

import polars as pl

from algomancy_data.schema.types.base import Outcome, ReadType, TextSlice, TimeUnit
from algomancy_data.schema.types.distinct_texts import NO_VERDICT, Verdict
from algomancy_data.schema.types.time import TimeType

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.types.conventions import TextConventions
    from algomancy_data.schema.types.distinct_texts import DistinctTexts
    from algomancy_data.schema.types.stack import Stack

# At most twelve digits each: the sum in nanoseconds then fits into 128 bits.
_NUMBER: Final = "[0-9]{1,12}"
_FRACTION: Final = r"(?:\.(?<fraction>[0-9]{1,9}))?"
_ISO: Final = (
    r"^(?<sign>[+-]?)P"
    rf"(?:(?<weeks>[+-]?{_NUMBER})W)?(?:(?<days>[+-]?{_NUMBER})D)?"
    rf"(?:T(?:(?<hours>{_NUMBER})H)?(?:(?<minutes>{_NUMBER})M)?"
    rf"(?:(?<seconds>{_NUMBER}){_FRACTION}S)?)?$"
)
# Python, pandas and PostgreSQL agree: "-1 day, 0:00:05" is five seconds more than minus one day.
_CLOCK: Final = (
    rf"^(?:(?<days>[+-]?{_NUMBER}) days?)?(?:(?:^|, ?| )"
    rf"(?<sign>[+-]?)(?<hours>{_NUMBER}):(?<minutes>[0-5][0-9]):(?<seconds>[0-5][0-9]){_FRACTION})?$"
)
_NANOSECONDS: Final = {
    "weeks": 7 * 86_400 * 10**9,
    "days": 86_400 * 10**9,
    "hours": 3_600 * 10**9,
    "minutes": 60 * 10**9,
    "seconds": 10**9,
}
_PER_MICROSECOND: Final = 1_000
_NO_LENGTH: Final = (
    "not a length of time (ISO 8601 without months and years such as P1DT2H30M, or days and a "
    "clock with seconds such as 1 day 02:30:00)"
)
_TOO_LONG: Final = "longer than 64 bits can count"
_TIME: Final = TimeType()
TIMES_OF_DAY: Final = Verdict(
    _TIME.dtype, "Times of day; if they are lengths of time, declare INTERVAL."
)


@dataclass(frozen=True)
class IntervalFacts:
    """Whether lengths of time need nanoseconds."""

    has_nanoseconds: bool

    def __add__(self, other: Self) -> Self:
        """Return the facts of both slices."""
        return type(self)(self.has_nanoseconds or other.has_nanoseconds)


class IntervalSlice(TextSlice):
    """Some texts as lengths of time."""

    @cached_property
    def _forms(self) -> tuple[pl.Series, pl.Series]:
        """Which of them are written as ISO 8601, and which as days and a clock."""
        stripped = self.stripped
        # "P" and "PT" fit the pattern, but they are no length.
        iso = stripped.str.contains(_ISO) & stripped.str.contains("[WDHMS]$")
        return iso, ~iso & stripped.str.contains(_CLOCK)

    @cached_property
    def refusal(self) -> Outcome | None:
        """What is not a length of time; None if all are."""
        iso, clock = self._forms
        neither = ~(iso | clock)
        if not neither.any():
            return None
        return Outcome(self.stripped, neither.fill_null(value=False), _NO_LENGTH)

    @cached_property
    def lengths(self) -> pl.Series:
        """Their lengths in nanoseconds, as Int128; null for other texts."""
        stripped = self.stripped
        iso, clock = self._forms
        total = _nanoseconds(stripped.set(~iso, None), _ISO, sign_of_days=True)
        return total.zip_with(iso, _nanoseconds(stripped.set(~clock, None), _CLOCK))

    @cached_property
    def has_nanoseconds(self) -> pl.Series:
        """Which of them are not exact in microseconds."""
        length = pl.col(self.lengths.name)
        return self.lengths.to_frame().select(length % _PER_MICROSECOND != 0).to_series()


class IntervalType(ReadType[IntervalSlice, IntervalFacts, TimeUnit]):
    """Lengths of time, but not months, years, numbers without a unit, or ``12:30``.

    The dtype of text that was read is ``Duration("us")``, or ``Duration("ns")`` if a value needs
    more than six digits after its seconds.
    """

    name = "INTERVAL"
    dtype = pl.Duration("us")
    samples = (
        *("P1DT2H", "PT0.5S", "PT0.123456789S", "1 day 02:30:00", "-1 day, 0:00:05"),
        *("12:30", "2:30:00.1234567", "NA", "x", "P1Y", "P999999999999W", ""),
    )
    slice_type = IntervalSlice

    def accepts(self, dtype: PolarsDataType) -> bool:
        """Take any time unit."""
        return isinstance(dtype, pl.Duration)

    def quick(self, part: IntervalSlice) -> tuple[Outcome, TimeUnit] | None:
        """Read a slice in the unit that its own values need."""
        if part.refusal is not None:
            return None
        unit: TimeUnit = "ns" if part.has_nanoseconds.any() else "us"
        return _in_unit(part.lengths, unit), unit

    def facts(
        self,
        part: IntervalSlice,
        stack: Stack,
        *,
        is_whole: bool,  # noqa: ARG002  the interface
    ) -> list[IntervalFacts]:
        """Tell whether a value needs nanoseconds."""
        if part.refusal is not None and len(stack.lengths) == 1:
            return [IntervalFacts(has_nanoseconds=False)]
        return [IntervalFacts(count > 0) for count in stack.counts(part.has_nanoseconds)]

    def decide(self, facts: IntervalFacts, conventions: TextConventions) -> TimeUnit:  # noqa: ARG002  the interface
        """Return the time unit."""
        return "ns" if facts.has_nanoseconds else "us"

    def apply(self, part: IntervalSlice, form: TimeUnit) -> Outcome:
        """Read lengths of time; refuse other texts, and lengths too long for the unit."""
        return part.refusal or _in_unit(part.lengths, form)

    def infer(self, column: DistinctTexts) -> Verdict:
        """Take lengths of time, unless all are times of day as well."""
        if not column.has_digits or column.read_as(self).refused is not None:
            return NO_VERDICT
        if column.read_as(_TIME).refused is not None:
            return Verdict(self.name)
        return TIMES_OF_DAY


def _in_unit(lengths: pl.Series, unit: TimeUnit) -> Outcome:
    length = pl.col(lengths.name)
    counted = length if unit == "ns" else length // _PER_MICROSECOND
    cast = counted.cast(pl.Int64, strict=False).cast(pl.Duration(unit))
    return Outcome.of(lengths.to_frame().select(cast).to_series(), lengths, _TOO_LONG, rank=1)


def _nanoseconds(texts: pl.Series, pattern: str, *, sign_of_days: bool = False) -> pl.Series:
    """Return the lengths as Int128, null where there is no text.

    Args:
        texts: Texts that fit the pattern.
        pattern: The pattern, with the names of the units.
        sign_of_days: The sign holds for weeks and days as well, not for the clock alone.
    """
    parts = texts.str.extract_groups(pattern).struct.unnest()
    units = {unit: length for unit, length in _NANOSECONDS.items() if unit in parts.columns}
    lengths = {
        unit: pl.col(unit).cast(pl.Int128).fill_null(0) * length for unit, length in units.items()
    }
    fraction = pl.col("fraction").str.pad_end(9, "0").cast(pl.Int128).fill_null(0)
    sign = pl.when(pl.col("sign") == "-").then(-1).otherwise(1)
    clock = pl.sum_horizontal(lengths["hours"], lengths["minutes"], lengths["seconds"], fraction)
    days = pl.sum_horizontal(*(lengths[unit] for unit in units if unit in {"weeks", "days"}))
    total = sign * (days + clock) if sign_of_days else days + sign * clock
    return parts.select(total.alias(texts.name)).to_series().set(texts.is_null(), None)
