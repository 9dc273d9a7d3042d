"""The peak memory of an operation, in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from harness.record import ORDERS, Record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest
    from pytest_benchmark.fixture import BenchmarkFixture

    from harness.alone import Alone, Frames, Prepare


class Memory:
    """The fixture ``memory``."""

    def __init__(
        self,
        benchmark: BenchmarkFixture,
        capsys: pytest.CaptureFixture[str],
        rows: int,
        alone: Alone,
    ) -> None:
        self._benchmark = benchmark
        self._capsys = capsys
        self._rows = rows
        self._alone = alone

    def __call__(
        self,
        operation: str,
        ours: Prepare,
        peers: Mapping[str, Prepare],
        tables: Frames,
        place: Path,
        *,
        makes_frames: bool = False,
        workload: str = ORDERS,
        rows: int | None = None,
    ) -> None:
        """Judge the peak of our way by the size of the frames, and show the peers' peaks.

        Each way is a function at the top of the calling module: it is given the frames and
        ``place``, prepares, and returns the operation, which then runs in the new process while its
        memory is watched; ``warm_up`` of the same module runs before. What it returns stays alive
        until the peak is read.

        Args:
            operation: The same words as in the race.
            ours: Our way.
            peers: By name, the others.
            tables: The frames, which the new process has in memory before the operation begins.
            place: A folder or file of the caller's, for what the operation reads or writes.
            makes_frames: The operation reads the frames from ``place`` and returns them: the
                process begins without, and their size is taken off the peak.
            workload: What it is done with.
            rows: Of the workload, if they are not the orders'.
        """
        size = sum(map(_bytes_of, tables.values()))
        given = {} if makes_frames else tables
        peaks: dict[str, float] = {}

        def run() -> None:
            # A test of the benchmark is content with ours: a process takes a second to start.
            others = {} if self._benchmark.disabled else peers
            for name, way in {"": ours, **others}.items():
                peak = self._alone(way, given, place).peak
                peaks[name] = peak - size if makes_frames else peak

        self._benchmark.pedantic(run, rounds=1)
        if self._benchmark.stats is None:  # switched off: this was a test
            return
        mine = peaks.pop("")
        record = Record(
            "memory",
            f"peak memory: {operation}",
            workload,
            self._rows if rows is None else rows,
            "bytes",
            mine,
        )
        record.compare("size of the frames", size, [mine / size])
        for name, peak in peaks.items():
            record.compare(name, peak, [mine / peak])
        record.keep(self._benchmark, self._capsys)
        record.assert_within_gates()


def _bytes_of(frame: pl.DataFrame) -> int:
    """Return what a frame takes in memory: ``estimated_size`` leaves out 16 bytes for each text."""
    newest = pl.CompatLevel.newest()
    return sum(column.to_arrow(compat_level=newest).get_total_buffer_size() for column in frame)
