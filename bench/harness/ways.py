"""One way to do an operation: ours or a peer's."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def _nothing() -> None:
    pass


def _anything(_result: object) -> None:
    pass


@dataclass(frozen=True)
class Way:
    """What to run, and what to do around it outside the clock.

    Args:
        name: As in the report, and in ``limits.toml`` if a limit is about this peer.
        run: What is timed.
        before: Runs before each turn: empties the place that ``run`` fills.
        after: Runs after each turn, also after a failed one: closes what ``run`` left open.
        check: Is given what ``run`` returned, after the first turn and before ``after``; asserts
            that the work was done.
        remark: What the way does less, or otherwise, than ours. Goes into the report.
    """

    name: str
    run: Callable[[], Any]
    before: Callable[[], object] = _nothing
    after: Callable[[], object] = _nothing
    check: Callable[[Any], object] = _anything
    remark: str = ""

    def timed(self, *, checked: bool = False) -> float:
        """Take one turn and return its seconds."""
        self.before()
        gc.collect()
        try:
            start = time.perf_counter()
            result = self.run()
            seconds = time.perf_counter() - start
            if checked:
                self.check(result)
        finally:
            self.after()
        return seconds
