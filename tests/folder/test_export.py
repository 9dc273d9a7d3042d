from __future__ import annotations

import csv
import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zipfile import ZipFile

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from algomancy_data import (
    BaseDataSource,
    Column,
    CSVFile,
    CSVSingleExtractor,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.datamanager import export_dataset
from algomancy_data.errors import StoreError, UnstorableError
from algomancy_data.testing import assert_identical, sample_frames
from algomancy_data.testing.samples import any_named_frame

FRAMES = sample_frames()


@pytest.fixture
def data():
    made = DataSource("master_data", name="d")
    made.tables = {
        "t": pl.DataFrame({"x": [1, None], "s": ["a;b", "ü"]}),
        "../u": FRAMES["truth"],
    }
    return made


def test_parquet_is_what_another_library_reads(data, tmp_path):
    path = export_dataset(data, tmp_path / "out")
    document = json.loads((path / "dataset.json").read_text())
    assert [table["name"] for table in document["tables"]] == ["t", "../u"]
    assert (document["id"], document["name"], document["type"]) == (data.id, "d", "master_data")
    assert pq.read_table(path / "t.parquet").to_pylist() == data.get_table("t").to_dicts()
    assert {p.name for p in tmp_path.iterdir()} == {"out"}


def test_arrow_is_what_another_library_reads(data, tmp_path):
    path = export_dataset(data, tmp_path / "out", "arrow")
    read = pa.ipc.open_file(path / "t.arrow").read_all()
    assert read.to_pylist() == data.get_table("t").to_dicts()


def test_csv_is_what_another_library_reads(data, tmp_path):
    path = export_dataset(data, tmp_path / "out", "csv")
    with (path / "t.csv").open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream)) == [["x", "s"], ["1", "a;b"], ["", "ü"]]


def test_lists_durations_and_bytes_are_csv_that_is_read_back(tmp_path):
    columns = {
        "list": pl.Series([["a", None], None, []], dtype=pl.List(pl.String)),
        "struct": pl.Series([{"n": 1, "l": [2.5]}, None, {"n": None, "l": None}]),
        "array": pl.Series([[1, 2], None, [3, None]], dtype=pl.Array(pl.Int8, 2)),
        "lapse": pl.Series([timedelta(days=-1, seconds=1.5), None, timedelta(0)]),
        "bytes": pl.Series([b"\0\xff", None, b""]),
    }
    made = DataSource("master_data", name="d")
    made.add_table("t", pl.DataFrame(columns))
    path = export_dataset(made, tmp_path / "out", "csv")

    class Read(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
        COLUMNS = None

    for name, column in columns.items():
        setattr(Read, name.upper(), Column(name, column.dtype, nullable=True))
    read = CSVSingleExtractor(CSVFile("t", path=str(path / "t.csv")), Read).extract()["t"]
    assert_identical(read, made.get_table("t"))


def test_a_quarantine_is_csv_with_its_reasons_as_json(tmp_path):
    class Orders(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "csv", "single"
        ID = Column("id", DataType.INTEGER, primary_key=True)

    manager = StatelessDataManager(SimpleETLFactory, [Orders], "json", DataSource)
    (tmp_path / "orders.csv").write_text("id;name\n1;a\n2;b\n2;c\n")
    file = CSVFile("orders", path=str(tmp_path / "orders.csv"))
    data = manager.etl_data({"orders": file}, "d", quarantine=True).datasource
    path = export_dataset(data, tmp_path / "out", "csv")
    with (path / "orders_quarantine.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["name"], json.loads(row["_reasons"])) for row in rows] == [
        ("b", ["PK_DUPLICATE"]),
        ("c", ["PK_DUPLICATE"]),
    ]


@pytest.mark.parametrize(
    ("file_format", "frame", "reason"),
    [
        ("csv", pl.DataFrame(height=2), "it has rows, but no columns"),
        (
            "parquet",
            pl.DataFrame({"a": [1], "s": pl.Series([{}], dtype=pl.Struct([]))}),
            r"it has no Struct\(\{\}\), the dtype of column 's'",
        ),
        (
            "arrow",
            pl.DataFrame({"a": [1], "s": pl.Series([[]], dtype=pl.Array(pl.Int8, 0))}),
            r"it has no Array\(Int8, shape=\(0,\)\), the dtype of column 's'",
        ),
    ],
)
def test_what_a_format_lacks_is_named_with_its_column(tmp_path, file_format, frame, reason):
    made = DataSource("master_data", name="d")
    made.add_table("t", frame)
    with pytest.raises(UnstorableError, match=f"as {file_format}: {reason}. Try another format"):
        export_dataset(made, tmp_path / "out", file_format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file_format", ["parquet", "arrow", "csv"])
def test_a_zip_has_the_same_files(data, tmp_path, file_format):
    path = export_dataset(data, tmp_path / "out.zip", file_format)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = [table["file"] for table in json.loads(archive.read("dataset.json"))["tables"]]
        assert sorted(archive.namelist()) == sorted(["dataset.json", *names])
    assert {p.name for p in tmp_path.iterdir()} == {"out.zip"}


@pytest.mark.parametrize("case", FRAMES)
@pytest.mark.parametrize("file_format", ["parquet", "arrow"])
def test_a_frame_is_exported_identical_or_refused(tmp_path, case, file_format):
    made = DataSource("master_data", name="d")
    made.add_table("t", FRAMES[case])
    refused = None
    try:
        path = export_dataset(made, tmp_path / "out", file_format)
    except UnstorableError as error:
        refused = str(error)
    if refused is not None:
        assert refused.startswith("Table 't'")
        assert list(tmp_path.iterdir()) == []
    else:
        read = {"parquet": pl.read_parquet, "arrow": pl.read_ipc}[file_format]
        assert_identical(read(path / f"t.{file_format}"), FRAMES[case])


@pytest.mark.parametrize("file_format", ["parquet", "arrow"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(frame=any_named_frame())
def test_whatever_columns_are_called_they_are_exported(tmp_path, file_format, frame):
    made = DataSource("master_data", name="d")
    made.tables = {"t": frame}
    path = export_dataset(made, tmp_path / uuid4().hex, file_format)
    read = {"parquet": pl.read_parquet, "arrow": pl.read_ipc}[file_format]
    assert_identical(read(path / f"t.{file_format}"), frame)


@pytest.mark.parametrize("target", ["out", "out.zip"])
def test_what_is_there_is_not_overwritten(data, tmp_path, target):
    (tmp_path / target).write_text("theirs")
    with pytest.raises(StoreError, match="is there already"):
        export_dataset(data, tmp_path / target)
    assert (tmp_path / target).read_text() == "theirs"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("target", ["out", "out.zip"])
def test_an_export_takes_the_place_of_another_on_request(data, source, tmp_path, target):
    export_dataset(source("other", v=pl.DataFrame({"y": [1]})), tmp_path / target)
    export_dataset(data, tmp_path / target, overwrite=True)
    fresh = export_dataset(data, tmp_path / f"fresh-{target}")

    def files(path):
        return ZipFile(path).namelist() if path.suffix else sorted(p.name for p in path.iterdir())

    assert files(tmp_path / target) == files(fresh)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("target", ["mine", "mine.zip"])
def test_a_folder_that_is_no_export_is_never_overwritten(data, tmp_path, target):
    (tmp_path / target).mkdir()
    (tmp_path / target / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="no dataset that was exported"):
        export_dataset(data, tmp_path / target, overwrite=True)
    assert (tmp_path / target / "mine.txt").read_text() == "mine"
    with pytest.raises(StoreError, match="There is no folder"):
        export_dataset(data, tmp_path / "no" / target)


def test_what_cannot_be_exported_is_refused(data, tmp_path):
    with pytest.raises(ValueError, match="must be one of parquet, arrow, csv, not 'xlsx'"):
        export_dataset(data, tmp_path / "out", "xlsx")
    instants = pl.Series([[datetime(2024, 1, 1, tzinfo=UTC)]])
    for column, reason in {
        "nan": (pl.Series([[1.0], [float("nan")]]), "is in row 1 with NaN or infinity"),
        "instants": (instants, r"is of dtype List\(Datetime.*, not JSON"),
        "endless": (pl.Series([-(2**63)]).cast(pl.Duration), "is in row 0 too long to be written"),
    }.items():
        data.add_table("odd", reason[0].to_frame(column))
        expected = (
            rf"'odd' cannot be written as csv: column '{column}' {reason[1]}.*another format\."
        )
        with pytest.raises(UnstorableError, match=expected):
            export_dataset(data, tmp_path / "out", "csv")

    class Text(BaseDataSource):
        def to_json(self):
            return "{}"

        @classmethod
        def from_json(cls, json_string):
            return cls("master_data")

    with pytest.raises(UnstorableError, match="not made of tables"):
        export_dataset(Text("master_data"), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


_INTERRUPTED = """
import os, signal, sys, threading, time
from pathlib import Path
import polars as pl
from algomancy_data import DataSource
from algomancy_data.datamanager import export_dataset

signal.signal(signal.SIGINT, signal.default_int_handler)
home = Path(sys.argv[1])
data = DataSource("master_data", name="d")
data.add_table("t", pl.select(pl.int_range(500_000).alias("n").cast(pl.String)))
for round in range(9):
    asked = threading.Event()
    def press():
        asked.wait()
        time.sleep(0.002 * round)
        os.kill(os.getpid(), signal.SIGINT)
    thread = threading.Thread(target=press)
    thread.start()
    try:
        asked.set()
        export_dataset(data, home / "out", ("csv", "parquet", "arrow")[round % 3], overwrite=True)
        time.sleep(10)
    except KeyboardInterrupt:
        thread.join()
time.sleep(0.1)
print(sorted({path.name for path in home.iterdir()} - {"out"}))
"""


def test_ctrl_c_leaves_no_file_of_an_export(tmp_path):
    command = [sys.executable, "-c", _INTERRUPTED, str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
