"""CATEGORICAL: text with few distinct values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import polars as pl

from algomancy_data.schema.types.base import ColumnType, Outcome
from algomancy_data.schema.types.string import text_from_any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.types.conventions import TextConventions


class CategoricalType(ColumnType):
    """Text, each value of which is stored once."""

    name = "CATEGORICAL"
    dtype = pl.Categorical()
    samples = ("a", "b", " ", "NA")
    as_written = True
    may_be_key = may_refer = True
    repeats = True

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> Self | None:
        """Take categories that the values make."""
        return cls.named(dtype) if isinstance(dtype, pl.Categorical) else None

    def accepts(self, dtype: PolarsDataType) -> bool:
        """Take categories that are fixed, too."""
        return isinstance(dtype, pl.Categorical | pl.Enum)

    def from_text(self, slices: Sequence[pl.Series], conventions: TextConventions) -> Outcome:  # noqa: ARG002  the interface
        """Take text as it is."""
        return Outcome(pl.concat([texts.cast(pl.Categorical) for texts in slices]))

    def from_values(self, values: pl.Series) -> Outcome:
        """Write values as text, see :class:`~algomancy_data.schema.types.string.StringType`."""
        texts = text_from_any(values)
        return texts if texts.refused is not None else Outcome(texts.values.cast(pl.Categorical))
