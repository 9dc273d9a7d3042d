"""Durations of a declared time unit, written like those of INTERVAL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self, TypeAlias

import polars as pl

from algomancy_data.schema.types.base import Outcome, TimeUnit
from algomancy_data.schema.types.interval import IntervalSlice, IntervalType

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType

Unit: TypeAlias = Literal["ms", "us", "ns"]


class DurationType(IntervalType):
    """Lengths of time that are exact in a time unit.

    Args:
        dtype: The Polars dtype.
    """

    def __init__(self, dtype: pl.Duration) -> None:
        self._unit: Unit = dtype.time_unit
        self.name, self.dtype = f"Duration({self._unit!r})", dtype

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> Self | None:
        """Take lengths of time."""
        return cls(dtype) if isinstance(dtype, pl.Duration) else None

    def accepts(self, dtype: PolarsDataType) -> bool:
        """Take the declared time unit only."""
        return dtype == self.dtype

    def quick(self, part: IntervalSlice) -> tuple[Outcome, TimeUnit] | None:
        """Read a slice whose values are all lengths of time."""
        found = super().quick(part)
        return None if found is None else (self._fitted(found[0]), "us")

    def apply(self, part: IntervalSlice, form: TimeUnit) -> Outcome:
        """Read lengths of time; refuse those that the time unit cannot hold."""
        return self._fitted(super().apply(part, form))

    def from_values(self, values: pl.Series) -> Outcome | None:
        """Take lengths of time in another unit."""
        is_length = isinstance(values.dtype, pl.Duration)
        return self._fitted(Outcome(values)) if is_length else None

    def _fitted(self, read: Outcome) -> Outcome:
        lengths = read.values
        if read.refused is not None or not isinstance(lengths.dtype, pl.Duration):
            return read
        counted = lengths.cast(self.dtype, strict=False)
        same = counted.cast(lengths.dtype, strict=False).eq_missing(lengths)
        if same.all():
            return Outcome(counted)
        return Outcome(lengths, ~same, f"a length of time that is not exact in {self.name}", rank=2)
