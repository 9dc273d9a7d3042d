"""What is known of a dataset without its values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from algomancy_data.components import named
from algomancy_data.datasource import (
    BASEDATASOURCE,
    BaseDataSource,
    DataClassification,
    tables_of,
)
from algomancy_data.findings import count_by_severity
from algomancy_data.provenance import Provenance, TableSize

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    import polars as pl
    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.messages import ValidationMessage
    from algomancy_data.metrics.phases import FrameSizes
    from algomancy_data.provenance import Load


@dataclass(frozen=True)
class TableInfo:
    """What is known of a table.

    Args:
        rows: Number of rows.
        bytes: Memory that its frame takes, or the length of its file in a folder; None if that is
            not known without reading it.
        schema: The exact dtype of each column, in order; None as above.
    """

    rows: int
    bytes: int | None
    schema: Mapping[str, PolarsDataType] | None


def kept_provenance(
    data: BaseDataSource, frames: Mapping[str, pl.DataFrame], sizes: FrameSizes
) -> Provenance:
    """Return how a DataSource came about, with the sizes of its frames as they are kept.

    Args:
        data: The DataSource.
        frames: Its frames by table.
        sizes: Measures them.
    """
    measured = {name: TableSize(frame.height, sizes.of(frame)) for name, frame in frames.items()}
    return replace(data.provenance or Provenance(), tables=measured)


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a dataset: a catalogue keeps it in columns, a folder in JSON.

    Args:
        name: Its name.
        ds_id: Its identity.
        ds_type: Its classification, as text.
        creation_datetime: When its data was created, in local time; None if that cannot be read.
        tables: Its tables by name; none for one that is not made of tables.
        provenance: How it came about, if that is known.
        messages: What was found in its data.
        version: Another one with every write; empty if the store does not say.
        problem: Why it cannot be read; empty if nothing is known to be wrong with it. What cannot
            be read of such a one is an empty text or None, and its tables are left out.
    """

    name: str
    ds_id: str
    ds_type: str
    creation_datetime: datetime | None
    tables: Mapping[str, TableInfo] = field(default_factory=dict[str, TableInfo])
    provenance: Provenance | None = None
    messages: tuple[ValidationMessage, ...] = ()
    version: str = ""
    problem: str = ""

    @classmethod
    def of(
        cls,
        name: str,
        data: BaseDataSource,
        tables: Mapping[str, TableInfo] | None = None,
        version: str = "",
    ) -> Self:
        """Return what is known of a DataSource.

        Args:
            name: Name under which it is kept.
            data: The DataSource.
            tables: What is known of its tables; its frames are measured if it is not given.
            version: The version of the dataset.

        Example:
            >>> from algomancy_data import DataSource
            >>> source = DataSource("master_data", name="a")
            >>> source.add_table("t", {"x": [1, 2]})
            >>> DatasetInfo.of("a", source).tables["t"].rows
            2
        """
        if tables is None:
            frames = tables_of(data)
            tables = {
                table: TableInfo(frame.height, TableSize.of(frame).bytes, frame.schema)
                for table, frame in frames.items()
            }
        return cls(
            name,
            data.id,
            str(data.ds_type),
            data.creation_datetime,
            tables,
            data.provenance,
            tuple(data.validation_messages),
            version,
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
        """Bytes of all tables; None if unknown without reading them."""
        sizes = [table.bytes for table in self.tables.values() if table.bytes is not None]
        return sum(sizes) if len(sizes) == len(self.tables) else None

    @property
    def findings(self) -> Mapping[str, int]:
        """Number of findings by severity, the worst first."""
        return count_by_severity(self.messages)

    def derived(self, name: str, ds_id: str, version: str = "") -> Self:
        """Return what is known of a copy of the dataset, which has no messages.

        Args:
            name: Name of the copy.
            ds_id: Its identity.
            version: Its version.
        """
        return replace(
            self,
            name=name,
            ds_id=ds_id,
            ds_type=str(DataClassification.DERIVED_DATA),
            provenance=(self.provenance or Provenance()).derived(self.name),
            messages=(),
            version=version,
        )

    def grown(
        self,
        frames: Mapping[str, pl.DataFrame],
        load: Load,
        messages: Iterable[ValidationMessage],
        version: str = "",
    ) -> Self:
        """Return what is known of the dataset with other rows.

        The size of a row that is replaced or deleted is taken to be the average one.

        Args:
            frames: The rows that were added, by table.
            load: How many they are, and how many were replaced or deleted.
            messages: What was found in them.
            version: The version of the dataset.
        """
        provenance = self.provenance or Provenance()
        sizes, tables = dict(provenance.tables), dict(self.tables)
        for name in dict.fromkeys([*frames, *load.deleted]):
            before = tables.get(name) or TableInfo(0, 0, {})
            size = sizes.get(name) or TableSize(before.rows, before.bytes or 0)
            left = before.rows - load.replaced.get(name, 0) - load.deleted.get(name, 0)
            kept = size.bytes * left // max(before.rows, 1)
            sizes[name], schema = TableSize(left, kept), dict(before.schema or {})
            if name in frames:
                more = TableSize.of(frames[name])
                sizes[name] = TableSize(left + more.rows, kept + more.bytes)
                schema |= frames[name].schema
            tables[name] = TableInfo(sizes[name].rows, sizes[name].bytes, schema)
        return replace(
            self,
            tables=tables,
            provenance=provenance.grown(load, sizes),
            messages=(*self.messages, *messages),
            version=version,
        )

    def empty(self, cls: type[BASEDATASOURCE]) -> BASEDATASOURCE:
        """Return a DataSource of this identity that has no data yet.

        Args:
            cls: Its class.
        """
        with named("DataSource", cls):
            return cls(
                ds_type=DataClassification(self.ds_type),
                name=self.name,
                ds_id=self.ds_id,
                creation_datetime=self.creation_datetime,
            )

    def tell(self, data: BaseDataSource) -> None:
        """Give a DataSource its provenance and messages."""
        data.provenance = self.provenance
        data.validation_messages = list(self.messages)
