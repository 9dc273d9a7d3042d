"""Scans that wait to be asked for more rows, or that Polars has abandoned.

When a streaming query has enough rows, Polars may keep the source of the rest until its next query,
whenever that is (2.1 does). But a scan holds a transaction, which keeps others from replacing the
dataset. So while a scan waits, an empty query is run now and then: it costs a millisecond, and
makes Polars release abandoned sources.
"""

from __future__ import annotations

import atexit
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0


class _Watch:
    """Reminds Polars of scans that wait longer than it takes to work on a batch."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting = 0
        self._turns = 0
        self._thread: threading.Thread | None = None
        self._has_ended = False

    @contextmanager
    def waiting(self) -> Generator[None]:
        """Note a scan that waits during a block."""
        with self._changed:
            self._waiting += 1
            self._turns += 1
            if self._thread is None and not self._has_ended:
                # The end of the process must not wait for a scan, nor cut off Polars: see `end`.
                self._thread = threading.Thread(
                    target=self._run, name="algomancy-data-scans", daemon=True
                )
                self._thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._waiting -= 1
                self._turns += 1

    def end(self) -> None:
        """End the thread."""
        with self._changed:
            self._has_ended = True
            thread = self._thread
            self._changed.notify()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            with self._changed:
                turns = self._turns
                self._changed.wait(pause)
                if self._has_ended or not self._waiting:
                    self._thread = None
                    return
                is_stuck = turns == self._turns
            if is_stuck:
                pl.LazyFrame({"n": [0]}).collect(engine="streaming")
            pause = min(2 * pause, _LONGEST_PAUSE) if is_stuck else _FIRST_PAUSE


_watch: Final = _Watch()
atexit.register(_watch.end)


def watched(batches: Iterable[pl.DataFrame]) -> Generator[pl.DataFrame]:
    """Yield the batches of a scan, which ends soon after it is abandoned.

    Example:
        >>> [batch.height for batch in watched([pl.DataFrame({"x": [1, 2]})])]
        [2]
    """
    for batch in batches:
        with _watch.waiting():
            yield batch
