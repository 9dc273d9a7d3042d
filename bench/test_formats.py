"""Extraction alone beside the bare readers, and a table in parts beside the whole one."""

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
from algomancy_data.testing.workloads import Orders, write_csv
from harness import Way

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from algomancy_data import SingleExtractor
    from harness import Race

PARTS = 10
# A workbook of a million rows takes minutes to write and says no more.
XLSX_SHARE = 10


@pytest.fixture
def orders(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return tables["orders"]


def same(table: pl.DataFrame) -> Callable[[pl.DataFrame], None]:
    def check(found: pl.DataFrame) -> None:
        assert found.equals(table)
        assert found.schema == table.schema

    return check


def extract(extractor: SingleExtractor, table: pl.DataFrame) -> Way:
    return Way(
        "algomancy-data", lambda: extractor.extract()[extractor.file.name], check=same(table)
    )


def test_parquet(race: Race, orders: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    orders.write_parquet(path)
    race(
        "extract Parquet",
        extract(ParquetSingleExtractor(ParquetFile("orders", path), Orders), orders),
        [Way("polars read_parquet", lambda: pl.read_parquet(path), check=same(orders))],
    )


def test_arrow(race: Race, orders: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "orders.arrow"
    orders.write_ipc(path)
    race(
        "extract Arrow",
        extract(ArrowSingleExtractor(ArrowFile("orders", path), Orders), orders),
        [Way("polars read_ipc", lambda: pl.read_ipc(path), check=same(orders))],
    )


def test_xlsx(race: Race, orders: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "orders.xlsx"
    # Its writer keeps 16 digits.
    table = orders.head(max(orders.height // XLSX_SHARE, 1))
    table = table.with_columns(pl.col(pl.Float64).round(3))
    table.write_excel(path)

    def read_excel() -> pl.DataFrame:
        return fastexcel.read_excel(path).load_sheet(0).to_polars()

    race(
        "extract XLSX",
        extract(XLSXSingleExtractor(XLSXFile("orders", path), Orders), table),
        [
            Way(
                "fastexcel",
                read_excel,
                check=lambda found: same(table)(found.cast(dict(table.schema))),
                remark="types by the cells: integers as floats, ms instead of µs",
            )
        ],
        rows=table.height,
    )


def test_parquet_parts(race: Race, orders: pl.DataFrame, tmp_path: Path) -> None:
    for number, part in enumerate(divided(orders)):
        part.write_parquet(tmp_path / f"{number}.parquet")
    race(
        "extract Parquet in ten parts",
        extract(ParquetSingleExtractor(ParquetFile("orders", tmp_path), Orders), orders),
        [Way("polars read_parquet", lambda: pl.read_parquet(tmp_path), check=same(orders))],
    )


@pytest.mark.full  # opening a part takes as long as reading some 20,000 rows of it
def test_csv_parts(
    race: Race, orders: pl.DataFrame, csv_paths: dict[str, Path], tmp_path: Path
) -> None:
    for number, part in enumerate(divided(orders)):
        write_csv({str(number): part}, tmp_path)
    whole = CSVSingleExtractor(CSVFile("orders", csv_paths["orders"]), Orders)
    race(
        "extract CSV in ten parts",
        extract(CSVSingleExtractor(CSVFile("orders", tmp_path), Orders), orders),
        [Way("ours, one file", lambda: whole.extract()["orders"], check=same(orders))],
    )


def divided(table: pl.DataFrame) -> list[pl.DataFrame]:
    size = -(-table.height // PARTS)
    return [cast("pl.DataFrame", part) for part in table.iter_slices(size)]
