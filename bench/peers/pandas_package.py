"""What the pandas package does: every copy and every file is its records as JSON text."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd


def to_json(name: str, tables: dict[str, pd.DataFrame]) -> str:
    """Return a dataset as text: a record per row, and the dtypes beside them."""
    document = {
        "metadata": {"name": name, "type": "master_data", "tables": list(tables)},
        "tables": {
            table: {
                "data": records(frame),
                "columns": list(frame.columns),
                "dtypes": {column: str(dtype) for column, dtype in frame.dtypes.items()},
                "index": list(range(len(frame))),
            }
            for table, frame in tables.items()
        },
    }
    return json.dumps(document, indent=2)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    copy = frame.copy()
    for column, dtype in frame.dtypes.items():
        if pd.api.types.is_datetime64_any_dtype(dtype):
            copy[column] = frame[column].map(pd.Timestamp.isoformat).astype(object)
    return copy.to_dict(orient="records")


def from_json(text: str) -> dict[str, pd.DataFrame]:
    """Return the tables of a dataset's text."""
    tables = {}
    for name, table in json.loads(text)["tables"].items():
        frame = pd.DataFrame(table["data"], table["index"], table["columns"])
        for column, dtype in table["dtypes"].items():
            frame[column] = (
                pd.to_datetime(frame[column])
                if dtype.startswith("datetime")
                else frame[column].astype(dtype)
            )
        tables[name] = frame
    return tables


def derive(name: str, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return a copy of a dataset."""
    return from_json(to_json(name, tables))
