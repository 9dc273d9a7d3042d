"""Moments of a declared time unit and time zone, written like those of DATETIME."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import polars as pl

from algomancy_data.schema.types.base import Outcome
from algomancy_data.schema.types.datetime import DateForm, DateSlice, DatetimeType

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.types.duration import Unit

_DIGITS: Final = {"ms": 3, "us": 6, "ns": 9}


class MomentType(DatetimeType):
    """Moments that are exact in a time unit, and local to a time zone or to none.

    Text with an offset from UTC is converted to the time zone; text without one is local time
    there, which is refused where the clocks skip or repeat it.

    Args:
        dtype: The Polars dtype.
    """

    samples = (
        *("2024-01-05", "2024-01-05 10:30", "2024-02-30", "2024-01-05T10:30Z"),
        *(
            "2024-01-05T10:30+02:00",
            "2024-01-05 10:30:00.1234567",
            "1500-01-01",
            "2024-03-31 02:30",
        ),
        *("2024-10-27 02:30", "01/02/2024", "13/02/2024", "13/02/2024 10:30:00.5", "NA", "x", ""),
    )

    def __init__(self, dtype: pl.Datetime) -> None:
        self._unit: Unit = dtype.time_unit
        self._zone = dtype.time_zone
        zone = "" if self._zone is None else f", {self._zone!r}"
        self.name, self.dtype = f"Datetime({self._unit!r}{zone})", dtype

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> Self | None:
        """Take moments."""
        return cls(dtype) if isinstance(dtype, pl.Datetime) else None

    def accepts(self, dtype: PolarsDataType) -> bool:
        """Take the declared time unit and zone only."""
        return dtype == self.dtype

    def quick(self, part: DateSlice) -> tuple[Outcome, DateForm] | None:
        """Read dates of one shape, where one order of day and month alone is possible."""
        found = super().quick(part)
        return None if found is None else (self._fitted(found[0]), found[1])

    def apply(self, part: DateSlice, form: DateForm) -> Outcome:
        """Read moments; refuse those that the declared dtype does not hold."""
        return self._fitted(super().apply(part, form))

    def from_values(self, values: pl.Series) -> Outcome | None:
        """Put dates at midnight, and take moments of other units and zones."""
        found = super().from_values(values)
        return None if found is None else self._fitted(found)

    def _fitted(self, read: Outcome) -> Outcome:
        """Return moments in the declared zone and unit."""
        moments, dtype = read.values, read.values.dtype
        if read.refused is not None or not isinstance(dtype, pl.Datetime):
            return read
        local = self._local(moments, dtype.time_zone)
        if local.refused is not None:
            return local
        counted = local.values.cast(self.dtype, strict=False)
        same = counted.cast(local.values.dtype, strict=False).eq_missing(local.values)
        if not same.all():
            reason = f"a moment beyond the range or the {_DIGITS[self._unit]} digits of {self.name}"
            return Outcome(moments, ~same, reason, rank=8)
        return Outcome(counted, reason=read.reason, advice=read.advice, guessed=read.guessed)

    def _local(self, moments: pl.Series, zone: str | None) -> Outcome:
        """Return moments in the declared time zone, those without one as local time there."""
        if self._zone is None:
            if zone is None:
                return Outcome(moments)
            reason = f"a moment with an offset or a time zone, and {self.name} has none"
            return Outcome(moments, moments.is_not_null(), reason, rank=6)
        if zone is not None:
            return Outcome(moments.dt.convert_time_zone(self._zone))
        local = moments.dt.replace_time_zone(self._zone, ambiguous="null", non_existent="null")
        reason = f"a time that the clocks of {self._zone} skip or repeat: write its offset"
        return Outcome.of(local, moments, reason, rank=7)
