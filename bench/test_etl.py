"""The ETL of orders and customers from each format, by phase."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import fastexcel
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import json as arrow_json
from pyarrow import parquet

from algomancy_data import (
    DataSource,
    FileExtension,
    ReadLimits,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.testing.workloads import SCHEMAS
from etl_contest import Contest, dtypes_of
from harness import Way
from peers import pandas_etl
from peers.checks import identical
from stores import load_files

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

    from algomancy_data import ETLResult, Schema
    from harness import Race


@pytest.fixture
def contest(race: Race, benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str]) -> Contest:
    return Contest(race, benchmark, capsys)


def arrow_schema(schema: type[Schema]) -> pa.Schema:
    return pl.DataFrame(schema=dtypes_of(schema)).to_arrow().schema


def from_arrow(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def with_iso_dates(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Datetime).dt.to_string("iso:strict"))


def test_csv(contest: Contest, tables: dict[str, pl.DataFrame], csv_paths: dict[str, Path]) -> None:
    def by_polars(path: Path, schema: type[Schema]) -> pl.DataFrame:
        return pl.read_csv(path, separator=";", schema=dtypes_of(schema))

    def by_arrow(path: Path, schema: type[Schema]) -> pl.DataFrame:
        return from_arrow(
            arrow_csv.read_csv(
                path,
                parse_options=arrow_csv.ParseOptions(delimiter=";"),
                convert_options=arrow_csv.ConvertOptions(column_types=arrow_schema(schema)),
            )
        )

    contest(
        FileExtension.CSV,
        tables,
        csv_paths,
        {"polars read_csv": by_polars, "pyarrow read_csv": by_arrow},
        pandas_etl.read_csv,
    )


def test_limits(race: Race, tables: dict[str, pl.DataFrame], csv_paths: dict[str, Path]) -> None:
    def way(name: str, limits: ReadLimits | None) -> Way:
        def etl() -> ETLResult:
            manager = StatelessDataManager(
                SimpleETLFactory, SCHEMAS, "json", DataSource, read_limits=limits
            )
            return load_files(manager, csv_paths)

        return Way(name, etl, check=lambda result: identical(tables, result.datasource.tables))

    race(
        "ETL from CSV, with limits",
        way("algomancy-data", None),
        [way("ours, no limits", ReadLimits.off())],
    )


def json_dtypes(schema: type[Schema]) -> dict[str, Any]:
    """Return the dtypes of a reader that leaves dates as they are written."""
    return {
        name: pl.String() if dtype.is_temporal() else dtype
        for name, dtype in dtypes_of(schema).items()
    }


def with_dates(frame: pl.DataFrame, schema: type[Schema]) -> pl.DataFrame:
    dates = [name for name, dtype in dtypes_of(schema).items() if dtype.is_temporal()]
    return frame.with_columns(pl.col(dates).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us"))


def test_json(contest: Contest, tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.json" for name in tables}
    for name, path in paths.items():
        with_iso_dates(tables[name]).write_json(path)

    def by_polars(path: Path, schema: type[Schema]) -> pl.DataFrame:
        return with_dates(pl.read_json(path, schema=json_dtypes(schema)), schema)

    contest(
        FileExtension.JSON,
        tables,
        paths,
        {"polars read_json": by_polars},
        pandas_etl.read_json,
    )


def test_ndjson(contest: Contest, tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.ndjson" for name in tables}
    for name, path in paths.items():
        with_iso_dates(tables[name]).write_ndjson(path)

    def by_polars(path: Path, schema: type[Schema]) -> pl.DataFrame:
        return with_dates(pl.read_ndjson(path, schema=json_dtypes(schema)), schema)

    def by_arrow(path: Path, schema: type[Schema]) -> pl.DataFrame:
        options = arrow_json.ParseOptions(explicit_schema=arrow_schema(schema))
        return from_arrow(arrow_json.read_json(path, parse_options=options))

    contest(
        FileExtension.NDJSON,
        tables,
        paths,
        {"polars read_ndjson": by_polars, "pyarrow read_json": by_arrow},
        partial(pd.read_json, lines=True, precise_float=True),
    )


@pytest.mark.full
def test_xlsx(contest: Contest, sheets: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.xlsx" for name in sheets}
    for name, path in paths.items():
        sheets[name].write_excel(path)

    def by_polars(path: Path, schema: type[Schema]) -> pl.DataFrame:
        return pl.read_excel(path).cast(dtypes_of(schema))

    def by_fastexcel(path: Path, schema: type[Schema]) -> pl.DataFrame:
        return fastexcel.read_excel(path).load_sheet(0).to_polars().cast(dtypes_of(schema))

    contest(
        FileExtension.XLSX,
        sheets,
        paths,
        {"polars read_excel": by_polars, "fastexcel": by_fastexcel},
        pd.read_excel,
    )


def test_parquet(contest: Contest, tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.parquet" for name in tables}
    for name, path in paths.items():
        tables[name].write_parquet(path)
    contest(
        FileExtension.PARQUET,
        tables,
        paths,
        {
            "polars read_parquet": lambda path, _: pl.read_parquet(path),
            "pyarrow read_table": lambda path, _: from_arrow(parquet.read_table(path)),
        },
        pd.read_parquet,
    )
