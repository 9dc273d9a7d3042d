"""Databases as the pandas package writes them, whichever version of it is on the path."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd
import sqlalchemy as sa

from algomancy_data import DataClassification, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

if TYPE_CHECKING:
    from recording import Recording

CREATED = datetime(2024, 1, 31, 10, 30, 0, 123456)
DATASETS = (
    ("main", "Master Data", DataClassification.MASTER_DATA),
    ("main", "Master Data__2", DataClassification.DERIVED_DATA),
    ("other", "Master Data", DataClassification.MASTER_DATA),
)


def frames(number: int) -> dict[str, pd.DataFrame]:
    """Return what an ETL of the pandas package gives."""
    items = pd.DataFrame(
        {
            "id": pd.array([number, 2, None], dtype="Int64"),
            "name": pd.array(["bolt", None, "plate €"], dtype="string"),
            "weight": [0.5, float("nan"), 1e300],
            "made": pd.to_datetime([CREATED, None, datetime(1999, 12, 31)]),
            "active": pd.array([True, None, False], dtype="boolean"),
            "extra": ["undeclared", "00123", None],
        }
    )
    line = pd.DataFrame({"order": [1, 1], "item": ["bolt", "nut"], "pieces": [3, 2**53]})
    return {"items": items, "orders.line": line}


def drive(recording: Recording, name: str, url: str):
    """Write datasets of two sessions."""
    engine = sa.create_engine(url)
    for number, (session, dataset, kind) in enumerate(DATASETS):
        data = DataSource(kind, dataset, ds_id=f"id {number}", creation_datetime=CREATED)
        data.from_sql_tables(frames(number))
        manager = DatabaseDataManager(
            etl_factory=SimpleETLFactory,
            schemas=[],
            engine=engine,
            session_id=session,
            data_object_type=DataSource,
        )
        manager.startup()
        manager.add_data_source(data)
    recording.keep("tables", sorted(sa.inspect(engine).get_table_names()))
    engine.dispose()
