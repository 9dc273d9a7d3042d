"""What a conversion rule returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import polars as pl
    from polars.datatypes import DataType as PolarsDataType


@dataclass(frozen=True, slots=True)
class Outcome:
    """A converted column, or the values that stand in its way.

    Args:
        values: The converted column; meaningless if anything is refused.
        refused: Boolean column: which values cannot be converted. None if all can.
        reason: What the refused or guessed values are: goes on after "3 values are".
        advice: A sentence on what to do.
        guessed: Boolean column: which values were converted by a guess. None if none.
        by_value: It is the refused values that are wrong, not the dtype of the column.
    """

    values: pl.Series
    refused: pl.Series | None = None
    reason: str = ""
    advice: str = ""
    guessed: pl.Series | None = None
    by_value: bool = True

    @classmethod
    def of(cls, values: pl.Series, given: pl.Series, reason: str) -> Self:
        """Refuse every value that was given and is null after the conversion.

        Args:
            values: The converted column.
            given: The column that it was made from.
            reason: What the refused values are.
        """
        if values.null_count() == given.null_count():
            return cls(values)
        return cls(values, values.is_null() & given.is_not_null(), reason)


def exact_cast(values: pl.Series, dtype: PolarsDataType, reason: str) -> Outcome:
    """Cast numbers, refusing each one that does not come back identical.

    Args:
        values: Column of a numeric dtype.
        dtype: The numeric dtype wanted.
        reason: What the refused values are.
    """
    cast = values.cast(dtype, strict=False)
    same = cast.cast(values.dtype, strict=False).eq_missing(values)
    return Outcome(cast) if same.all() else Outcome(cast, ~same, reason)
