"""What a manager shows of itself at a glance: its newest datasets, without reading them."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from algomancy_data.datamanager.inspection import Inspection
from algomancy_data.errors import AlgomancyDataError
from algomancy_data.findings import counts_text
from algomancy_data.glance import MOST_ROWS, Cell, Glance, Glanced, Grid, many, size_text

if TYPE_CHECKING:
    from algomancy_data.datamanager.inspection import DatasetSummary


class GlancedManager(Glanced, Inspection):
    """A manager that shows itself at a glance, and reads no data for it."""

    @abstractmethod
    def summaries(self, newest: int | None = None) -> list[DatasetSummary]:
        """Return what there is to say about the datasets without reading them, in order.

        Args:
            newest: Only so many, those that were created last; None for all.
        """

    @abstractmethod
    def _place(self) -> str:
        """Return where the data is kept, in words and without secrets."""

    def _glance(self) -> Glance:
        title = type(self).__name__
        try:
            count, shown = len(self.get_data_keys()), self.summaries(MOST_ROWS)
        except AlgomancyDataError as error:  # a notebook shows a store that is down, too
            return Glance(title, (self._place(),), note=f"{type(error).__name__}: {error}")
        return Glance(title, (self._place(), many(count, "dataset")), (_grid(shown, count),))

    def __repr__(self) -> str:
        """Show where the data is kept, without going there."""
        return f"<{type(self).__name__} {self._place()}>"


def _grid(shown: list[DatasetSummary], count: int) -> Grid:
    rest = count - len(shown)
    return Grid(
        ("dataset", "type", "created", "tables", "rows", "size", "findings", "state"),
        [
            (
                summary.name,
                summary.ds_type,
                summary.creation_datetime and f"{summary.creation_datetime:%Y-%m-%d %H:%M}",
                *_extent(summary),
                counts_text(summary.findings) if summary.findings else None,
                "damaged" if summary.problem else None,
            )
            for summary in reversed(shown)
        ],
        f"… and {many(rest, 'older one')}." if rest > 0 else "",
    )


def _extent(summary: DatasetSummary) -> tuple[Cell, Cell, Cell]:
    """Return the number of tables and rows, and the size; nothing if they cannot be known."""
    if summary.problem and not summary.tables:
        return None, None, None
    size = None if summary.bytes is None else size_text(summary.bytes)
    return len(summary.tables), summary.rows, size
