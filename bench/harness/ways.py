"""One way to do an operation: ours or a peer's."""

from __future__ import annotations

import gc
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def clear_away() -> None:
    """Let no way pay for what others left behind, in memory or on its way to the disk."""
    os.sync()
    gc.collect()
    gc.freeze()


def _nothing() -> None:
    pass


def _anything(_result: object) -> None:
    pass


SLOW = 0.1
"""The share of the rows that peers do which take ten seconds and more for all."""


@dataclass(frozen=True)
class Way:
    """What to run, and what to do around it outside the clock.

    Args:
        name: As in the report, and in ``limits.toml`` if a limit is about this peer.
        run: What is timed.
        before: Runs before each turn: empties the place that ``run`` fills.
        after: Runs after each turn, also after a failed one: closes what ``run`` left open.
        check: Is given what ``run`` returned, after the first turn and before ``after``; asserts
            that the work was done, and may return a remark: what of the types was lost.
        remark: What the way does less, or otherwise, than ours. Goes into the report.
        share: Of the rows, which a slow peer does; its time counts as many times more.
    """

    name: str
    run: Callable[[], Any]
    before: Callable[[], object] = _nothing
    after: Callable[[], object] = _nothing
    check: Callable[[Any], str | None] = _anything
    remark: str = ""
    share: float = 1

    def timed(self, remarks: list[str] | None = None) -> float:
        """Take one turn and return its seconds; with a list for its remarks, check it as well."""
        self.before()
        clear_away()
        try:
            start = time.perf_counter()
            result = self.run()
            seconds = time.perf_counter() - start
            if remarks is not None:
                remarks += self.checked(result)
        finally:
            self.after()
        return seconds / self.share

    def checked(self, result: object) -> list[str]:
        """Check what a turn returned, and return the remarks about the way."""
        less = f"did {self.share:.0%} of the rows" if self.share < 1 else ""
        return [remark for remark in (self.remark, self.check(result), less) if remark]
