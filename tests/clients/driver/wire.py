"""A dataset as a document: one package writes it, the other reads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from recording import rows

from algomancy_data import DataClassification, DataSource

if TYPE_CHECKING:
    from recording import Recording


def drive(recording: Recording, name: str, path: str):
    """Write the document, or read it."""
    if name == "write":
        data = DataSource(DataClassification.MASTER_DATA, "d", ds_id="1")
        frame = pd.DataFrame(
            {
                "id": [1, 2],
                "gaps": pd.array([1, None], dtype="Int64"),
                "weight": [0.5, 1e300],
                "name": pd.array(["bolt €", None], dtype="string"),
                "made": pd.to_datetime(["2024-01-31 10:30:00.123456", None]),
                "active": pd.array([True, False], dtype="boolean"),
            }
        )
        data.add_table("items", frame)
        Path(path).write_text(data.to_json(), encoding="utf-8")
    data = DataSource.from_json(Path(path).read_text(encoding="utf-8"))
    recording.keep("dataset", [data.id, data.name, data.is_master_data()])
    recording.keep("items", rows(data.get_table("items")))
