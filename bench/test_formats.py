"""Parquet, Arrow and XLSX beside the bare readers, and a table in parts beside the whole one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import fastexcel
import polars as pl
import pytest

from algomancy_data import (
    ArrowFile,
    ArrowSingleExtractor,
    CSVFile,
    CSVSingleExtractor,
    ParquetFile,
    ParquetSingleExtractor,
    XLSXFile,
    XLSXSingleExtractor,
)
from algomancy_data.testing.workloads import Orders, orders, write_csv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from algomancy_data.extractor import SingleExtractor

PARTS = 10
# A workbook of a million rows takes minutes to write and says no more.
XLSX_SHARE = 10


@pytest.fixture(scope="module")
def table(rows: int) -> pl.DataFrame:
    return orders(rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("formats")


def extracted(extractor: SingleExtractor) -> Callable[[], pl.DataFrame]:
    return lambda: extractor.extract()[extractor.file.name]


def test_parquet_beside_read_parquet(
    beside: Callable[..., None], table: pl.DataFrame, folder: Path
) -> None:
    path = folder / "orders.parquet"
    table.write_parquet(path)
    ours = extracted(ParquetSingleExtractor(ParquetFile("orders", path), Orders))
    beside(ours, lambda: pl.read_parquet(path))
    assert ours().equals(table)


def test_arrow_beside_read_ipc(
    beside: Callable[..., None], table: pl.DataFrame, folder: Path
) -> None:
    path = folder / "orders.arrow"
    table.write_ipc(path)
    ours = extracted(ArrowSingleExtractor(ArrowFile("orders", path), Orders))
    beside(ours, lambda: pl.read_ipc(path))
    assert ours().equals(table)


def test_xlsx_beside_fastexcel(
    beside: Callable[..., None], table: pl.DataFrame, folder: Path
) -> None:
    path = folder / "orders.xlsx"
    # Its writer keeps 16 digits.
    table = table.head(max(table.height // XLSX_SHARE, 1)).with_columns(pl.col(pl.Float64).round(3))
    table.write_excel(path)
    ours = extracted(XLSXSingleExtractor(XLSXFile("orders", path), Orders))
    beside(ours, lambda: fastexcel.read_excel(path).load_sheet(0).to_polars())
    assert ours().equals(table)


def test_parquet_parts_beside_read_parquet(
    beside: Callable[..., None], table: pl.DataFrame, folder: Path
) -> None:
    parts = folder / "parquet"
    parts.mkdir()
    for number, part in enumerate(divided(table)):
        part.write_parquet(parts / f"{number}.parquet")
    ours = extracted(ParquetSingleExtractor(ParquetFile("orders", parts), Orders))
    beside(ours, lambda: pl.read_parquet(parts))
    assert ours().equals(table)


def test_csv_parts_beside_one_csv(
    beside: Callable[..., None], table: pl.DataFrame, folder: Path
) -> None:
    whole = write_csv({"orders": table}, folder)["orders"]
    parts = folder / "csv"
    parts.mkdir()
    for number, part in enumerate(divided(table)):
        write_csv({str(number): part}, parts)
    ours = extracted(CSVSingleExtractor(CSVFile("orders", parts), Orders))
    beside(ours, extracted(CSVSingleExtractor(CSVFile("orders", whole), Orders)))
    assert ours().equals(table)


def divided(table: pl.DataFrame) -> list[pl.DataFrame]:
    size = -(-table.height // PARTS)
    return [cast("pl.DataFrame", part) for part in table.iter_slices(size)]
