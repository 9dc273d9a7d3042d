"""What every kind of measurement does with its figures: judge, tell, keep."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.limits import Limits

if TYPE_CHECKING:
    import pytest
    from pytest_benchmark.fixture import BenchmarkFixture

ORDERS = "orders/customers"


@dataclass
class Record:
    """One measurement in the shape that the report reads; see the package's docstring."""

    kind: str
    operation: str
    workload: str
    rows: int
    unit: str
    ours: float
    against: list[dict[str, Any]] = field(default_factory=list)
    points: list[list[float]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def compare(
        self,
        name: str,
        value: float,
        ratios: list[float],
        remark: str = "",
        best: float | None = None,
    ) -> None:
        """Add what ours stands beside.

        Args:
            name: What it is called.
            value: Its own figure.
            ratios: Ours divided by it, once or more; their median is judged.
            remark: What it does less than ours.
            best: The ratio of the best figures: a gate is exceeded if this exceeds it, too.
        """
        ratio = median(ratios)
        promise = Limits().of(self.workload, self.operation, name)
        self.against.append(
            {
                "name": name,
                "value": value,
                "ratio": ratio,
                "range": [min(ratios), max(ratios)],
                "remark": remark,
                **promise.judged(ratio),
            }
        )
        if violation := promise.violation(ratio if best is None else min(ratio, best)):
            self.violations.append(f"against {name}: {violation}")

    def keep(self, benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str]) -> None:
        """Put the figures into the run's JSON and onto the terminal."""
        fields = ("kind", "operation", "workload", "rows", "unit", "ours", "against", "points")
        benchmark.extra_info |= {name: getattr(self, name) for name in fields}
        with capsys.disabled():
            sys.stdout.write(f"\n{self}\n")

    def assert_within_gates(self) -> None:
        assert not self.violations, f"{self.operation}, {self.workload}: {self.violations}"

    def __str__(self) -> str:
        head = f"{self.operation}, {self.workload}, {self.rows:,} rows"
        lines = [f"{head}: {amount(self.ours, self.unit)}"]
        for row in self.against:
            low, high = row["range"]
            verdict = {True: "met", False: "MISSED", None: ""}[row["met"]]
            lines.append(
                f"  {row['ratio']:9.4g} × ({low:.3g}–{high:.3g}) {amount(row['value'], self.unit)}"
                f" of {row['name']}  {row['target']} {verdict}".rstrip()
            )
        return "\n".join(lines)


def amount(value: float, unit: str) -> str:
    """Write seconds, bytes or a plain number for people."""
    match unit:
        case "s" if value < 0.001:
            return f"{value * 1e6:.3g} µs"
        case "s" if value < 1:
            return f"{value * 1e3:.3g} ms"
        case "s":
            return f"{value:.3g} s"
        case "bytes":
            return f"{value / 1e6:,.0f} MB"
    return f"{value:g}"
