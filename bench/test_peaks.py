"""The peak memory of the stores beside their peers'."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import operations
from peers.postgresql import PostgreSQL

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from harness import Alone, Memory


pytestmark = [pytest.mark.long, pytest.mark.full]


def test_persist(memory: Memory, tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    peers = {
        "pandas to_sql": operations.persist_by_pandas,
        "polars write_database (adbc)": operations.persist_by_polars,
    }
    memory("persist to SQLite", operations.persist, peers, tables, tmp_path)


def test_load(
    memory: Memory, alone: Alone, tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    alone(operations.persist, tables, tmp_path)
    peers = {
        "pandas read_sql": operations.load_by_pandas,
        "polars read_database (adbc)": operations.load_by_polars,
    }
    memory("first load from SQLite", operations.load, peers, tables, tmp_path, makes_frames=True)


def test_persist_to_postgresql(
    memory: Memory, tables: dict[str, pl.DataFrame], tmp_path: Path, postgresql: str
) -> None:
    (tmp_path / "url").write_text(PostgreSQL(postgresql, "peak_of_persist").url)
    memory("persist to PostgreSQL", operations.persist, {}, tables, tmp_path)


def test_load_from_postgresql(
    memory: Memory, alone: Alone, tables: dict[str, pl.DataFrame], tmp_path: Path, postgresql: str
) -> None:
    (tmp_path / "url").write_text(PostgreSQL(postgresql, "peak_of_load").url)
    alone(operations.persist, tables, tmp_path)
    memory("first load from PostgreSQL", operations.load, {}, tables, tmp_path, makes_frames=True)


def test_derive(
    memory: Memory, alone: Alone, tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    alone(operations.persist, tables, tmp_path)
    memory("derive in SQLite", operations.derive, {}, tables, tmp_path)


def test_save(memory: Memory, tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    memory("save to a folder", operations.save, {}, tables, tmp_path)
