"""The folder's Arrow files and exported Parquet files, read by pyarrow, pandas and DuckDB."""

from __future__ import annotations

import json

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager
from algomancy_data.datamanager import export_dataset
from algomancy_data.frames.tabular import to_frame

WIDE = ["Int128"]  # only Polars knows integers of 128 bits


@pytest.fixture
def source(every_dtype):
    source = DataSource("master_data", name="d")
    source.add_table("t", every_dtype.drop(WIDE))
    return source


def as_arrow_has_it(frame):
    """Arrow has one type for enumerations and categories."""
    return frame.cast({pl.Enum: pl.Categorical})


def test_pyarrow_maps_the_tables_of_a_folder(source, tmp_path):
    with pytest.warns(DeprecationWarning, match="StatefulDataManager"):
        manager = StatefulDataManager(SimpleETLFactory, [], tmp_path, "json", DataSource)
    manager.add_data_source(source)
    document = json.loads((tmp_path / "d.json").read_text())
    (table,) = document["tables"]
    file = tmp_path / ".algomancy-data" / document["directory"] / table["file"]
    with pa.memory_map(str(file)) as mapped:
        read = pa.ipc.open_file(mapped).read_all()
    assert [name for name, _ in table["schema"]] == read.column_names
    assert read.schema.field("Time").type == pa.time64("ns")
    assert read.schema.field("Decimal(10, 2)").type == pa.decimal128(10, 2)
    assert_frame_equal(as_arrow_has_it(to_frame(read)), as_arrow_has_it(source.get_table("t")))


def test_exported_parquet_has_the_same_dtypes_elsewhere(source, tmp_path):
    export_dataset(source, tmp_path / "out")
    (file,) = (tmp_path / "out").glob("*.parquet")
    expected = as_arrow_has_it(source.get_table("t"))
    by_pyarrow = to_frame(pq.read_table(file))
    by_pandas = to_frame(pd.read_parquet(file, dtype_backend="pyarrow"))
    for read in (by_pyarrow, by_pandas):
        assert_frame_equal(as_arrow_has_it(read), expected)
    types = duckdb.sql(f"DESCRIBE FROM '{file}'").pl()
    kinds = dict(types.select("column_name", "column_type").rows())
    assert kinds["Decimal(10, 2)"] == "DECIMAL(10,2)"
    assert kinds["Time"].startswith("TIME")
    assert kinds["Struct"] == 'STRUCT(a BIGINT, "day" DATE)'
