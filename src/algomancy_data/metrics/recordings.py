"""Recording: the metrics of everything that happens inside a block."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from algomancy_data.metrics.values import Metrics

if TYPE_CHECKING:
    from collections.abc import Generator

    from algomancy_data.metrics.listeners import ProgressListener
    from algomancy_data.metrics.values import PhaseMetrics

_current: ContextVar[Recording | None] = ContextVar("algomancy_data.recording", default=None)


class Recording:
    """The phases of a block; see :func:`recording`.

    Args:
        progress: Told of them as they happen, if anybody is.
        outer: The recording in whose block this one's is.
    """

    def __init__(
        self, progress: ProgressListener | None = None, outer: Recording | None = None
    ) -> None:
        self._progress = progress
        self._outer = outer
        self._phases: list[PhaseMetrics] = []

    @property
    def metrics(self) -> Metrics:
        """The phases that have ended, in order."""
        return Metrics(self._phases)

    @property
    def listeners(self) -> list[ProgressListener]:
        """Who is told, of this and of the outer recordings."""
        own = [] if self._progress is None else [self._progress]
        return own if self._outer is None else own + self._outer.listeners

    def note(self, metrics: PhaseMetrics) -> None:
        """Keep the metrics of a phase, here and in the outer recordings."""
        self._phases.append(metrics)
        if self._outer is not None:
            self._outer.note(metrics)


@contextmanager
def recording(progress: ProgressListener | None = None) -> Generator[Recording]:
    """Record every phase of managers, pipelines and exports that runs inside a block.

    A phase that is part of another one is not recorded beside it. The block records its own
    thread, or ``asyncio`` task and what that starts; to have another thread recorded as well, run
    its work in a copy of the context (``contextvars.copy_context().run``).

    Args:
        progress: Told of the phases as they happen, beside the manager's listener.

    Example:
        >>> from algomancy_data import DataSource, SimpleETLFactory, StatelessDataManager
        >>> manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
        >>> source = DataSource("master_data", name="a")
        >>> source.add_table("t", {"x": [1, 2, 3]})
        >>> with recording() as record:
        ...     manager.add_data_source(source)
        ...     manager.derive_data("a", "b")
        >>> [(phase.phase, phase.dataset, phase.rows) for phase in record.metrics]
        [('persist', 'a', 3), ('derive', 'b', 3)]
    """
    record = Recording(progress, _current.get())
    token = _current.set(record)
    try:
        yield record
    finally:
        _current.reset(token)


def current_recording() -> Recording | None:
    """Return the recording of the innermost block, if this is in one."""
    return _current.get()
