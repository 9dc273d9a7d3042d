"""Ten million rows go from CSV to each store and out again in a memory that would not hold them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

pytestmark = pytest.mark.long

ROWS = 10_000_000
MEBIBYTE = 1 << 20

# The worker loads the file, says so, and writes the table to Parquet.
WORKER = """
import sys, warnings
from algomancy_data import (
    Column, DataSource, DataType, Schema, SimpleETLFactory, StatefulDataManager,
)
from algomancy_data.database import DatabaseDataManager

class Events(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "events", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    USER = Column("user", DataType.INTEGER)
    NAME = Column("name", DataType.STRING)
    CODE = Column("code", DataType.STRING)
    PRICE = Column("price", DataType.FLOAT)
    WEIGHT = Column("weight", DataType.FLOAT)
    AT = Column("at", DataType.DATETIME)
    PAID = Column("paid", DataType.BOOLEAN)

store, file, target, limit = sys.argv[1:]
limits = {"memory_limit": limit} if limit else {}
warnings.simplefilter("ignore", DeprecationWarning)
if store.startswith("/"):
    manager = StatefulDataManager(SimpleETLFactory, [Events], store, "json", DataSource, **limits)
else:
    manager = DatabaseDataManager(SimpleETLFactory, [Events], store, "large", DataSource, **limits)
manager.startup()
files = manager.prepare_files(file_items_with_path=[("events", file)])
result = manager.etl_data(files, "night")
assert result.is_success, result.messages
del result
manager.refresh()
print("loaded", flush=True)
sys.stdin.readline()
manager.scan_table("night", "events").sink_parquet(target)
print("written", flush=True)
sys.stdin.readline()
manager.close()
"""


def events(start: int, rows: int) -> pl.DataFrame:
    number = pl.int_range(start, start + rows)
    return pl.select(
        id=number,
        user=(number * 7919) % 1_000_003,
        name="name " + (number % 5000).cast(pl.String),
        code="c" + (ROWS - number).cast(pl.String),
        price=(number % 977) / 7,
        weight=(number % 1013) / 3,
        at=pl.datetime(2024, 1, 1) + pl.duration(seconds=number),
        paid=number % 3 == 0,
    )


def written(folder: Path, rows: int) -> Path:
    path = folder / "events.csv"
    with path.open("wb") as stream:
        for start in range(0, rows, ROWS // 10):
            events(start, ROWS // 10).write_csv(
                stream,
                separator=";",
                include_header=start == 0,
                datetime_format="%Y-%m-%d %H:%M:%S",
            )
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("large"), ROWS)


@pytest.fixture(params=["sqlite", "postgresql", "folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path / "store")
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data.db'}"
    return request.getfixturevalue("postgresql")


def anonymous(process: subprocess.Popen[str]) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(status.partition("RssAnon:")[2].split()[0]) * 1024


def peak_until(process: subprocess.Popen[str], said: Path, word: str) -> int:
    """Return the most anonymous memory that a process has until it says a word."""
    peak = 0
    while word not in said.read_text():
        assert process.poll() is None, said.read_text()
        peak = max(peak, anonymous(process))
        time.sleep(0.005)
    return peak


def peaks(file: Path, store: str, tmp_path: Path, limit: str = "") -> tuple[int, int]:
    """Return the most anonymous memory of a process that loads a file, and while it writes it."""
    target, said = tmp_path / "out.parquet", tmp_path / "said.txt"
    with said.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, store, str(file), str(target), limit],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            text=True,
        )
        with process:
            assert process.stdin is not None
            loading = peak_until(process, said, "loaded")
            print(file=process.stdin, flush=True)
            writing = peak_until(process, said, "written")
            print(file=process.stdin, flush=True)
    assert process.returncode == 0, said.read_text()
    height = pl.scan_parquet(target).select(pl.len()).collect().item()
    for start in range(0, height, ROWS // 10):
        part = pl.scan_parquet(target).slice(start, ROWS // 10).collect()
        assert part.equals(events(start, ROWS // 10))
    return loading, writing


def test_a_large_table_goes_in_and_out_in_bounded_memory(file: Path, store: str, tmp_path: Path):
    loading, writing = peaks(file, store, tmp_path)
    assert pl.scan_parquet(tmp_path / "out.parquet").select(pl.len()).collect().item() == ROWS
    assert loading < 600 * MEBIBYTE
    assert writing < 400 * MEBIBYTE


@pytest.mark.parametrize("store", ["sqlite", "folder"], indirect=True)
def test_a_memory_limit_is_kept(store: str, tmp_path: Path):
    file = written(tmp_path, 3_000_000)
    assert max(peaks(file, store, tmp_path, "300MiB")) < 300 * MEBIBYTE
