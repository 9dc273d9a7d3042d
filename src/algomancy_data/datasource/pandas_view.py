"""Frames as pandas frames, for whoever asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from algomancy_data.errors import FrameError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping


def pandas_frames(tables: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """Return a ``pandas.DataFrame`` per table, with columns in Arrow's types.

    Args:
        tables: The frames by name.

    Raises:
        MissingExtraError: pandas is not installed.
        FrameError: pandas cannot hold a column.
    """
    return {name: _pandas_frame(frame, name) for name, frame in tables.items()}


def _pandas_frame(frame: pl.DataFrame, name: str) -> Any:
    refused = [
        f"{column!r} ({dtype})" for column, dtype in frame.schema.items() if not _fits(dtype)
    ]
    if refused:
        msg = (
            f"Table {name!r} has columns that pandas cannot hold: {', '.join(refused)}. Cast them "
            f"to other dtypes first, or drop them."
        )
        raise FrameError(msg)
    try:
        return frame.to_pandas(use_pyarrow_extension_array=True)
    except ImportError as error:
        raise MissingExtraError.from_package("DataSource.to_pandas()", "pandas") from error


def _fits(dtype: pl.DataType) -> bool:
    """Tell whether Arrow has a type for it that pandas knows, without looking at any value."""
    import pyarrow as pa  # noqa: PLC0415  0.1 s that only those pay who ask for pandas

    if dtype.is_object():
        return False
    try:
        pa.table(pl.DataFrame(schema={"": dtype}))
    except pa.ArrowInvalid:
        return False
    return True
