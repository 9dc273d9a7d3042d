"""Dates: days without a time, written like those of DATETIME."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, Self, cast

import polars as pl

from algomancy_data.schema.types.base import FittedType, Outcome
from algomancy_data.schema.types.datetime import (
    DateFacts,
    DateForm,
    DateSlice,
    DatetimeType,
    outside_calendar,
)

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType

_WITH_TIME: Final = "a date with a time of day or an offset"


class DateType(FittedType[DateSlice, DateFacts, DateForm]):
    """Days."""

    name = "Date"
    dtype = pl.Date()
    sql = "Date"
    read_as = DatetimeType()
    in_header = False
    may_be_key = True
    undecided = DatetimeType.undecided
    samples = (
        *("2024-01-05", "2024-01-05 00:00", "2024-02-30", "2024-01-05 10:30", "1500-01-01"),
        *("01/02/2024", "13/02/2024", "5.6.2024", "2024/1/5", "0000-01-01", "NA", "x", ""),
    )

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> Self | None:
        """Take days."""
        return cls() if dtype == pl.Date else None

    def fit(self, values: pl.Series) -> Outcome:
        """Return the days of moments at midnight."""
        has_zone = cast("pl.Datetime", values.dtype).time_zone is not None
        timed = values.is_not_null() if has_zone else values.dt.time().to_physical() != 0
        if timed.any():
            return Outcome(values, timed.fill_null(value=False), _WITH_TIME, rank=6)
        days = values.cast(pl.Date)
        return outside_calendar(days) or Outcome(days)

    def default(self, value: object) -> Any:
        """Read text as ISO 8601."""
        return dt.date.fromisoformat(value) if isinstance(value, str) else value
