"""What is known about the datasets of a manager without reading them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from algomancy_data.datasource import DataSource
from algomancy_data.errors import AlgomancyDataError
from algomancy_data.findings import count_by_severity, counts_text
from algomancy_data.glance import MOST_ROWS, Glance, Glanced, Grid, many, size_text
from algomancy_data.provenance import TableSize

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from algomancy_data.datasource import BaseDataSource


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """What a manager knows about a dataset without reading it.

    Args:
        name: Its name.
        ds_type: Where its data comes from, as text.
        creation_datetime: When its data was created, in local time.
        tables: Size of each table, by name; in a folder the bytes are those of the files.
        messages: The number of findings per severity that occurs.
    """

    name: str
    ds_type: str
    creation_datetime: datetime
    tables: Mapping[str, TableSize] = field(default_factory=dict[str, TableSize])
    messages: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(size.rows for size in self.tables.values())

    @property
    def bytes(self) -> int:
        """Bytes of all tables."""
        return sum(size.bytes for size in self.tables.values())

    @classmethod
    def of(cls, name: str, data: BaseDataSource) -> Self:
        """Return the summary of a DataSource in memory."""
        return cls(
            name,
            str(data.ds_type),
            data.creation_datetime,
            table_sizes(data),
            count_by_severity(data.validation_messages),
        )


def table_sizes(data: BaseDataSource) -> dict[str, TableSize]:
    """Return the size of each table of a DataSource in memory."""
    tables = data.tables if isinstance(data, DataSource) else {}
    return {name: TableSize.of(frame) for name, frame in tables.items()}


class GlancedManager(Glanced):
    """A manager that shows itself at a glance, and reads no data for it."""

    def get_data_keys(self) -> list[str]:
        """Return the names of the datasets, in order of creation."""
        raise NotImplementedError

    def summaries(self, newest: int | None = None) -> list[DatasetSummary]:
        """Return what is known about the datasets without reading them, in order of creation.

        Args:
            newest: Only so many, those that were created last; None for all.
        """
        raise NotImplementedError

    def _place(self) -> str:
        """Return where the data is kept, in words and without secrets."""
        raise NotImplementedError

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
        ("dataset", "type", "created", "tables", "rows", "size", "messages"),
        [
            (
                summary.name,
                summary.ds_type,
                f"{summary.creation_datetime:%Y-%m-%d %H:%M}",
                len(summary.tables),
                summary.rows,
                size_text(summary.bytes),
                counts_text(summary.messages) if summary.messages else None,
            )
            for summary in reversed(shown)
        ],
        f"… and {many(rest, 'older one')}." if rest > 0 else "",
    )
