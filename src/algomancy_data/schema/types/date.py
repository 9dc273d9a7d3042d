"""Dates: days without a time, written like those of DATETIME."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, Self

import polars as pl

from algomancy_data.schema.types.base import Outcome
from algomancy_data.schema.types.datetime import (
    DateForm,
    DateSlice,
    DatetimeType,
    outside_calendar,
)

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType

_WITH_TIME: Final = "a date with a time of day or an offset"


class DateType(DatetimeType):
    """Days."""

    name = "Date"
    dtype = pl.Date()
    sql = "Date"
    samples = (
        *("2024-01-05", "2024-01-05 00:00", "2024-02-30", "2024-01-05 10:30", "1500-01-01"),
        *("01/02/2024", "13/02/2024", "5.6.2024", "2024/1/5", "0000-01-01", "NA", "x", ""),
    )

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> Self | None:
        """Take days."""
        return cls() if dtype == pl.Date else None

    def accepts(self, dtype: PolarsDataType) -> bool:
        """Take days alone."""
        return dtype == pl.Date

    def quick(self, part: DateSlice) -> tuple[Outcome, DateForm] | None:
        """Read dates of one shape, where one order of day and month alone is possible."""
        found = super().quick(part)
        return None if found is None else (_days(found[0]), found[1])

    def apply(self, part: DateSlice, form: DateForm) -> Outcome:
        """Read dates; refuse those with a time of day other than midnight."""
        return _days(super().apply(part, form))

    def from_values(self, values: pl.Series) -> Outcome | None:
        """Take moments at midnight."""
        is_moment = isinstance(values.dtype, pl.Datetime)
        return _days(Outcome(values)) if is_moment else None

    def default(self, value: object) -> Any:
        """Read text as ISO 8601."""
        return dt.date.fromisoformat(value) if isinstance(value, str) else value


def _days(read: Outcome) -> Outcome:
    """Return the days of moments that were read."""
    moments = read.values
    if read.refused is not None:
        return read
    if isinstance(moments.dtype, pl.Datetime):
        timed = moments.dt.time().to_physical() != 0
        if moments.dtype.time_zone is not None or timed.any():
            has_zone = moments.dtype.time_zone is not None
            refused = moments.is_not_null() if has_zone else timed.fill_null(value=False)
            return Outcome(moments, refused, _WITH_TIME, rank=6)
    days = moments.cast(pl.Date)
    refused = outside_calendar(days)
    if refused is not None:
        return refused
    return Outcome(days, reason=read.reason, advice=read.advice, guessed=read.guessed)
