"""The fixtures measure what they say, with operations whose figures are known."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness import Way

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import polars as pl

    from harness import Count, Growth, Memory, Race

MEGABYTE = 1 << 20


def test_race_of_sleepers(race: Race) -> None:
    seen: list[str] = []

    def sleeper(name: str, seconds: float) -> Way:
        return Way(
            name,
            lambda: time.sleep(seconds) or name,
            check=seen.append,
        )

    race(
        "sleep",
        sleeper("ours", 0.01),
        [sleeper("twice as long", 0.02), sleeper("half as long", 0.005)],
        workload="harness",
    )
    assert seen == ["twice as long", "half as long", "ours"]


def hundred_megabytes(_tables: dict[str, pl.DataFrame], _place: Path) -> Callable[[], object]:
    return lambda: np.ones(100 * MEGABYTE, dtype=np.uint8)


def test_memory_of_an_array(
    memory: Memory, tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    memory(
        "allocate",
        hundred_megabytes,
        {"numpy": hundred_megabytes},
        tables,
        tmp_path,
        workload="harness",
    )


def test_growth_of_a_sleep(growth: Growth) -> None:
    growth("sleep", lambda rows: Way("ours", lambda: time.sleep(rows / 1e8)), workload="harness")


def test_count_of_nothing(count: Count) -> None:
    count("numbers", lambda: 3, {"number expected": 3}, workload="harness")


def test_race_of_a_sleeper_that_is_disturbed_at_first(race: Race) -> None:
    """The first turns take four times as long: that is looked at again, and no reason to fail."""
    naps = iter([0.04] * 5)
    race(
        "sleep",
        Way("ours", lambda: time.sleep(next(naps, 0.01))),
        [Way("twice as long", lambda: time.sleep(0.02))],
        workload="harness",
    )


def test_race_of_a_sleeper_that_got_slower(race: Race, *, measuring: bool) -> None:
    seen = pytest.raises(AssertionError, match="twice as long") if measuring else nullcontext()
    with seen:
        race(
            "sleep",
            Way("ours", lambda: time.sleep(0.03)),
            [Way("twice as long", lambda: time.sleep(0.02))],
            workload="harness",
        )
