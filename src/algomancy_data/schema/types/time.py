"""Times of day: hours, minutes, and seconds with up to nine digits."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, Self

import polars as pl

from algomancy_data.schema.types.base import ColumnType, Outcome
from algomancy_data.schema.types.distinct_texts import NO_VERDICT, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.types.conventions import TextConventions
    from algomancy_data.schema.types.distinct_texts import DistinctTexts

_CLOCK: Final = (
    r"^(?<hours>[01]?[0-9]|2[0-3]):(?<minutes>[0-5][0-9])"
    r"(?::(?<seconds>[0-5][0-9])(?:\.(?<fraction>[0-9]{1,9}))?)?$"
)
_PLAIN: Final = r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"
_NANOSECONDS: Final = {"hours": 3_600 * 10**9, "minutes": 60 * 10**9, "seconds": 10**9}
_NO_TIME: Final = "not a time of day such as 09:30, 9:30:15 or 09:30:15.123456789"


class TimeType(ColumnType):
    """Times of day."""

    name = "Time"
    dtype = pl.Time()
    sql = "Time"
    samples = (
        *("10:30:00", "23:59:59.999999999", "9:30", "00:00", "NA", " 12:00:00 ", "24:00:00"),
        *("10:60", "10:30 PM", "x", ""),
    )
    in_header = False
    may_be_key = True

    reads_by_value = True

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> Self | None:
        """Take times of day."""
        return cls() if dtype == pl.Time else None

    def from_text(self, slices: Sequence[pl.Series], conventions: TextConventions) -> Outcome:
        """Read hours, minutes and seconds of 24 hours."""
        given = pl.concat(slices)
        if given.str.contains(_PLAIN).all():
            return Outcome(given.str.to_time("%H:%M:%S"))
        texts = conventions.strip(given)
        parts = texts.str.extract_groups(_CLOCK).struct.unnest()
        whole = [pl.col(name).cast(pl.Int64).fill_null(0) * n for name, n in _NANOSECONDS.items()]
        fraction = pl.col("fraction").str.pad_end(9, "0").cast(pl.Int64).fill_null(0)
        clock = pl.sum_horizontal(*whole, fraction).cast(pl.Time)
        clock = pl.when(pl.col("hours").is_not_null()).then(clock)
        values = parts.select(clock.alias(texts.name)).to_series()
        return Outcome.of(values, texts, _NO_TIME)

    def infer(self, column: DistinctTexts) -> Verdict:
        """Take times of day."""
        if not column.has_digits or column.read_as(self).refused is not None:
            return NO_VERDICT
        return Verdict(self.dtype)

    def default(self, value: object) -> Any:
        """Read text as ISO 8601."""
        return dt.time.fromisoformat(value) if isinstance(value, str) else value
