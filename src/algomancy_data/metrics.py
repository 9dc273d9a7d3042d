"""What a run measures about itself, and who is told while it happens."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator


@dataclass(frozen=True, slots=True)
class PhaseMetrics:
    """The measurements of one phase of a run.

    Args:
        phase: ``"extract"``, ``"validate"``, ``"transform"``, ``"load"`` or ``"persist"``.
        seconds: Wall time.
        rows: Rows of all tables that the phase handled.
    """

    phase: str
    seconds: float
    rows: int

    @property
    def rows_per_second(self) -> float:
        """Rows per second of wall time; 0.0 when no time passed."""
        return self.rows / self.seconds if self.seconds else 0.0


class ProgressListener(Protocol):
    """Whoever wants to show how far a run is."""

    def phase_started(self, phase: str) -> None:
        """A phase begins."""
        ...

    def phase_finished(self, metrics: PhaseMetrics) -> None:
        """A phase ended without an exception."""
        ...


class Phase:
    """A phase that is under way; set ``rows`` before it ends."""

    def __init__(self) -> None:
        self.rows = 0


class PhaseRecorder:
    """Times phases, keeps their metrics and tells a listener.

    Args:
        listener: Whom to tell, if anybody.

    Example:
        >>> recorder = PhaseRecorder()
        >>> with recorder.phase("extract") as phase:
        ...     phase.rows = 10
        >>> [(m.phase, m.rows) for m in recorder.metrics]
        [('extract', 10)]
    """

    def __init__(self, listener: ProgressListener | None = None) -> None:
        self._listener = listener
        self._metrics: list[PhaseMetrics] = []

    @property
    def metrics(self) -> tuple[PhaseMetrics, ...]:
        """The phases that ended, in order."""
        return tuple(self._metrics)

    @contextmanager
    def phase(self, name: str) -> Generator[Phase]:
        """Time a block; nothing is recorded when it raises."""
        if self._listener is not None:
            self._listener.phase_started(name)
        phase = Phase()
        start = time.perf_counter()
        yield phase
        metrics = PhaseMetrics(name, time.perf_counter() - start, phase.rows)
        self._metrics.append(metrics)
        if self._listener is not None:
            self._listener.phase_finished(metrics)
