"""What is known of a dataset without its values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from algomancy_data.datasource import BaseDataSource, DataSource
from algomancy_data.findings import count_by_severity
from algomancy_data.provenance import TableSize

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.provenance import Provenance


@dataclass(frozen=True)
class TableSummary:
    """A table's metadata.

    Args:
        rows: Number of rows.
        bytes: Memory that its frame takes, or the length of its file in a folder; None if that is
            not known without reading it.
        schema: The exact dtype of each column, in order; None as above.
    """

    rows: int
    bytes: int | None
    schema: Mapping[str, PolarsDataType] | None


@dataclass(frozen=True)
class DatasetSummary:
    """A dataset's metadata.

    Args:
        name: Its name.
        ds_id: Its identity.
        ds_type: Its classification, as text.
        creation_datetime: When its data was created, in local time; None if that cannot be read.
        tables: Its tables by name; none for one that is not made of tables.
        provenance: How it came about, if that is known.
        messages: How many messages there are about its data.
        findings: How many findings of which severity these stand for, the worst first.
        problem: Why it cannot be read; empty if nothing is known to be wrong with it. What cannot
            be read of such a one is an empty text or None, and its tables are left out.
    """

    name: str
    ds_id: str
    ds_type: str
    creation_datetime: datetime | None
    tables: Mapping[str, TableSummary] = field(default_factory=dict[str, TableSummary])
    provenance: Provenance | None = None
    messages: int = 0
    findings: Mapping[str, int] = field(default_factory=dict[str, int])
    problem: str = ""

    @classmethod
    def of(cls, name: str, data: BaseDataSource) -> DatasetSummary:
        """Return the summary of a DataSource.

        Example:
            >>> source = DataSource("master_data", name="a")
            >>> source.add_table("t", {"x": [1, 2]})
            >>> DatasetSummary.of("a", source).tables["t"].rows
            2
        """
        frames = data.tables if isinstance(data, DataSource) else {}
        return cls(
            name,
            data.id,
            str(data.ds_type),
            data.creation_datetime,
            {
                table: TableSummary(frame.height, TableSize.of(frame).bytes, frame.schema)
                for table, frame in frames.items()
            },
            data.provenance,
            len(data.validation_messages),
            count_by_severity(data.validation_messages),
        )

    @property
    def has_unknown_tables(self) -> bool:
        """Whether it cannot be read, so that its tables are unknown."""
        return bool(self.problem) and not self.tables

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables.values())

    @property
    def bytes(self) -> int | None:
        """Memory that all frames take; None if that is not known without reading them."""
        sizes = [table.bytes for table in self.tables.values() if table.bytes is not None]
        return sum(sizes) if len(sizes) == len(self.tables) else None
