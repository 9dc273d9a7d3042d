"""What a store should have: a plain dict of names and datasets, whose rows are plain lists."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from algomancy_data.datasource import DataClassification, DataSource
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.provenance import Provenance
from algomancy_data.schema import Column, DataType, Schema
from algomancy_data.testing.comparison import assert_identical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.datamanager import DataManager
    from algomancy_data.provenance import Load
    from algomancy_data.store import DatasetInfo

Row: TypeAlias = tuple[Any, ...]


class Things(Schema):
    """What is declared of the one table that has keys."""

    _FILENAME = "things"
    _EXTENSION = "csv"
    _SCHEMA_TYPE = "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    CODE = Column("code", DataType.STRING, unique=True, nullable=True)
    VALUE = Column("value", DataType.FLOAT, nullable=True)


THINGS = "things"
THINGS_COLUMNS: Mapping[str, PolarsDataType] = {
    "id": pl.Int64(),
    "code": pl.String(),
    "value": pl.Float64(),
}


@dataclass(frozen=True)
class Table:
    """A table: the dtype of each column, and the rows."""

    columns: Mapping[str, PolarsDataType]
    rows: list[Row]

    @property
    def frame(self) -> pl.DataFrame:
        """The same as a frame."""
        return pl.DataFrame(
            [
                pl.Series(name, [row[place] for row in self.rows], dtype=dtype)
                for place, (name, dtype) in enumerate(self.columns.items())
            ]
        )

    def values(self, column: str) -> list[Any]:
        """Return the values of a column; none if there is no such column."""
        if column not in self.columns:
            return []
        place = list(self.columns).index(column)
        return [row[place] for row in self.rows]


@dataclass(frozen=True)
class Dataset:
    """A dataset, and what is known of it.

    Args:
        tables: Its tables by name.
        ds_id: Its identity; None if the store chose one that nobody has seen yet.
        ds_type: Its classification.
        messages: What was found in it; None if an ETL said something.
        loads: What was added and deleted since it was written, as mode, added, replaced, deleted.
        derived_from: The dataset that it is a copy of.
        files: What the files have of which it was made.
    """

    tables: Mapping[str, Table]
    ds_id: str | None
    ds_type: str = DataClassification.MASTER_DATA
    messages: tuple[str, ...] | None = ()
    loads: tuple[object, ...] = ()
    derived_from: str | None = None
    files: frozenset[str] = field(default_factory=frozenset[str])

    def source(self, name: str) -> DataSource:
        """Return the same as a DataSource."""
        source = DataSource(DataClassification(self.ds_type), name=name, ds_id=self.ds_id)
        source.tables = {table: one.frame for table, one in self.tables.items()}
        source.validation_messages = [
            ValidationMessage(ValidationSeverity.INFO, text) for text in self.messages or ()
        ]
        return source

    def changed(
        self, tables: Mapping[str, Table], load: object, more: tuple[str, ...] | None = ()
    ) -> Dataset:
        """Return the dataset with other rows, and the messages that came with them."""
        both = None if self.messages is None or more is None else (*self.messages, *more)
        return replace(self, tables=tables, loads=(*self.loads, load), messages=both)


Datasets: TypeAlias = dict[str, Dataset]


def _told(load: Load) -> object:
    return (load.mode, dict(load.added), dict(load.replaced), dict(load.deleted))


def check_datasets(manager: DataManager[DataSource], datasets: Datasets, *, lazy: bool) -> None:
    """Make sure that a manager has the datasets, and no others.

    Args:
        manager: The manager.
        datasets: The datasets; what is not known yet of their identities is not compared.
        lazy: Whether tables are scanned, instead of read into memory.

    Raises:
        AssertionError: Something is another.
    """
    names = list(datasets)
    assert manager.get_data_keys() == names, (manager.get_data_keys(), names)
    infos = manager.describe_all()
    assert [info.name for info in infos] == names, ([info.name for info in infos], names)
    for info, (name, dataset) in zip(infos, datasets.items(), strict=True):
        _check_info(info, dataset)
        _check_info(manager.describe(name), dataset)
        if lazy:
            tables = {table: manager.scan_table(name, table).collect() for table in dataset.tables}
        else:
            data = manager.require_data(name)
            assert data.id == info.ds_id
            tables = dict(data.tables)
        assert list(tables) == list(dataset.tables)
        for table, frame in tables.items():
            assert_identical(frame, dataset.tables[table].frame)


def _check_info(info: DatasetInfo, dataset: Dataset) -> None:
    assert not info.problem
    assert info.ds_type == dataset.ds_type
    assert dataset.ds_id in {None, info.ds_id}
    assert list(info.tables) == list(dataset.tables)
    for name, table in info.tables.items():
        expected = dataset.tables[name]
        assert table.rows == len(expected.rows)
        if table.schema is not None:
            assert list(table.schema.items()) == list(expected.columns.items())
    if dataset.messages is not None:
        assert [message.message for message in info.messages] == list(dataset.messages)
    provenance = info.provenance or Provenance()
    assert tuple(map(_told, provenance.loads)) == dataset.loads
    assert provenance.derived_from == dataset.derived_from
