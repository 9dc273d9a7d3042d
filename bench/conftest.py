"""The fixtures of the benchmarks; `harness` says how to write one."""

from __future__ import annotations

import sys
import time
import tomllib
from importlib.metadata import distributions
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from algomancy_data.testing.workloads import frames, write_csv
from harness import Alone, Count, Growth, Memory, Race
from stores import source_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from pytest_benchmark.fixture import BenchmarkFixture

    from algomancy_data import DataSource

FULL_ROWS = 1_000_000
QUICK_ROWS = 100_000
TEST_ROWS = 2_000
HERE = Path(__file__).parent
ROUNDS = 7


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--bench-rows",
        type=int,
        help=f"rows of the large table ({FULL_ROWS:,}, and {TEST_ROWS:,} without benchmarks)",
    )


def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    """Keep the versions of all that is installed beside the machine and the revision."""
    output_json["versions"] = {found.name: found.version for found in distributions()}


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


@pytest.fixture
def source(tables: dict[str, pl.DataFrame]) -> DataSource:
    """Return orders and customers as a dataset."""
    return source_of(tables)


@pytest.fixture(scope="session")
def csv_paths(
    tables: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Return orders and customers as CSV files, by table."""
    return write_csv(tables, tmp_path_factory.mktemp("csv"))


@pytest.fixture
def race(benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], rows: int) -> Race:
    return Race(benchmark, capsys, rows)


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


# Still used by the benchmarks that have not moved to `race`.


def limits_of(request: pytest.FixtureRequest) -> dict[str, float]:
    """Return what a benchmark promises, and where it fails."""
    return tomllib.loads((HERE / "limits.toml").read_text())[request.node.originalname]


@pytest.fixture
def within(
    benchmark: BenchmarkFixture,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., None]:
    """Judge the best of some times in seconds, for what has nothing to stand beside."""
    limits = limits_of(request)

    def run(timed: Callable[[], float]) -> None:
        seconds: list[float] = []
        benchmark.pedantic(lambda: seconds.append(timed()), rounds=ROUNDS)
        if benchmark.stats is None:  # switched off: this was a test
            return
        best = min(seconds)
        benchmark.extra_info |= {"seconds": round(best, 4), "target": limits["target"]}
        with capsys.disabled():
            sys.stdout.write(
                f"\n{request.node.originalname}: {best:.3f} s at best, {median(seconds):.3f} s in "
                f"the middle (target {limits['target']} s, gate {limits['gate']} s)\n"
            )
        assert best <= limits["gate"], f"{best:.3f} s instead of at most {limits['gate']} s"

    return run


@pytest.fixture
def beside(
    benchmark: BenchmarkFixture,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., None]:
    """Time our way and the other way in turns, and judge the median of the ratios.

    The machine's speed changes from minute to minute, so only times next to each other compare.
    """
    limits = limits_of(request)

    def run(
        ours: Callable[[], object],
        other: Callable[[], object],
        before_each: Callable[[], object] = lambda: None,
        rounds: int = ROUNDS,
    ) -> None:
        seconds: list[float] = []

        def the_other_way() -> None:
            before_each()
            start = time.perf_counter()
            other()
            seconds.append(time.perf_counter() - start)
            before_each()

        benchmark.pedantic(ours, setup=the_other_way, rounds=rounds)
        if benchmark.stats is None:  # switched off: this was a test
            return
        ratios = [mine / its for mine, its in zip(benchmark.stats.stats.data, seconds, strict=True)]
        ratio = median(ratios)
        benchmark.extra_info |= {
            "ratio": round(ratio, 3),
            "ratio_range": [round(min(ratios), 3), round(max(ratios), 3)],
            "other_seconds": round(median(seconds), 4),
            "target": limits["target"],
        }
        with capsys.disabled():
            sys.stdout.write(
                f"\n{request.node.name}: {ratio:.3f} × the other way's "
                f"{median(seconds):.3f} s ({min(ratios):.2f}–{max(ratios):.2f}; "
                f"target {limits['target']}, gate {limits['gate']})\n"
            )
        assert ratio <= limits["gate"], f"{ratio:.2f} × instead of at most {limits['gate']} ×"

    return run
