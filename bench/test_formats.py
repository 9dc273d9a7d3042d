"""Extraction alone beside the bare readers, and a table in parts beside the whole one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

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
from peers.checks import identical

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from algomancy_data import SingleExtractor
    from harness import Race

PARTS = 10


@pytest.fixture
def orders(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return tables["orders"]


def extract(extractor: SingleExtractor, table: pl.DataFrame) -> Way:
    return Way(
        "algomancy-data",
        lambda: extractor.extract()[extractor.file.name],
        check=partial(equal, table),
    )


def equal(table: pl.DataFrame, found: pl.DataFrame) -> None:
    identical({"orders": table}, {"orders": found})


def polars(read: Callable[[Path], pl.DataFrame], path: Path, table: pl.DataFrame) -> Way:
    return Way(f"polars {read.__name__}", lambda: read(path), check=partial(equal, table))


def parquet(path: Path) -> SingleExtractor:
    return ParquetSingleExtractor(ParquetFile("orders", path), Orders)


def test_parquet(race: Race, orders: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    orders.write_parquet(path)
    ours = extract(parquet(path), orders)
    race("extract Parquet", ours, [polars(pl.read_parquet, path, orders)])


@pytest.mark.full  # opening a part takes as long as reading some 20,000 rows of it
def test_parquet_parts(race: Race, orders: pl.DataFrame, tmp_path: Path) -> None:
    for number, part in enumerate(divided(orders)):
        part.write_parquet(tmp_path / f"{number}.parquet")
    ours = extract(parquet(tmp_path), orders)
    race("extract Parquet in ten parts", ours, [polars(pl.read_parquet, tmp_path, orders)])


def test_arrow(race: Race, orders: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "orders.arrow"
    orders.write_ipc(path)
    ours = extract(ArrowSingleExtractor(ArrowFile("orders", path), Orders), orders)
    race("extract Arrow", ours, [polars(pl.read_ipc, path, orders)])


def test_xlsx(race: Race, sheets: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    table, path = sheets["orders"], tmp_path / "orders.xlsx"
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
                check=lambda found: equal(table, found.cast(dict(table.schema))),
                remark="types by the cells: integers as floats, ms instead of µs",
            )
        ],
        rows=table.height,
    )


@pytest.mark.full  # as above
def test_csv_parts(
    race: Race, orders: pl.DataFrame, csv_paths: dict[str, Path], tmp_path: Path
) -> None:
    for number, part in enumerate(divided(orders)):
        write_csv({str(number): part}, tmp_path)
    whole = CSVSingleExtractor(CSVFile("orders", csv_paths["orders"]), Orders)
    race(
        "extract CSV in ten parts",
        extract(CSVSingleExtractor(CSVFile("orders", tmp_path), Orders), orders),
        [Way("ours, one file", lambda: whole.extract()["orders"], check=partial(equal, orders))],
    )


def divided(table: pl.DataFrame) -> list[pl.DataFrame]:
    size = -(-table.height // PARTS)
    return list(table.iter_slices(size))
