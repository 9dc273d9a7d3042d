"""The tables that anyone can make again."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from datetime import datetime, timedelta
from itertools import islice

import polars as pl
import pytest
from pyarrow import parquet

from algomancy_data import (
    DataSource,
    FileExtension,
    SimpleETLFactory,
    StatelessDataManager,
    testing,
)
from algomancy_data.testing.samples import assert_identical
from algomancy_data.testing.workloads import (
    SCHEMAS,
    customers,
    datasets,
    frames,
    orders,
    schemas_for,
    slices,
    wide,
    wide_schema,
    write_csv,
    write_ndjson,
    write_parquet,
)

WRITERS = {"csv": write_csv, "ndjson": write_ndjson, "parquet": write_parquet}


def digest(frame):
    """Return a hash of names and values that no release of Polars has a say in."""
    return hashlib.sha256(repr(frame.to_dict(as_series=False)).encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("seed", "name", "expected"),
    [
        (0, "orders", "e7ac247b419e8b0f"),
        (0, "customers", "7f3576095f8d7da1"),
        (7, "orders", "0f53e8f1eb30ecfc"),
        (7, "customers", "95db5ab891eb00f2"),
    ],
)
def test_the_rows_of_a_seed_are_the_same_everywhere(seed, name, expected):
    assert digest(frames(5_000, seed)[name]) == expected


@pytest.mark.parametrize(("seed", "expected"), [(0, "bcfce9ef56bd36e1"), (7, "678c03693e80893d")])
def test_the_wide_rows_of_a_seed_are_the_same_everywhere(seed, expected):
    assert digest(wide(1_000, 50, seed)) == expected


def number(row, seed, column):
    """Return the hash of a row in Python's integers."""
    value = row + (1 + 7_919 * column + 104_729 * seed) % 2_147_483_647
    for multiplier in (1_103_515_245, 1_664_525_003, 1_013_904_223, 69_069_001):
        value = (value * multiplier + column + 1) % 2_147_483_647
        value ^= value // 65_536
    return value


@pytest.mark.parametrize("row", [0, 1, 999_999, 4_000_000_000])
@pytest.mark.parametrize("seed", [0, 1, -1, 2**63])
def test_a_row_is_what_the_arithmetic_of_whole_numbers_says(row, seed):
    (order,) = orders(5_000_000_000, seed, range(row, row + 1)).rows(named=True)
    assert order["order_id"] == row + 1
    assert order["customer_id"] == number(row, seed, 0) % 500_000_000 + 1
    assert order["amount"] == number(row, seed, 2) % 1_000_000 / 100
    has_discount = number(row, seed, 3) % 20 > 0
    assert order["discount"] == (number(row, seed, 4) % 500 / 1_000 if has_discount else None)
    seconds = number(row, seed, 5) % (4 * 365 * 86_400)
    assert order["created"] == datetime(2020, 1, 1) + timedelta(seconds=seconds)
    (customer,) = customers(5_000_000_000, seed, range(row, row + 1)).rows(named=True)
    assert customer["name"] == f"Customer {number(row, seed, 7) % 1_000_000}"


def test_the_tables_are_what_their_schemas_say():
    tables = frames(20_000)
    for schema in SCHEMAS:
        frame = tables[schema.file_name()]
        assert frame.columns == list(schema.datatypes())
    found = tables["orders"]
    assert found["order_id"].is_unique().all()
    assert tables["customers"]["customer_id"].is_unique().all()
    assert found["customer_id"].is_in(tables["customers"]["customer_id"].implode()).all()
    assert found["discount"].null_count() / found.height == pytest.approx(0.05, abs=0.005)
    assert [name for name in found.columns if found[name].null_count()] == ["discount"]


def test_slices_are_the_frames_in_pieces():
    for name, pieces in slices(1_003, seed=3, rows_at_once=100).items():
        assert_identical(pl.concat(pieces).rechunk(), frames(1_003, seed=3)[name])


def test_slices_are_made_as_they_are_taken():
    first, second = islice(slices(10**9, rows_at_once=10)["orders"], 2)
    assert_identical(pl.concat([first, second]).rechunk(), orders(10**9, places=range(20)))


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


def test_each_of_many_datasets_has_rows_of_its_own():
    found = dict(datasets(3, 100, seed=5))
    assert list(found) == ["shop-0", "shop-1", "shop-2"]
    assert_identical(found["shop-1"]["orders"], orders(100, seed=6))
    assert len({digest(tables["orders"]) for tables in found.values()}) == 3


def test_a_wide_table_goes_through_the_etl(tmp_path):
    frame = wide(20, 300)
    path = write_csv({"wide": frame}, tmp_path)["wide"]
    schemas = [wide_schema(300)]
    manager = StatelessDataManager(SimpleETLFactory, schemas, "json", DataSource)
    files = manager.prepare_files(file_items_with_path=[("wide", str(path))])
    result = manager.etl_data(files, "d")
    assert result.is_success, result.messages
    assert_identical(result.datasource.get_table("wide"), frame)


@pytest.mark.parametrize("package", ["pytest", "hypothesis"])
def test_the_workloads_need_no_extra_and_the_contract_names_it(package):
    program = f"""
import sys
sys.modules[{package!r}] = None
from algomancy_data.testing import assert_identical, workloads
print(workloads.orders(3).height)
try:
    from algomancy_data.testing import DataManagerContract
except ImportError as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    rows, said = done.stdout.splitlines()
    assert rows == "3"
    assert said.startswith("MissingExtraError algomancy_data.testing.DataManagerContract needs")
    assert "algomancy-data[testing]" in said


def test_the_names_of_the_testing_package_are_what_they_say():
    assert callable(testing.sample_frames)
    assert {name for name in testing.__all__ if not hasattr(testing, name)} == set()
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        testing.missing  # noqa: B018  asking is the test
