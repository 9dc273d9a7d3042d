"""Moments of a declared time unit and time zone, written like those of DATETIME."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self, cast

import polars as pl

from algomancy_data.schema.types.base import FittedType, Outcome
from algomancy_data.schema.types.datetime import DateFacts, DateForm, DateSlice, DatetimeType

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType

_DIGITS: Final = {"ms": 3, "us": 6, "ns": 9}


class MomentType(FittedType[DateSlice, DateFacts, DateForm]):
    """Moments that are exact in a time unit, with a time zone or without.

    Text with an offset from UTC is converted to the time zone; text without one is local time
    there, which is refused where the clocks skip or repeat it.

    Args:
        dtype: The Polars dtype.
    """

    read_as = DatetimeType()
    sql = DatetimeType.sql
    samples = (
        *("2024-01-05", "2024-01-05 10:30", "2024-02-30", "2024-01-05T10:30Z"),
        *("2024-01-05T10:30+02:00", "2024-01-05 10:30:00.1234567", "1500-01-01"),
        *("2024-03-31 02:30", "2024-10-27 02:30", "01/02/2024", "13/02/2024"),
        *("13/02/2024 10:30:00.5", "NA", "x", ""),
    )
    in_header = False
    may_be_key = True
    undecided = DatetimeType.undecided

    def __init__(self, dtype: pl.Datetime) -> None:
        self._unit, self._zone = dtype.time_unit, dtype.time_zone
        zone = "" if self._zone is None else f", {self._zone!r}"
        self.name, self.dtype = f"Datetime({self._unit!r}{zone})", dtype

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> Self | None:
        """Take moments."""
        return cls(dtype) if isinstance(dtype, pl.Datetime) else None

    def fit(self, values: pl.Series) -> Outcome:
        """Return moments in the declared zone and unit."""
        local = self._local(values, cast("pl.Datetime", values.dtype).time_zone)
        if local.refused is not None:
            return local
        counted = local.values.cast(self.dtype, strict=False)
        same = counted.cast(local.values.dtype, strict=False).eq_missing(local.values)
        if same.all():
            return Outcome(counted)
        reason = f"a moment beyond the range or the {_DIGITS[self._unit]} digits of {self.name}"
        return Outcome(values, ~same, reason, rank=8)

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
