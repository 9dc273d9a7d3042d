"""Keys and references on pandas as the pandas package checks them: tuples of rows, and sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping


def as_pandas(tables: Mapping[str, pl.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the frames of pandas that the pandas package holds, texts as Python objects."""
    return {
        name: pd.DataFrame(frame.to_dict(as_series=False)).astype(
            {column: object for column, dtype in frame.schema.items() if dtype == pl.String}
        )
        for name, frame in tables.items()
    }


def duplicates(frame: pd.DataFrame, columns: list[str]) -> int:
    """Return how many rows share their complete key with another."""
    complete = _with_key(frame, columns)
    seen: set[tuple[object, ...]] = set()
    repeated: set[tuple[object, ...]] = set()
    for key in _row_tuples(complete, columns):
        (repeated if key in seen else seen).add(key)
    return int(_rows_in(complete, columns, repeated).sum())


def orphans(child: pd.DataFrame, parent: pd.DataFrame, columns: list[str]) -> int:
    """Return how many rows have a complete reference to no parent."""
    known = set(_row_tuples(parent, columns))
    complete = _with_key(child, columns)
    return len(complete) - int(_rows_in(complete, columns, known).sum())


def cascade(
    child: pd.DataFrame, parent: pd.DataFrame, columns: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Drop orphans, and parents without a child, until nothing changes."""
    while True:
        before = len(child) + len(parent)
        known = set(_row_tuples(parent, columns))
        child = child[_rows_in(child, columns, known) | child[columns].isna().any(axis=1)]
        known = set(_row_tuples(_with_key(child, columns), columns))
        parent = parent[_rows_in(parent, columns, known)]
        if len(child) + len(parent) == before:
            return child.reset_index(drop=True), parent.reset_index(drop=True)


def _row_tuples(frame: pd.DataFrame, columns: list[str]) -> list[tuple[object, ...]]:
    return list(map(tuple, frame[columns].itertuples(index=False)))


def _with_key(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return frame[frame[columns].notna().all(axis=1)]


def _rows_in(frame: pd.DataFrame, columns: list[str], keys: set[tuple[object, ...]]) -> pd.Series:
    return pd.Series([key in keys for key in _row_tuples(frame, columns)], frame.index, dtype=bool)
