"""Durations of a declared time unit, written like those of INTERVAL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import polars as pl

from algomancy_data.schema.types.base import FittedType, Outcome, TimeUnit
from algomancy_data.schema.types.interval import IntervalFacts, IntervalSlice, IntervalType

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType


class DurationType(FittedType[IntervalSlice, IntervalFacts, TimeUnit]):
    """Lengths of time that are exact in a time unit.

    Args:
        dtype: The Polars dtype.
    """

    read_as = IntervalType()
    samples = IntervalType.samples

    def __init__(self, dtype: pl.Duration) -> None:
        self.name, self.dtype = f"Duration({dtype.time_unit!r})", dtype

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> Self | None:
        """Take lengths of time."""
        return cls(dtype) if isinstance(dtype, pl.Duration) else None

    def fit(self, values: pl.Series) -> Outcome:
        """Count lengths of time in the declared unit."""
        counted = values.cast(self.dtype, strict=False)
        same = counted.cast(values.dtype, strict=False).eq_missing(values)
        if same.all():
            return Outcome(counted)
        return Outcome(values, ~same, f"a length of time that is not exact in {self.name}", rank=2)
