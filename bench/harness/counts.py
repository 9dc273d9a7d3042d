"""What does not vary from run to run: statements, bytes, calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.record import ORDERS, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from pytest_benchmark.fixture import BenchmarkFixture


class Count:
    """The fixture ``count``: gates in plain tests as well, since no noise is in the figures."""

    def __init__(
        self, benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], rows: int
    ) -> None:
        self._benchmark = benchmark
        self._capsys = capsys
        self._rows = rows

    def __call__(
        self,
        operation: str,
        counted: Callable[[], float],
        against: dict[str, float],
        *,
        workload: str = ORDERS,
        rows: int | None = None,
        unit: str = "",
    ) -> None:
        """Judge a number beside others.

        Args:
            operation: What is counted, as in ``SQL statements: persist to SQLite``.
            counted: Does the operation and returns the number.
            against: What the number is divided by: a name and its number.
            workload: What it is done with.
            rows: Of the workload, if they are not the orders'.
            unit: ``bytes``, or nothing.
        """
        found: list[float] = []
        self._benchmark.pedantic(lambda: found.append(counted()), rounds=1)
        (number,) = found
        record = Record(
            "count", operation, workload, self._rows if rows is None else rows, unit, number
        )
        for name, value in against.items():
            record.compare(name, value, [number / value])
        if self._benchmark.stats is not None:
            record.keep(self._benchmark, self._capsys)
        record.assert_within_gates()
