"""TIME_OF_DAY: hours, minutes and seconds, as a type that the package does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.schema.types.base import ColumnType, Outcome
from algomancy_data.schema.types.distinct_texts import NO_VERDICT, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algomancy_data.schema.types.conventions import TextConventions
    from algomancy_data.schema.types.distinct_texts import DistinctTexts


class TimeOfDayType(ColumnType):
    """Times of day with a colon."""

    name = "TIME_OF_DAY"
    dtype = pl.Time()
    sql = "Time"
    samples = ("10:30:00.5", "23:59:59", "00:00:00", "NA", " 12:00:00 ", "24:00:00", "x", "")

    def from_text(self, slices: Sequence[pl.Series], conventions: TextConventions) -> Outcome:
        """Read hours, minutes and seconds."""
        texts = conventions.strip(pl.concat(slices))
        return Outcome.of(texts.str.to_time("%H:%M:%S%.f", strict=False), texts, "no time of day")

    def infer(self, column: DistinctTexts) -> Verdict:
        """Take what reads as one."""
        refuses = column.read_as(self).refused is not None
        return NO_VERDICT if refuses else Verdict(self.name)
