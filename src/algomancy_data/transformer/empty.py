"""Filling and dropping nulls."""

from __future__ import annotations

from typing import Any

import polars as pl

from algomancy_data.errors import ValidationError
from algomancy_data.frames.lazy import kept_rows
from algomancy_data.frames.tabular import Tabular, to_frame
from algomancy_data.frames.values import python_values
from algomancy_data.relations.keys import everywhere


def fill_empty(data: Tabular | Any) -> pl.DataFrame:
    """Return the table with each null replaced by the nearest value to its left in the row.

    Columns keep their dtypes: a value is converted to that of the column it fills. Nulls without
    a value to their left stay. NaN is a value.

    Args:
        data: The table.

    Returns:
        A frame of the same shape and dtypes.

    Raises:
        ValidationError: A value cannot be converted without loss; the message names it.

    Example:
        >>> import polars as pl
        >>> from algomancy_data.transformer import fill_empty
        >>> fill_empty(pl.DataFrame({"a": [1, None], "b": [None, 2.5]})).rows()
        [(1, 1.0), (None, 2.5)]
    """
    filled: list[pl.Series] = []
    for column in to_frame(data):
        filled.append(_filled(column, filled[-1]) if filled else column)
    return pl.DataFrame(filled)


def drop_empty(data: Tabular | Any) -> pl.DataFrame:
    """Return the table without the rows that hold a null; NaN is a value.

    Args:
        data: The table.

    Example:
        >>> import polars as pl
        >>> from algomancy_data.transformer import drop_empty
        >>> drop_empty(pl.DataFrame({"a": [1, None], "b": ["x", "y"]})).rows()
        [(1, 'x')]
    """
    frame = to_frame(data)
    kept = everywhere(frame.height, value=True)
    for column in frame:
        if column.null_count():
            kept &= column.is_not_null()
    return frame if kept.all() else kept_rows(frame, kept)


def _filled(column: pl.Series, left: pl.Series) -> pl.Series:
    """Return the column with its nulls replaced by the values of the column to its left."""
    empty = column.is_null()
    if not (empty & left.is_not_null()).any():
        return column
    carried = pl.select(pl.when(empty).then(left).alias(left.name)).to_series()
    return column.zip_with(~empty, _converted(carried, column))


def _converted(values: pl.Series, target: pl.Series) -> pl.Series:
    """Return the values in the dtype of ``target``, which must lose nothing."""
    if values.dtype == target.dtype:
        return values
    try:
        converted = values.cast(target.dtype, strict=False)
        lost = values.filter(~values.eq_missing(converted.cast(values.dtype, strict=False)))
    except pl.exceptions.PolarsError:
        converted, lost = target, values.drop_nulls()
    if len(lost):
        msg = (
            f"Column {target.name!r} ({target.dtype}) cannot take the value "
            f"{python_values(lost.head(1))[0]!r} "
            f"from column {values.name!r} ({values.dtype}) without loss."
        )
        raise ValidationError(msg, context=target.name)
    return converted
