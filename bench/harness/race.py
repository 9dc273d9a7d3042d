"""Our way and its peers in turns."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from harness.limits import Limits
from harness.record import ORDERS, Record
from harness.ways import clear_away

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest
    from pytest_benchmark.fixture import BenchmarkFixture

    from harness.ways import Way

ROUNDS = 5
FURTHER_TURNS = 2  # as many times those before
PATIENCE_PER_ROW = 4e-6


class Race:
    """The fixture ``race``.

    Args:
        benchmark: The fixture.
        capsys: The fixture.
        rows: Of the orders.
        most_rounds: No race has more.
        gates_only: Leave out the peers that no limit is about.
    """

    def __init__(
        self,
        benchmark: BenchmarkFixture,
        capsys: pytest.CaptureFixture[str],
        rows: int,
        most_rounds: int,
        *,
        gates_only: bool = False,
    ) -> None:
        self._benchmark = benchmark
        self._capsys = capsys
        self._rows = rows
        self._most_rounds = most_rounds
        self._gates_only = gates_only

    def __call__(
        self,
        operation: str,
        ours: Way,
        peers: Sequence[Way],
        *,
        workload: str = ORDERS,
        rows: int | None = None,
        rounds: int = ROUNDS,
    ) -> None:
        """Time ours and the peers in ``rounds`` turns, and judge the medians of the ratios.

        A peer that has run for four seconds per million rows in all, its share made whole, takes no
        further turns: where it is ten times slower than ours, noise does not decide. Each time of
        ours is divided by the peer's time of the same turn, or by its last one.

        A gate that seems to be exceeded is looked at again in twice as many further turns, and the
        run fails only if the ratio of the best times exceeds it as well: what another program did
        to some turns is no reason, and what got slower is slower in every turn.

        Args:
            operation: The same words for the same work, on whatever workload.
            ours: Our way.
            peers: What users would do instead, and the physical limits.
            workload: What it is done with.
            rows: Of the workload, if they are not the orders'.
            rounds: How many turns ours takes, if the run allows so many. Where benchmarks are
                off, all take one.
        """
        if self._gates_only:
            judged_by = Limits()
            peers = [p for p in peers if judged_by.of(workload, operation, p.name).gate]
            rounds = rounds if peers else 1
        patience = PATIENCE_PER_ROW * self._rows
        theirs: dict[str, list[float]] = {peer.name: [] for peer in peers}
        remarks: dict[str, list[str]] = {peer.name: [] for peer in peers}
        latest: list[dict[str, float]] = []
        results: list[object] = []

        def peers_then_ready() -> None:
            for peer in peers:
                times = theirs[peer.name]
                if sum(times) < patience:
                    times.append(peer.timed(None if times else remarks[peer.name]))
            latest.append({name: times[-1] for name, times in theirs.items()})
            ours.before()
            clear_away()

        def finish() -> None:
            try:
                if len(latest) == 1:
                    ours.checked(results[0])
            finally:
                results.clear()
                ours.after()

        self._benchmark.pedantic(
            lambda: results.append(ours.run()),
            setup=peers_then_ready,
            teardown=finish,
            rounds=min(rounds, self._most_rounds),
        )
        if self._benchmark.stats is None:  # switched off: this was a test
            finish()
            return
        mine = list(self._benchmark.stats.stats.data)

        def judged() -> Record:
            height = self._rows if rows is None else rows
            record = Record("race", operation, workload, height, "s", median(mine))
            for peer in peers:
                times = theirs[peer.name]
                ratios = [its / at[peer.name] for its, at in zip(mine, latest, strict=True)]
                best = min(mine) / min(times)
                record.compare(
                    peer.name, median(times), ratios, "; ".join(remarks[peer.name]), best
                )
            return record

        record = judged()
        if record.violations:
            for _ in range(FURTHER_TURNS * len(mine)):
                peers_then_ready()
                mine.append(timed(ours, results))
                finish()
            record = judged()
        record.keep(self._benchmark, self._capsys)
        record.assert_within_gates()


def timed(way: Way, results: list[object]) -> float:
    """Return the seconds of a turn whose surroundings the caller sees to."""
    start = time.perf_counter()
    results.append(way.run())
    return time.perf_counter() - start
