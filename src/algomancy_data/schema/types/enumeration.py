"""Enumerations: one of a list of words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import polars as pl

from algomancy_data.schema.types.base import ColumnType, Outcome
from algomancy_data.schema.types.conventions import TextConventions
from algomancy_data.schema.types.string import text_from_any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars.datatypes import DataType as PolarsDataType

_PLAIN: Final = TextConventions()
_SHOWN: Final = 5


class EnumType(ColumnType):
    """Words of a declared list, in its order.

    Args:
        dtype: The Polars dtype.
    """

    as_written = True
    may_be_key = may_refer = True
    repeats = True

    def __init__(self, dtype: pl.Enum) -> None:
        words = dtype.categories.to_list()
        self.dtype, self.samples = dtype, (*words[:2], "another word", "")
        listed = ", ".join(map(repr, words[:_SHOWN])) + (", …" if len(words) > _SHOWN else "")
        self.name = f"Enum([{listed}])"
        self._unknown = f"none of the {len(words)} words {listed}" if words[1:] else f"not {listed}"

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> Self | None:
        """Take words of a list."""
        return cls(dtype) if isinstance(dtype, pl.Enum) else None

    def from_text(self, slices: Sequence[pl.Series], conventions: TextConventions) -> Outcome:  # noqa: ARG002  the interface
        """Take words as they are; refuse those that are not in the list."""
        texts = pl.concat(slices)
        return Outcome.of(texts.cast(self.dtype, strict=False), texts, self._unknown)

    def from_values(self, values: pl.Series) -> Outcome:
        """Write values as text, see :class:`~algomancy_data.schema.types.string.StringType`."""
        texts = text_from_any(values)
        return texts if texts.refused is not None else self.from_text([texts.values], _PLAIN)
