"""The folder store beside the least that it has to do: write Arrow files, open them, share them."""

from __future__ import annotations

import io
import os
import shutil
from typing import TYPE_CHECKING

import polars as pl
import pytest

from algomancy_data import DataClassification, DataSource, SimpleETLFactory, StatefulDataManager
from algomancy_data.testing.workloads import frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")

DATASET = "d"


@pytest.fixture(scope="module")
def tables(rows: int) -> dict[str, pl.DataFrame]:
    return frames(rows)


@pytest.fixture
def source(tables: dict[str, pl.DataFrame]) -> DataSource:
    source = DataSource(DataClassification.MASTER_DATA, name=DATASET)
    source.tables = tables
    return source


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "folder"


def open_manager(folder: Path) -> StatefulDataManager[DataSource]:
    manager = StatefulDataManager(SimpleETLFactory, [], folder, "json", DataSource)
    manager.startup()
    return manager


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def test_save_beside_write_ipc(
    beside: Callable[..., None],
    folder: Path,
    tmp_path: Path,
    source: DataSource,
    tables: dict[str, pl.DataFrame],
) -> None:
    bare = tmp_path / "bare"

    def renew() -> None:
        for path in (folder, bare):
            shutil.rmtree(path, ignore_errors=True)
        bare.mkdir()

    def write_ipc() -> None:
        for name, frame in tables.items():
            frame.write_ipc(bare / name)
            sync(bare / name)

    beside(lambda: open_manager(folder).add_data_source(source), write_ipc, renew)
    read = open_manager(folder).get_data(DATASET)
    assert read is not None
    for name, frame in tables.items():
        assert read.get_table(name).equals(frame)
        assert read.get_table(name).schema == frame.schema


def test_startup_beside_read_ipc(
    beside: Callable[..., None], folder: Path, source: DataSource
) -> None:
    open_manager(folder).add_data_source(source)
    paths = sorted(folder.rglob("*.arrow"))

    def read_ipc() -> None:
        for path in paths:
            pl.read_ipc(path)

    beside(lambda: open_manager(folder), read_ipc)
    assert open_manager(folder).get_data_keys() == [DATASET]


def test_derive_beside_four_syncs(
    beside: Callable[..., None], folder: Path, tmp_path: Path, source: DataSource
) -> None:
    manager = open_manager(folder)
    manager.add_data_source(source)
    numbers = iter(range(1_000_000))

    def four_syncs() -> None:
        """Add a file in a new directory, and make it durable."""
        home = tmp_path / f"home {next(numbers)}"
        home.mkdir()
        (home / "file").write_bytes(b"x")
        for path in (home / "file", home, tmp_path):
            sync(path)
        (home / "file").rename(tmp_path / home.name.replace("home", "file"))
        sync(tmp_path)

    beside(lambda: manager.derive_data(DATASET, f"derived {next(numbers)}"), four_syncs)
    assert len(open_manager(folder).get_data_keys()) > 1


def test_to_json_beside_write_ndjson(
    beside: Callable[..., None], source: DataSource, tables: dict[str, pl.DataFrame]
) -> None:
    def write_ndjson() -> None:
        for frame in tables.values():
            frame.write_ndjson()

    beside(source.to_json, write_ndjson)


def test_from_json_beside_read_ndjson(
    beside: Callable[..., None], source: DataSource, tables: dict[str, pl.DataFrame]
) -> None:
    text = source.to_json()
    lines = [frame.write_ndjson().encode() for frame in tables.values()]
    schemas = [
        {
            name: pl.String() if dtype.is_temporal() else dtype
            for name, dtype in frame.schema.items()
        }
        for frame in tables.values()
    ]

    def read_ndjson() -> None:
        for content, schema in zip(lines, schemas, strict=True):
            pl.read_ndjson(io.BytesIO(content), schema=schema)

    beside(lambda: DataSource.from_json(text), read_ndjson)
    assert DataSource.from_json(text).get_table("orders").equals(tables["orders"])
