"""The ETL of the pandas package in its steps: read, convert, check, copy."""

from __future__ import annotations

import copy
import io
import json
from typing import TYPE_CHECKING

import pandas as pd

from algomancy_data import DataType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from algomancy_data import Schema

_DTYPES = {
    DataType.INTEGER: "int64",
    DataType.FLOAT: "float64",
    DataType.STRING: "string",
    DataType.BOOLEAN: "boolean",
    DataType.DATETIME: "datetime64[us]",
}


def read_csv(path: Path) -> pd.DataFrame:
    """Return the frame of a file that was read as text first: its path may be gone by now."""
    return pd.read_csv(io.StringIO(path.read_text()), sep=";")


def read_json(path: Path) -> pd.DataFrame:
    """Return the frame of records that are parsed, written as text again, and parsed again."""
    text = json.dumps(json.loads(path.read_text()))
    return pd.json_normalize(json.loads(text))


def pandas_etl(
    frames: Mapping[str, pd.DataFrame], schemas: Iterable[type[Schema]]
) -> dict[str, pd.DataFrame]:
    """Return the frames as the dataset has them.

    As kindly as pandas allows: every step is one call per column, and keys are checked by
    ``duplicated``, not by tuples of rows.

    Raises:
        ValueError: A check found something.
    """
    converted: dict[str, pd.DataFrame] = {}
    for schema in schemas:
        name = schema.file_name()
        converted[name] = _convert(frames[name], schema)
        _check(converted[name], schema)
    # So that transformers can change the frames in place.
    return copy.deepcopy(converted)


def _convert(frame: pd.DataFrame, schema: type[Schema]) -> pd.DataFrame:
    frame = frame.copy()
    for column, declared in schema.datatypes().items():
        if declared is DataType.DATETIME and not pd.api.types.is_datetime64_dtype(frame[column]):
            frame[column] = pd.to_datetime(frame[column])
        frame[column] = frame[column].astype(_DTYPES[declared])
    return frame


def _check(frame: pd.DataFrame, schema: type[Schema]) -> None:
    absent = [name for name in schema.required_columns() if name not in frame.columns]
    other = [
        column
        for column, declared in schema.datatypes().items()
        if frame[column].dtype != _DTYPES[declared]
    ]
    key = list(schema.primary_key())
    without_key = frame[key].isna().any(axis=1)
    repeated = frame[key].duplicated(keep=False)
    if absent or other or without_key.any() or repeated.any():
        raise ValueError(absent, other, frame[without_key | repeated])
