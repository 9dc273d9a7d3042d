"""Frames as pandas frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from algomancy_data.errors import MissingExtraError
from algomancy_data.frames.pandas_frames import check_pandas_holds

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl


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
    check_pandas_holds(frame, name)
    try:
        return frame.to_pandas(use_pyarrow_extension_array=True)
    except ImportError as error:
        raise MissingExtraError.from_package("DataSource.to_pandas()", "pandas") from error
