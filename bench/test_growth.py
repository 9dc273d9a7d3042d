"""How the time of the main operations grows with the rows."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from algomancy_data import DataSource, SimpleETLFactory, StatelessDataManager
from algomancy_data.testing.workloads import SCHEMAS, frames, write_csv
from folders import open_folder
from harness import Way
from peers.sqlite import SQLite
from stores import DATASET, Store, load_files, source_of

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Growth

pytestmark = pytest.mark.full


def test_etl(growth: Growth, tmp_path: Path) -> None:
    def make(rows: int) -> Way:
        folder = tmp_path / str(rows)
        folder.mkdir()
        paths = write_csv(frames(rows), folder)

        def etl() -> None:
            manager = StatelessDataManager(SimpleETLFactory, SCHEMAS, "json", DataSource)
            result = load_files(manager, paths)
            assert result.is_success, result.messages

        return Way("etl", etl)

    growth("ETL from CSV", make)


def test_persist(growth: Growth, tmp_path: Path) -> None:
    def make(rows: int) -> Way:
        store, source = Store(SQLite(tmp_path / f"{rows}.db")), source_of(frames(rows))
        return Way(
            "persist",
            lambda: store.manager.add_data_source(source),
            before=store.renew,
            after=store.close,
        )

    growth("persist to SQLite", make)


def test_first_load(growth: Growth, tmp_path: Path) -> None:
    def make(rows: int) -> Way:
        store = Store(SQLite(tmp_path / f"{rows}.db"))
        store.refill(source_of(frames(rows)))
        return Way(
            "get_data",
            lambda: store.manager.get_data(DATASET),
            before=store.reopen,
            after=store.close,
        )

    growth("first load from SQLite", make)


def test_save(growth: Growth, tmp_path: Path) -> None:
    def make(rows: int) -> Way:
        folder, source = tmp_path / str(rows), source_of(frames(rows))
        return Way(
            "save",
            lambda: open_folder(folder).add_data_source(source),
            before=lambda: shutil.rmtree(folder, ignore_errors=True),
        )

    growth("save to a folder", make, turns=3)  # the disk is sometimes slower than others
