"""How the time of one operation grows with the rows."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from harness.record import ORDERS, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest
    from pytest_benchmark.fixture import BenchmarkFixture

    from harness.ways import Way

TURNS = 2
# What takes milliseconds is repeated, and its best time counts.
SMALL_ROWS, REPEATS = 1_000_000, 3
LINEAR_FROM = 100_000


class Growth:
    """The fixture ``growth``."""

    def __init__(
        self,
        benchmark: BenchmarkFixture,
        capsys: pytest.CaptureFixture[str],
        sizes: Sequence[int],
    ) -> None:
        self._benchmark = benchmark
        self._capsys = capsys
        self._sizes = sizes

    def __call__(
        self,
        operation: str,
        make: Callable[[int], Way],
        *,
        workload: str = ORDERS,
        turns: int = TURNS,
    ) -> None:
        """Time an operation at all sizes, in turns, and judge how far it is from linear.

        What is judged is the time per row at the most rows, divided by the one at 10⁵ rows (at the
        least rows, if there are fewer), as ``linear`` in ``limits.toml``.

        Args:
            operation: The same words as in the race.
            make: Is given the rows, and prepares the operation; ``after`` of its way must release
                what ``before`` took, since ways of all sizes live at the same time.
            workload: What it is done with.
            turns: How many times.
        """
        seconds: dict[int, list[float]] = {size: [] for size in self._sizes}
        ways: dict[int, Way] = {}

        def take_turn() -> None:
            for size, times in seconds.items():
                if size not in ways:
                    ways[size] = make(size)
                repeats = 1 if size > SMALL_ROWS else REPEATS
                checked = None if times else list[str]()
                times.append(min(ways[size].timed(checked) for _ in range(repeats)))

        self._benchmark.pedantic(take_turn, rounds=turns)
        if self._benchmark.stats is None:  # switched off: this was a test
            return
        most = max(self._sizes)
        first = min((size for size in self._sizes if size >= LINEAR_FROM), default=min(self._sizes))
        ratios = [
            (large / most) / (small / first)
            for large, small in zip(seconds[most], seconds[first], strict=True)
        ]
        record = Record(
            "growth", f"growth: {operation}", workload, most, "s", median(seconds[most])
        )
        record.points = [[size, median(times)] for size, times in seconds.items()]
        record.compare("linear", median(seconds[first]) * most / first, ratios)
        record.keep(self._benchmark, self._capsys)
        record.assert_within_gates()
