"""The fixtures of the benchmarks; `harness` says how to write one."""

from __future__ import annotations

import os
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Any

import polars as pl
import psutil
import pytest

from algomancy_data.testing.workloads import frames, write_csv
from harness import SLOW, Alone, Count, Growth, Memory, Race
from peers.postgresql import PostgreSQL
from peers.server import server as new_server
from peers.sqlite import SQLite
from stores import Store, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

    from algomancy_data import DataSource
    from peers.database import Database
    from peers.server import Server

FULL_ROWS = 1_000_000
TEST_ROWS = 2_000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--bench-rows",
        type=int,
        help=f"rows of the large table ({FULL_ROWS:,}, and {TEST_ROWS:,} without benchmarks)",
    )
    parser.addoption("--bench-rounds", type=int, default=100, help="rounds at most")
    parser.addoption("--bench-gates", action="store_true", help="only peers that a limit is about")


def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    """Keep the versions of all that is installed beside the machine and the revision."""
    output_json["versions"] = {found.name: found.version for found in distributions()}
    found = output_json["machine_info"]
    output_json["machine"] = {
        "cpu": found["cpu"].get("brand_raw", found["machine"]),
        "cpus": len(os.sched_getaffinity(0)),
        "memory": round(psutil.virtual_memory().total / 1e9),
        "system": f"{found['system']} {found['release']}",
        "python": found["python_version"],
    }


@pytest.fixture(scope="session")
def measuring(pytestconfig: pytest.Config) -> bool:
    """Tell whether this is a benchmark and not only a test of one."""
    return bool(
        pytestconfig.getoption("benchmark_enable")
        or not pytestconfig.getoption("benchmark_disable")
    )


@pytest.fixture(scope="session")
def rows(pytestconfig: pytest.Config, measuring: bool) -> int:  # noqa: FBT001  a fixture
    """Return how many orders there are; ten times as many as customers."""
    return pytestconfig.getoption("bench_rows") or (FULL_ROWS if measuring else TEST_ROWS)


@pytest.fixture(scope="session")
def tables(rows: int) -> dict[str, pl.DataFrame]:
    """Return orders and customers."""
    return frames(rows)


@pytest.fixture(scope="session")
def fewer(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return a tenth of them, for peers that take ten seconds and more for all."""
    return {name: table.head(max(int(table.height * SLOW), 1)) for name, table in tables.items()}


@pytest.fixture(scope="session")
def sheets(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return a tenth of them, with no more digits than the writer of workbooks keeps.

    A workbook of a million rows takes minutes to write and says no more.
    """
    return {
        name: table.head(max(table.height // 10, 1)).with_columns(pl.col(pl.Float64).round(3))
        for name, table in tables.items()
    }


@pytest.fixture
def source(tables: dict[str, pl.DataFrame]) -> DataSource:
    """Return orders and customers as a dataset."""
    return source_of(tables)


@pytest.fixture(params=[SQLite, PostgreSQL])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """Return ours, of each kind in turn, without tables."""
    if request.param is SQLite:
        return SQLite(tmp_path / "ours.db")
    return PostgreSQL(request.getfixturevalue("postgresql"), "ours")


@pytest.fixture(scope="session")
def server(postgresql: str) -> Iterator[Server]:
    """Return another server than ``postgresql``, which is reached over TCP as well."""
    del postgresql  # which says where servers run
    with new_server() as server:
        yield server


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    store = Store(database)
    store.open()
    yield store
    store.close()


@pytest.fixture(scope="session")
def csv_paths(
    tables: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Return orders and customers as CSV files, by table."""
    return write_csv(tables, tmp_path_factory.mktemp("csv"))


@pytest.fixture
def race(
    benchmark: BenchmarkFixture,
    capsys: pytest.CaptureFixture[str],
    rows: int,
    pytestconfig: pytest.Config,
) -> Race:
    rounds, gates = map(pytestconfig.getoption, ("bench_rounds", "bench_gates"))
    return Race(benchmark, capsys, rows, rounds, gates_only=gates)


@pytest.fixture
def alone(tmp_path: Path) -> Alone:
    folder = tmp_path / "frames in memory"
    folder.mkdir()
    return Alone(folder)


@pytest.fixture
def memory(
    benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], rows: int, alone: Alone
) -> Memory:
    return Memory(benchmark, capsys, rows, alone)


@pytest.fixture
def growth(benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], rows: int) -> Growth:
    """Grow to ten times the rows of the other benchmarks, from a thousandth of that."""
    return Growth(benchmark, capsys, [rows // 100, rows // 10, rows, rows * 10])


@pytest.fixture
def count(benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], rows: int) -> Count:
    return Count(benchmark, capsys, rows)
