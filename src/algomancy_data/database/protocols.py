"""Protocols of DataSource classes that are kept as tables or as Arrow data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from algomancy_data.datasource.layouts import ArrowPayloadLayout, SqlTableLayout
from algomancy_data.frames import pandas_frames

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ArrowPayloadLayout", "SqlTableLayout", "expects_pandas", "handed_back"]


def expects_pandas(cls: type[Any]) -> bool:
    """Tell whether a class wants its tables back as pandas frames.

    It does if it has a class attribute ``sql_frames = "pandas"``, or else if the parameter of its
    ``from_sql_tables`` is annotated with a pandas type (``dict[str, pd.DataFrame]``).
    """
    return pandas_frames.expects_pandas(cls.from_sql_tables, getattr(cls, "sql_frames", None))


def handed_back(cls: type[Any], tables: dict[str, pl.DataFrame]) -> dict[str, Any]:
    """Return the tables as the class expects them: Polars or pandas frames.

    Raises:
        FrameError: pandas cannot hold a table.
    """
    if expects_pandas(cls):
        return {name: pandas_frames.to_pandas(frame, name) for name, frame in tables.items()}
    return dict(tables)
