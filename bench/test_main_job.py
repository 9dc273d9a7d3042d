"""ETL of CSV files beside what Polars needs to read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from algomancy_data import DataSource, SimpleETLFactory, StatelessDataManager
from algomancy_data.testing.workloads import SCHEMAS
from stores import DATASET

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_etl_beside_read_csv(
    beside: Callable[..., None], csv_paths: dict[str, Path], tables: dict[str, pl.DataFrame]
) -> None:
    managers: list[StatelessDataManager[DataSource]] = []

    def etl() -> None:
        manager = StatelessDataManager(SimpleETLFactory, SCHEMAS, "json", DataSource)
        managers[:] = [manager]
        items = [(name, str(path)) for name, path in csv_paths.items()]
        result = manager.etl_data(manager.prepare_files(file_items_with_path=items), DATASET)
        assert result.is_success, result.messages

    def read_csv() -> None:
        for name, path in csv_paths.items():
            pl.read_csv(path, separator=";", schema=tables[name].schema)

    beside(etl, read_csv)
    source = managers[0].get_data(DATASET)
    assert source is not None
    for name, frame in tables.items():
        assert source.get_table(name).equals(frame)
