"""Who is told how far a run is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from algomancy_data.metrics.values import PhaseMetrics


class ProgressListener(Protocol):
    """Whoever wants to show how far a run is.

    It is called in the thread that does the work, so it should be quick. What it raises ends the
    work as any error would, and the store is as it was before: a way to cancel.

    A listener that also has :meth:`RowProgressListener.progressed` is told of the rows.
    """

    def phase_started(self, phase: str) -> None:
        """A phase begins."""
        ...

    def phase_finished(self, metrics: PhaseMetrics) -> None:
        """A phase ended without an exception."""
        ...


@runtime_checkable
class RowProgressListener(ProgressListener, Protocol):
    """A listener that is also told how far a phase is."""

    def progressed(self, phase: str, done_rows: int, total_rows: int | None) -> None:
        """Some rows of a phase are done.

        Called after each batch of rows that a database took or gave, after each table of a
        folder, and after each file that was extracted.

        Args:
            phase: The phase.
            done_rows: Rows that are done, of all tables together.
            total_rows: How many there are; None if that is not known before the end.
        """
        ...
