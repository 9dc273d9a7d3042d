"""What is done to a store, and to a plain dict of datasets: one class per step."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from algomancy_data.datasource import DataClassification
from algomancy_data.errors import (
    AdditionError,
    DatasetExistsError,
    DatasetNameError,
    DatasetNotFoundError,
    TableNotFoundError,
    UnstorableError,
)
from algomancy_data.testing.model.datasets import THINGS, THINGS_COLUMNS, Dataset, Datasets, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from algomancy_data.datamanager import DataManager
    from algomancy_data.datasource import DataSource
    from algomancy_data.testing.model.datasets import Row

Mode = Literal["append", "upsert"]


class RefusedError(Exception):
    """A plain dict does not take a step, and neither may a store.

    Args:
        kinds: Errors of which the store may raise one.
    """

    def __init__(self, *kinds: type[Exception]) -> None:
        super().__init__(*kinds)
        self.kinds = kinds


class Step(ABC):
    """Something that is done to a store."""

    @abstractmethod
    def after(self, datasets: Datasets) -> Datasets:
        """Return what there is afterwards; what was there before is another dict.

        Raises:
            RefusedError: The step is not taken, and says so.
        """

    @abstractmethod
    def take(self, manager: DataManager[DataSource]) -> None:
        """Do it to the store of a manager."""


def _needed(datasets: Datasets, name: str) -> Dataset:
    if name not in datasets:
        raise RefusedError(DatasetNotFoundError)
    return datasets[name]


@dataclass(frozen=True)
class Keep(Step):
    """Datasets are written, in place of those that have their names: all of them, or none."""

    datasets: Mapping[str, Dataset]
    is_storable: bool = True

    def after(self, datasets: Datasets) -> Datasets:
        """Return them with the others."""
        if not self.is_storable:
            raise RefusedError(UnstorableError)
        if "" in self.datasets:
            raise RefusedError(DatasetNameError)
        return {**datasets, **self.datasets}

    def take(self, manager: DataManager[DataSource]) -> None:
        """Add one DataSource, or several at once."""
        sources = [dataset.source(name) for name, dataset in self.datasets.items()]
        if not self.is_storable:
            # The last one, so that the others must not have been written.
            sources[-1].tables["last"] = pl.DataFrame({"x": [object()]}, schema={"x": pl.Object()})
        if len(sources) == 1:
            manager.add_data_source(sources[0])
        else:
            manager.add_data_sources(sources)


@dataclass(frozen=True)
class Overwrite(Step):
    """A dataset takes the place of another one, as a file does that is renamed."""

    name: str
    by: str

    def after(self, datasets: Datasets) -> Datasets:
        """Return the dataset under both names."""
        return {**datasets, self.name: _needed(datasets, self.by)}

    def take(self, manager: DataManager[DataSource]) -> None:
        """Set it under the other name."""
        manager.set_data(self.name, manager.require_data(self.by))


@dataclass(frozen=True)
class Derive(Step):
    """A dataset is copied."""

    name: str
    copy: str

    def after(self, datasets: Datasets) -> Datasets:
        """Return the copy behind the others."""
        if self.copy in datasets:
            raise RefusedError(DatasetExistsError, DatasetNotFoundError)
        derived = replace(
            _needed(datasets, self.name),
            ds_id=None,
            ds_type=DataClassification.DERIVED_DATA,
            messages=(),
            derived_from=self.name,
        )
        return {**datasets, self.copy: derived}

    def take(self, manager: DataManager[DataSource]) -> None:
        """Derive it."""
        manager.derive_data(self.name, self.copy)


@dataclass(frozen=True)
class Delete(Step):
    """A dataset is deleted."""

    name: str

    def after(self, datasets: Datasets) -> Datasets:
        """Return the others."""
        _needed(datasets, self.name)
        return {name: one for name, one in datasets.items() if name != self.name}

    def take(self, manager: DataManager[DataSource]) -> None:
        """Delete it."""
        manager.delete_data(self.name)


@dataclass(frozen=True)
class DeleteRows(Step):
    """Rows of a table are deleted: those with some keys, or those in some places."""

    name: str
    table: str
    wanted: tuple[int, ...]

    def after(self, datasets: Datasets) -> Datasets:
        """Return the dataset with the other rows, if there were any to delete."""
        dataset = _needed(datasets, self.name)
        if self.table not in dataset.tables:
            raise RefusedError(TableNotFoundError)
        table = dataset.tables[self.table]
        numbers = table.values("id") if self.table == THINGS else range(len(table.rows))
        left = [
            row
            for row, number in zip(table.rows, numbers, strict=True)
            if number not in self.wanted
        ]
        if not (gone := len(table.rows) - len(left)):
            return datasets
        tables = {**dataset.tables, self.table: replace(table, rows=left)}
        load = ("delete", {}, {}, {self.table: gone})
        return {**datasets, self.name: dataset.changed(tables, load)}

    def take(self, manager: DataManager[DataSource]) -> None:
        """Delete them by a predicate, which a database may or may not be asked."""
        number = pl.col("id") if self.table == THINGS else pl.int_range(pl.len(), dtype=pl.Int64)
        manager.delete_rows(self.name, self.table, number.is_in(self.wanted))


@dataclass(frozen=True)
class Add(Step):
    """Rows are added to the tables of a dataset, or are the first ones."""

    name: str
    rows: Dataset
    mode: Mode

    def after(self, datasets: Datasets) -> Datasets:
        """Return the dataset with the rows."""
        return _with_rows(datasets, self.name, self.rows, self.mode)

    def take(self, manager: DataManager[DataSource]) -> None:
        """Add a DataSource."""
        manager.add_data_source(self.rows.source(self.name), mode=self.mode)


@dataclass(frozen=True)
class Load(Step):
    """A file goes through the ETL: its rows replace a dataset, or are added to it."""

    name: str
    rows: tuple[Row, ...]
    mode: Literal["replace", "append", "upsert"]

    @property
    def text(self) -> str:
        """What is in the file."""
        lines = [
            ",".join("" if value is None else str(value) for value in row) for row in self.rows
        ]
        return "\n".join([",".join(THINGS_COLUMNS), *lines, ""])

    def after(self, datasets: Datasets) -> Datasets:
        """Return what the rows of the file make of the dataset."""
        table = Table(THINGS_COLUMNS, list(self.rows))
        files = frozenset({self.text})
        loaded = Dataset({THINGS: table}, None, messages=None, files=files)
        if self.mode == "replace":
            return {**datasets, self.name: loaded}
        before = datasets[self.name].files if self.name in datasets else frozenset[str]()
        if self.mode == "append" and self.text in before:
            raise RefusedError(AdditionError)
        found = _with_rows(datasets, self.name, loaded, self.mode)
        return {**found, self.name: replace(found[self.name], files=before | files)}

    def take(self, manager: DataManager[DataSource]) -> None:
        """Upload the file."""
        uri = f"data:text/csv;base64,{base64.b64encode(self.text.encode()).decode()}"
        files = manager.prepare_files([(THINGS, "csv", uri)])
        result = manager.etl_data(files, self.name, mode=self.mode)
        if result.datasource is None:  # a stored key is a finding there
            raise AdditionError("\n".join(map(str, result.messages)))


def _with_rows(datasets: Datasets, name: str, more: Dataset, mode: Mode) -> Datasets:
    """Return datasets of which one has more rows, or is there now."""
    if mode == "upsert":
        for table, rows in more.tables.items():
            if table != THINGS or len({*rows.values("id")}) < len(rows.rows):
                raise RefusedError(AdditionError)
    if name not in datasets:
        return {**datasets, name: more}
    dataset = datasets[name]
    tables = dict(dataset.tables)
    added, replaced = dict[str, int](), dict[str, int]()
    for table, rows in more.tables.items():
        tables[table], count = _longer(tables.get(table), table, rows, mode)
        added[table] = len(rows.rows) - count
        if count:
            replaced[table] = count
    changed = dataset.changed(tables, (mode, added, replaced, {}), more.messages)
    return {**datasets, name: changed}


def _longer(stored: Table | None, name: str, more: Table, mode: Mode) -> tuple[Table, int]:
    """Return a table with more rows, and how many of its rows these take the place of."""
    if stored is None:
        return more, 0
    if any(more.columns.get(column) != dtype for column, dtype in stored.columns.items()):
        raise RefusedError(AdditionError)
    kept = stored.rows
    if name == THINGS:
        kept = _kept(stored, more, mode)
    columns = {**stored.columns, **more.columns}
    places = [list(more.columns).index(column) for column in columns]
    nulls = (None,) * (len(columns) - len(stored.columns))
    rows = [(*row, *nulls) for row in kept]
    rows += [tuple(row[place] for place in places) for row in more.rows]
    return Table(columns, rows), len(stored.rows) - len(kept)


def _kept(stored: Table, more: Table, mode: Mode) -> list[Row]:
    """Return those rows with keys that stay where others are added."""
    new = {*more.values("id")}
    rows = [*zip(stored.rows, stored.values("id"), stored.values("code"), strict=True)]
    gone: Sequence[Any] = [key for _, key, _ in rows if key in new]
    kept = rows
    if mode == "upsert":
        kept = [row for row in rows if row[1] not in new]
    shares = len({*gone}) < len(gone)  # one row would take the place of several
    codes = {code for _, _, code in kept} & {*more.values("code")} - {None}
    if codes or (shares if mode == "upsert" else gone):
        raise RefusedError(AdditionError)
    return [row for row, _, _ in kept]
