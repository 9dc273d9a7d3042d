"""The tables as files: what other readers expect, and what the ETL reads again."""

from __future__ import annotations

import csv
import json

import pytest
from pyarrow import parquet

from algomancy_data import (
    DataSource,
    FileExtension,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.testing.comparison import assert_identical
from algomancy_data.testing.workloads import (
    frames,
    orders,
    schemas_for,
    slices,
    write_csv,
    write_ndjson,
    write_parquet,
)

WRITERS = {"csv": write_csv, "ndjson": write_ndjson, "parquet": write_parquet}


@pytest.mark.parametrize("extension", WRITERS)
def test_files_go_through_the_etl_and_come_out_as_the_frames(tmp_path, extension):
    paths = WRITERS[extension](slices(1_003, rows_at_once=100), tmp_path)
    schemas = schemas_for(FileExtension(extension))
    manager = StatelessDataManager(SimpleETLFactory, schemas, "json", DataSource)
    items = [(name, str(path)) for name, path in paths.items()]
    result = manager.etl_data(manager.prepare_files(file_items_with_path=items), "d")
    assert result.is_success, result.messages
    for name, frame in frames(1_003).items():
        assert_identical(result.datasource.get_table(name), frame)


def test_files_are_what_other_readers_expect(tmp_path):
    frame = orders(25)
    paths = {
        extension: write({"orders": frame.iter_slices(10)}, tmp_path)["orders"]
        for extension, write in WRITERS.items()
    }
    with paths["csv"].open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    assert [row["code"] for row in rows] == frame["code"].to_list()
    assert [row["created"] for row in rows] == [str(value) for value in frame["created"]]
    lines = paths["ndjson"].read_text().splitlines()
    assert [json.loads(line)["amount"] for line in lines] == frame["amount"].to_list()
    stored = parquet.ParquetFile(paths["parquet"])
    assert stored.num_row_groups == 3
    assert stored.read()["order_id"].to_pylist() == frame["order_id"].to_list()


@pytest.mark.parametrize("extension", WRITERS)
def test_a_table_without_rows_has_a_file_with_columns(tmp_path, extension):
    path = WRITERS[extension](slices(0), tmp_path)["orders"]
    if extension == "csv":
        assert path.read_text() == ";".join(orders(0).columns) + "\n"
    elif extension == "parquet":
        assert parquet.read_schema(path).names == orders(0).columns
    else:
        assert path.read_bytes() == b""
