"""Columns put together from rows that were read at different times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.errors import QuarantineError
from algomancy_data.extractor.mixed_columns import in_one_dtype
from algomancy_data.schema.types.string import text_from_any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.types import TextConventions


def join(pieces: Sequence[pl.Series]) -> pl.Series | None:
    """Return one column of the dtype that holds all values exactly, or None if there is none.

    The first piece has the say: the others are brought to its dtype, unless a finer unit of time
    is needed. Pieces without a value go with everything.

    Example:
        >>> join([pl.Series([1, 2]), pl.Series([3.0])]).to_list()
        [1, 2, 3]
        >>> join([pl.Series([1, 2]), pl.Series(["x"])]) is None
        True
    """
    wanted = pieces[0].dtype
    whole = [_empty_as(piece, wanted) for piece in pieces]
    if len({piece.dtype for piece in whole}) > 1:
        alike = in_one_dtype(whole) or [_exactly(piece, wanted) for piece in whole]
        whole = [piece for piece in alike if piece is not None]
    return pl.concat(whole) if len(whole) == len(pieces) else None


def as_text(values: pl.Series, conventions: TextConventions) -> pl.Series:
    """Return values as text that is read back as the same ones.

    Raises:
        QuarantineError: They have no such form.
    """
    outcome = text_from_any(values)
    if outcome.refused is not None:
        msg = f"Column {values.name!r} cannot go into quarantine: it is {outcome.reason}."
        raise QuarantineError(msg)
    has_fraction = values.dtype.is_float() or values.dtype.is_decimal()
    if has_fraction and conventions.decimal_mark == ",":
        return outcome.values.str.replace(".", ",", literal=True)
    return outcome.values


def _empty_as(values: pl.Series, dtype: PolarsDataType) -> pl.Series:
    if values.null_count() < len(values) or values.dtype == dtype:
        return values
    return pl.Series(values.name, [None], dtype).new_from_index(0, len(values))


def _exactly(values: pl.Series, dtype: PolarsDataType) -> pl.Series | None:
    """Return numbers in another numeric dtype, or None if one would change."""
    if values.dtype == dtype:
        return values
    if not (values.dtype.is_numeric() and dtype.is_numeric()):
        return None
    cast = values.cast(dtype, strict=False)
    same = cast.cast(values.dtype, strict=False).eq_missing(values).all()
    return cast if same else None
