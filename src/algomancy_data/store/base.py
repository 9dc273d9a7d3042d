"""The interface of a store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from polars import selectors

from algomancy_data.datasource import BASEDATASOURCE, BaseDataSource, tables_of
from algomancy_data.errors import DatasetExistsError, DatasetNameError, TableNotFoundError
from algomancy_data.logs import Logging
from algomancy_data.memory import MemoryBudget
from algomancy_data.metrics import NO_PHASE
from algomancy_data.store.addition import grown_source, key_of, known_rows
from algomancy_data.store.deletion import shrunk_source
from algomancy_data.store.history import MemoryHistory
from algomancy_data.store.outcomes import Added, Copied, Loaded, Saved

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    import polars as pl

    from algomancy_data.executors.workers import Workers
    from algomancy_data.metrics import Phase
    from algomancy_data.metrics.phases import RowSink
    from algomancy_data.store.addition import Addition
    from algomancy_data.store.history import History
    from algomancy_data.store.info import DatasetInfo
    from algomancy_data.store.outcomes import Damage, Leftover


class Store(Logging, ABC):
    """Keeps datasets by name.

    A write is all or nothing: when :meth:`save`, :meth:`copy` or :meth:`drop` raises, or the
    process ends in the middle, the store has the old state. What cannot be kept exactly is refused
    before anything is written. A :class:`~algomancy_data.DataManager` calls one method at a time;
    other processes, and other managers, are the store's own concern.

    Methods that may take long are given the phase that the manager measures, to say what they
    handle (``phase.handles(frames)``), what they give (``phase.gives(frames)``) and how far they
    are (``phase.advance(rows)``), and to find workers (``phase.workers``). A store may as well say
    nothing, and work alone.

    Subclass it for a store of your own: the page "A store of your own" shows one, and
    :class:`~algomancy_data.testing.DataManagerContract` tests it.

    Attributes:
        logger: Told what happens; a manager sets its own.
        memory: How much memory the process should take; a manager sets its own. It says how much
            is written and read at once, and what is too large to be loaded.
    """

    _memory = MemoryBudget()

    shares_objects: ClassVar[bool] = False
    """Whether :meth:`load` returns the very object that was saved, so that nothing is cached."""

    overlap: bool = True
    """Whether :meth:`overlapping` may write anything; may be set at any time."""

    def open(self, *, phase: Phase = NO_PHASE) -> None:
        """Make the store ready for use; it can be called again.

        Args:
            phase: Told of what is read.

        Raises:
            StoreError: The place cannot be used; the message says what to do.
        """

    @property
    def memory(self) -> MemoryBudget:
        """How much memory the process should take."""
        return self._memory

    @memory.setter
    def memory(self, memory: MemoryBudget) -> None:
        self._memory = memory
        self._share_memory(memory.in_memory_bytes)

    def _share_memory(self, in_memory_bytes: int) -> None:
        """Limit the size of tables that the store makes in memory."""

    def room_for_others(self) -> int | None:
        """Return how many other processes may use the store at the same time; None for any number.

        It is at least one, which waits if there is no room for it.
        """
        return None

    def close(self) -> None:
        """Close files and connections; the next call of any method opens them again."""

    @cached_property
    def history(self) -> History:
        """The attempts at jobs on this store.

        A store whose jobs are done by several processes overrides this: here, they are forgotten
        when the process ends.
        """
        return MemoryHistory()

    @property
    @abstractmethod
    def location(self) -> str:
        """Where the datasets are kept, in words and without secrets."""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of the datasets, in order of creation; a replaced one keeps its place.

        Raises:
            StoreError: The store fails.
        """

    @abstractmethod
    def version(self, name: str) -> str | None:
        """Return the present version of a dataset, or None if there is none of that name.

        Raises:
            StoreError: The store fails.
        """

    @abstractmethod
    def describe(self, name: str) -> DatasetInfo:
        """Return the dataset's metadata, without reading its values.

        Raises:
            DatasetNotFoundError: There is none of that name.
            StoreError: The metadata is damaged, or the store fails.
        """

    def describe_all(self, newest: int | None = None) -> list[DatasetInfo]:
        """Return the metadata of the datasets, in order of creation.

        Args:
            newest: Only this many, those created last; None for all.

        Raises:
            StoreError: The store fails.
        """
        names = self.names()
        shown = names if newest is None else names[max(len(names) - newest, 0) :]
        return [self.describe(name) for name in shown]

    @abstractmethod
    def load(
        self, name: str, cls: type[BASEDATASOURCE], *, phase: Phase = NO_PHASE
    ) -> Loaded[BASEDATASOURCE]:
        """Read a dataset.

        Args:
            name: Its name.
            cls: Class of the DataSource.
            phase: Told of what is read.

        Raises:
            DatasetNotFoundError: There is none of that name.
            StoreError: It is damaged, or the store fails.
        """

    def load_mapped(
        self, name: str, cls: type[BASEDATASOURCE], *, phase: Phase = NO_PHASE
    ) -> Loaded[BASEDATASOURCE]:
        """Read a dataset whose tables need not fit into memory: they are mapped from files.

        Override this if :meth:`load` reads tables into memory that may be large.

        Args:
            name: Its name.
            cls: Class of the DataSource.
            phase: Told of what is read.

        Raises:
            DatasetNotFoundError: There is none of that name.
            StoreError: It is damaged, or the store fails.
        """
        return self.load(name, cls, phase=phase)

    def scan(
        self, name: str, table: str, cls: type[BaseDataSource], *, phase: Phase = NO_PHASE
    ) -> pl.LazyFrame:
        """Return a table of a dataset as a LazyFrame, whose queries see one state of it.

        Override this to read only what a query needs: here the whole dataset is loaded.

        Args:
            name: Name of the dataset.
            table: Name of the table.
            cls: Class of the DataSource.
            phase: Told of what is read before this returns.

        Raises:
            DatasetNotFoundError: There is none of that name.
            TableNotFoundError: It has no such table (also a ``KeyError``).
            StoreError: It is damaged, or the store fails.
        """
        data = self.load(name, cls, phase=phase).data
        tables = tables_of(data)
        if table not in tables:
            raise TableNotFoundError.from_available(table, tables)
        return tables[table].lazy()

    @contextmanager
    def overlapping(self, name: str, workers: Workers | None = None) -> Generator[RowSink | None]:
        """Surround the making of a dataset, and its :meth:`save`.

        A store may provide a sink that takes rows of large tables meanwhile; they belong to no
        dataset until it is saved. Here there is no sink.

        Args:
            name: Its name.
            workers: Who helps to make and save it: see ``phase.workers``.
        """
        del name, workers
        yield None

    @abstractmethod
    def save(self, name: str, data: BaseDataSource, *, phase: Phase = NO_PHASE) -> Saved:
        """Write a dataset, replacing one of the same name.

        Args:
            name: Its name.
            data: The DataSource.
            phase: Told of what is written.

        Raises:
            UnstorableError: It holds something that cannot be kept exactly.
            StoreError: The store fails.
        """

    def save_all(
        self, datasets: Mapping[str, BaseDataSource], *, phase: Phase = NO_PHASE
    ) -> dict[str, Saved]:
        """Write several datasets, all of them or none, replacing those of the same names.

        A store with transactions overrides this. Here, replaced datasets are loaded first, and
        written back if a later one fails; a process that ends in between leaves some written.

        Args:
            datasets: The DataSources by name.
            phase: Told of what is written.

        Raises:
            UnstorableError: One holds something that cannot be kept exactly.
            StoreError: The store fails.
        """
        frames = {name: tables_of(data).values() for name, data in datasets.items()}
        phase.handles([frame for some in frames.values() for frame in some])
        before = {
            name: self.load(name, type(data)).data
            for name, data in datasets.items()
            if self.version(name) is not None
        }
        saved: dict[str, Saved] = {}
        try:
            for name, data in datasets.items():
                saved[name] = self.save(name, data)
                phase.advance(sum(frame.height for frame in frames[name]))
        except BaseException:
            for name in saved:
                if name in before:
                    self.save(name, before[name])
                else:
                    self.drop(name)
            raise
        return saved

    def add(
        self, name: str, data: BaseDataSource, addition: Addition, *, phase: Phase = NO_PHASE
    ) -> Added:
        """Add the rows of a DataSource to a dataset, or write it where there is none.

        The dataset keeps its identity. Missing tables are created; tables that the DataSource does
        not have stay as they are. Override this to write only the new rows: here the whole dataset
        is loaded and saved.

        Args:
            name: Name of the dataset.
            data: The rows.
            addition: How they are added.
            phase: Told of what is written.

        Raises:
            AdditionError: The rows do not fit, or have a key that is stored.
            UnstorableError: They hold something that cannot be kept exactly.
            StoreError: The store fails.
        """
        is_there = self.version(name) is not None
        cls = type(data)
        addition.require_references(
            self.describe(name) if is_there else None,
            lambda table, key, keys: self.known_keys(name, table, key, keys, cls),
        )
        if not is_there:
            load = addition.first(tables_of(data))
            saved = self.save(name, data, phase=phase)
            return Added(saved.version, saved.provenance, load)
        grown, load = grown_source(name, self.load(name, type(data)).data, data, addition)
        saved = self.save(name, grown, phase=phase)
        return Added(saved.version, saved.provenance, load)

    def delete_rows(
        self,
        name: str,
        table: str,
        predicate: pl.Expr,
        cls: type[BaseDataSource],
        *,
        phase: Phase = NO_PHASE,
    ) -> int:
        """Delete the rows of a table that match a predicate; return their number.

        If there are none, nothing is written. Override this to write only what changes: here the
        whole dataset is loaded and saved.

        Args:
            name: Name of the dataset.
            table: Name of the table.
            predicate: A Polars expression that is true for the rows to delete.
            cls: Class of the DataSource.
            phase: Told of what is written.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            TableNotFoundError: It has no such table (also a ``KeyError``).
            ColumnNotFoundError: The table has no column of a name in the predicate.
            AdditionError: It is not made of tables.
            StoreError: It is damaged, or the store fails.
        """
        shrunk, count = shrunk_source(name, self.load(name, cls).data, table, predicate)
        if count:
            self.save(name, shrunk, phase=phase)
        return count

    def known_keys(
        self,
        name: str,
        table: str,
        key: Sequence[str],
        keys: pl.DataFrame,
        cls: type[BaseDataSource],
    ) -> pl.Series:
        """Return which of some keys a table has (Boolean); incomplete keys count as missing.

        Args:
            name: Name of the dataset.
            table: Name of the table.
            key: Columns of the table.
            keys: The keys, in as many columns.
            cls: Class of the DataSource.

        Raises:
            DatasetNotFoundError: There is none of that name.
            StoreError: It is damaged, or the store fails.
        """
        stored = self.scan(name, table, cls).select(selectors.by_name(*key)).collect()
        return known_rows([key_of(stored, key)], keys)

    def copy(
        self,
        name: str,
        copy: str,
        ds_id: str,  # noqa: ARG002  for stores that copy without reading
        cls: type[BASEDATASOURCE],
        *,
        phase: Phase = NO_PHASE,
    ) -> Copied:
        """Write a derived copy of a dataset, without reading it if the store can.

        Called only if the copy has the same tables: see
        :func:`~algomancy_data.datasource.is_plain`.

        Args:
            name: Name of the dataset.
            copy: Name of the copy.
            ds_id: Identity of the copy, if the store makes it itself.
            cls: Class of the DataSources.
            phase: Told of what is written.

        Raises:
            DatasetNotFoundError: There is no dataset of that name.
            DatasetExistsError: There is one of the copy's name.
            StoreError: The store fails.
        """
        loaded = self.load(name, cls)
        self.refuse_existing(copy)
        derived = loaded.data.derive(copy)
        saved = self.save(copy, derived, phase=phase)
        return Copied(saved.version, saved.provenance, derived.id, loaded.version)

    @abstractmethod
    def drop(self, name: str) -> None:
        """Delete a dataset, even a damaged one.

        Raises:
            StoreError: The store fails.
        """

    def verify(self, name: str) -> list[Damage]:  # noqa: ARG002  the interface
        """Compare a dataset with what was written.

        Returns:
            What is not as it was written; a store that cannot tell returns nothing.

        Raises:
            StoreError: The dataset cannot be read.
        """
        return []

    def verify_all(self) -> list[Damage]:
        """Compare everything in the store with what was written."""
        return [damage for name in self.names() for damage in self.verify(name)]

    def leftovers(self) -> list[Leftover]:
        """Return what is in the store and belongs to no dataset."""
        return []

    def clear_leftovers(self) -> list[Leftover]:
        """Remove what is proven to belong to no dataset; return it."""
        return []

    def refuse_existing(self, name: str) -> None:
        """Refuse a name that a dataset has already.

        Raises:
            DatasetExistsError: There is one.
        """
        if self.version(name) is not None:
            raise DatasetExistsError.from_name(name)


def check_name(name: object, kind: str = "dataset") -> None:
    """Refuse what no store can use as a name: names are non-empty Unicode text.

    Args:
        name: The name.
        kind: What it is the name of.

    Raises:
        DatasetNameError: It is no text, empty, or contains NUL or half a surrogate pair.
    """
    if not isinstance(name, str) or not name:
        msg = f"The name of a {kind} must be a text that is not empty, not {name!r}."
        raise DatasetNameError(msg)
    try:
        name.encode()
    except UnicodeEncodeError as error:
        msg = f"The {kind} name {name!r} is no valid Unicode text: {error.reason}."
        raise DatasetNameError(msg) from error
    if "\0" in name:
        msg = f"The {kind} name {name!r} contains a NUL character, which no store can keep."
        raise DatasetNameError(msg)
