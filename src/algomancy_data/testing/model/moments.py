"""Moments in the middle of what is done: at a call of a function, or a report of progress."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from algomancy_data.metrics import PhaseMetrics


class Calls:
    """Counts the calls of functions in a block, and does something at one of them.

    Args:
        at: The number of the call; 0 for none.
        act: What is done there.
    """

    def __init__(self, at: int, act: Callable[[], None]) -> None:
        self.seen = 0
        """How many calls there were."""
        self._at = at
        self._act = act

    def __enter__(self) -> Self:
        """Begin to count."""
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        """Count no longer."""
        sys.setprofile(None)

    def _count(self, frame: FrameType, event: str, argument: object) -> None:
        del frame, argument
        if event in {"call", "c_call"}:
            self.seen += 1
            if self.seen == self._at:
                self._act()


class Reports:
    """Hears of progress, and does something at one of the reports.

    At any call of a function there would be more to find, but not in this package: an error in the
    middle of Polars makes it panic, and one in a finalizer of Python is lost.

    Args:
        at: The number of the report; 0 for none.
        act: What is done there; it may raise.
    """

    def __init__(self, at: int, act: Callable[[], None]) -> None:
        self._left = at
        self._act = act

    def phase_started(self, phase: str) -> None:
        """Count it."""
        del phase
        self._count()

    def phase_finished(self, metrics: PhaseMetrics) -> None:
        """Count it."""
        del metrics
        self._count()

    def progressed(self, phase: str, done_rows: int, total_rows: int | None) -> None:
        """Count it."""
        del phase, done_rows, total_rows
        self._count()

    def _count(self) -> None:
        self._left -= 1
        if not self._left:
            self._act()
