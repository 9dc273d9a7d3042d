"""The datasets of a store, and the DataSources in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, cast
from uuid import uuid4

from algomancy_data.datamanager.additions import check_mode
from algomancy_data.datamanager.managed_store import ManagedStore
from algomancy_data.datamanager.table_part import part_of
from algomancy_data.datasource import (
    BASEDATASOURCE,
    BaseDataSource,
    DataClassification,
    is_plain,
)
from algomancy_data.display.words import counted
from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import (
    AdditionError,
    ArgumentError,
    DatasetNameError,
    DatasetNotFoundError,
    MasterDataProtectedError,
    StoreError,
    UnknownClassificationError,
)
from algomancy_data.frames.predicates import check_predicate
from algomancy_data.store import check_name
from algomancy_data.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl

    from algomancy_data.datamanager.additions import LoadMode
    from algomancy_data.datamanager.cache import DataSourceCache
    from algomancy_data.memory import MemoryBudget
    from algomancy_data.metrics import Phase, ProgressListener
    from algomancy_data.store import Added, Addition, Saved, Store
    from algomancy_data.store.addition import Mode


class StoredDatasets(ManagedStore, ABC, Generic[BASEDATASOURCE]):
    """What a :class:`DataManager` does with datasets, whatever their origin.

    Args:
        store: Where they are kept.
        data_object_type: Class of the DataSources.
        cache: Those in memory; empty.
        progress: Told when what is done to the store begins and ends.
        memory: How much memory the process should take.
    """

    def __init__(
        self,
        store: Store,
        data_object_type: type[BASEDATASOURCE],
        cache: DataSourceCache[BASEDATASOURCE],
        progress: ProgressListener | None,
        memory: MemoryBudget,
    ) -> None:
        _check_class(data_object_type)
        super().__init__(store, progress, memory)
        self._data_object_type = data_object_type
        self._cache = cache

    @property
    def data_object_type(self) -> type[BASEDATASOURCE]:
        """Class of the DataSources."""
        return self._data_object_type

    @property
    def _data(self) -> Mapping[str, BASEDATASOURCE]:
        """The DataSources in memory, as the pandas package named them."""
        if isinstance(self._store, MemoryStore):
            return cast("Mapping[str, BASEDATASOURCE]", self._store.objects)
        return self._cache

    # --- datasets ---------------------------------------------------------------------------

    def get_data(self, data_key: str, *, lazy: bool = False) -> BASEDATASOURCE | None:
        """Return a dataset, or None if there is none of that name.

        It is read on first access, and again when somebody else replaced it.

        Args:
            data_key: Its name.
            lazy: Memory need not hold its tables: they are read into scratch files and mapped,
                those of a folder are mapped anyway. The next call reads them again.

        Raises:
            ScratchError: There is no room for the scratch files.
            MemoryLimitError: It surely does not fit into memory.
            SchemaDriftError: Somebody changed its tables by hand.
            TypeError: It is kept as tables, and the manager's class takes none.
            SerializationError: The manager's class does not understand it.
            StoreError: It is damaged, or the store fails.
        """
        try:
            with self._lock:
                return self._load(data_key, lazy=lazy)
        except DatasetNotFoundError:
            return None
        except UnknownClassificationError as error:
            self._logger.error(str(error))
            return None

    def require_data(self, data_key: str) -> BASEDATASOURCE:
        """Return a dataset.

        Raises:
            DatasetNotFoundError: There is none of that name (also an ``AssertionError``).
        """
        data = self.get_data(data_key)
        if data is None:
            raise DatasetNotFoundError.from_available(data_key, self.get_data_keys())
        return data

    def scan_table(self, data_key: str, table: str) -> pl.LazyFrame:
        """Return a table of a dataset as a LazyFrame that reads only what its query needs.

        From a database come the columns that the query uses and, as far as SQL can tell, the rows
        that its filters take, in their order and some at a time: with
        ``collect(engine="streaming")`` or ``sink_parquet`` a table can be larger than memory. Other
        stores have the table in memory, or mapped into it. All tables of a query are in the state
        that they had when they were scanned; if the dataset was written since, it is an error.

        Args:
            data_key: Name of the dataset.
            table: Name of the table.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            TableNotFoundError: It has no such table (also a ``KeyError``).
            DatasetChangedError: The dataset is not as it was when it was scanned; raised by the
                query.

        Example:
            >>> import polars as pl
            >>> from algomancy_data import DataSource, SimpleETLFactory, StatelessDataManager
            >>> manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
            >>> source = DataSource("master_data", name="a")
            >>> source.add_table("t", {"x": [1, 2, 3]})
            >>> manager.add_data_source(source)
            >>> manager.scan_table("a", "t").filter(pl.col("x") > 1).select(
            ...     pl.len()
            ... ).collect().item()
            2
        """
        with self._lock:
            return self._store.scan(data_key, table, self._data_object_type)

    def get_table(
        self,
        data_key: str,
        table: str,
        columns: Sequence[str] | None = None,
        predicate: pl.Expr | None = None,
        *,
        head: int | None = None,
    ) -> pl.DataFrame:
        """Return a table of a dataset, or part of it, without reading the rest.

        Args:
            data_key: Name of the dataset.
            table: Name of the table.
            columns: Names of the columns to return, in this order; None for all.
            predicate: A Polars expression that is true for the rows to return; None for all. It
                takes the rows that ``filter`` takes of the whole table. One that may look at more
                than one row, such as ``pl.col("x") == pl.col("x").max()``, needs memory for all
                rows of the columns.
            head: Only the first so many of the table's rows are looked at; None for all.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            TableNotFoundError: It has no such table (also a ``KeyError``).
            ColumnNotFoundError: The table has no column of a name that was asked for.
            ArgumentError: The columns are no list of names, the predicate is no condition, or
                ``head`` is negative.

        Example:
            >>> import polars as pl
            >>> from algomancy_data import DataSource, SimpleETLFactory, StatelessDataManager
            >>> manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
            >>> source = DataSource("master_data", name="a")
            >>> source.add_table("t", {"x": [1, 2, 3], "y": ["u", "v", "w"]})
            >>> manager.add_data_source(source)
            >>> manager.get_table("a", "t", columns=["y"], predicate=pl.col("x") > 2).rows()
            [('w',)]
        """
        if predicate is not None:
            check_predicate(predicate)
        with self._measuring("read", data_key) as phase:
            with self._lock:
                lazy = self._store.scan(data_key, table, self._data_object_type, phase=phase)
            frame = part_of(lazy, table, columns, predicate, head)
            phase.rows = frame.height
            phase.gives([frame])
            return frame

    def refresh(self) -> None:
        """Forget all DataSources in memory; they are read again when asked for."""
        with self._lock:
            self._cache.forget_all()

    def set_data(self, data_key: str, data: BASEDATASOURCE) -> None:
        """Keep a dataset under a name, replacing one of that name.

        Raises:
            DatasetNameError: No dataset can have that name.
            UnstorableError: It holds something that cannot be kept exactly.
            StoreError: The store fails; the old data is still there.
        """
        check_name(data_key)
        with self._measuring("persist", data_key) as phase:
            self._save(data_key, data, phase)

    def add_data_source(self, data_source: BASEDATASOURCE, mode: LoadMode = "replace") -> None:
        """Keep a dataset under its own name; see :meth:`set_data`.

        Args:
            data_source: The dataset.
            mode: ``"replace"`` what had its name; ``"append"`` its rows to that, or
                ``"upsert"`` them: those whose primary key is stored take the place of the stored
                ones. Whatever is added lies behind what is there; what the schemas declare of
                keys must be true of all rows together.

        Raises:
            AdditionError: The rows do not fit, have a key that is stored, or refer to one that is
                not; the old data is still there.
            StoreError: The store fails; the old data is still there.

        Example:
            >>> from algomancy_data import DataSource, SimpleETLFactory, StatelessDataManager
            >>> manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
            >>> for number in (1, 2):
            ...     source = DataSource("master_data", name="a")
            ...     source.add_table("t", {"x": [number]})
            ...     manager.add_data_source(source, mode="append")
            >>> manager.get_table("a", "t")["x"].to_list()
            [1, 2]
        """
        check_mode(mode)
        name = str(data_source.name)
        if mode == "replace":
            self.set_data(name, data_source)
            return
        check_name(name)
        with self._measuring("persist", name) as phase, self._lock:
            self._add(name, data_source, self._addition(name, data_source, mode), phase)

    def add_data_sources(self, data_sources: Iterable[BASEDATASOURCE]) -> None:
        """Keep several datasets under their own names, all of them or none.

        A database writes them in one transaction, which for many small ones takes a fraction of
        the time. They are in memory together, and those who read or write one of them wait. Of
        a folder, a process that ends in the middle can have written some.

        Args:
            data_sources: The datasets; each replaces what had its name.

        Raises:
            DatasetNameError: No dataset can have one of the names, or two have the same.
            UnstorableError: One holds something that cannot be kept exactly.
            StoreError: The store fails; all is as it was.

        Example:
            >>> from algomancy_data import DataSource, SimpleETLFactory, StatelessDataManager
            >>> manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
            >>> manager.add_data_sources(DataSource("master_data", name=name) for name in "abc")
            >>> manager.get_data_keys()
            ['a', 'b', 'c']
        """
        sources: dict[str, BASEDATASOURCE] = {}
        for source in data_sources:
            name = str(source.name)
            check_name(name)
            if name in sources:
                msg = f"Two of the DataSources are called {name!r}: only one can be kept as that."
                raise DatasetNameError(msg)
            sources[name] = source
        with self._measuring("persist") as phase:
            self._save_all(sources, phase)

    def delete_rows(self, data_key: str, table: str, predicate: pl.Expr) -> int:
        """Delete the rows of a table that match a predicate, in one transaction.

        The others stay in their order. Rows of other tables that refer to them are not looked at.

        Args:
            data_key: Name of the dataset.
            table: Name of the table.
            predicate: A Polars expression that is true for the rows to delete: those that
                ``filter`` takes of the whole table.

        Returns:
            How many rows were deleted; if there are none, nothing is written.

        Raises:
            DatasetNotFoundError: There is no such dataset (also an ``AssertionError``).
            TableNotFoundError: It has no such table (also a ``KeyError``).
            ColumnNotFoundError: The table has no column of a name in the predicate.
            ArgumentError: The predicate is no condition.
            AdditionError: The dataset is not made of tables, or was changed in memory only.
            StoreError: The store fails; the rows are still there.

        Example:
            >>> import polars as pl
            >>> from algomancy_data import DataSource, SimpleETLFactory, StatelessDataManager
            >>> manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
            >>> source = DataSource("master_data", name="a")
            >>> source.add_table("t", {"x": [1, 2, 3]})
            >>> manager.add_data_source(source)
            >>> manager.delete_rows("a", "t", pl.col("x") > 1)
            2
            >>> manager.get_table("a", "t")["x"].to_list()
            [1]
        """
        check_predicate(predicate)
        failures = engine_failures(StoreError, f"Deleting rows of dataset {data_key!r}")
        with failures, self._measuring("delete", data_key) as phase, self._lock:
            if self._cache.is_changed(data_key):
                raise AdditionError.from_changed(data_key)
            cls = self._data_object_type
            count = self._store.delete_rows(data_key, table, predicate, cls, phase=phase)
            if count:
                self._cache.forget(data_key)
        self.log(f"Deleted {counted(count, 'row')} of table {table!r} of {data_key!r}.")
        return count

    def derive_data(self, existing_key: str, derived_key: str) -> None:
        """Keep a copy of a dataset under another name, classified as derived data.

        The store copies the tables, unless the DataSource was changed in memory or its class has
        a say in what a derived one is.

        Raises:
            DatasetNotFoundError: There is no ``existing_key`` (also an ``AssertionError``).
            DatasetExistsError: There is a ``derived_key`` (also an ``AssertionError``).
            StoreError: The store fails.
        """
        check_name(derived_key)
        failures = engine_failures(StoreError, f"Deriving dataset {derived_key!r}")
        with self._lock, failures:
            if is_plain(self._data_object_type) and not self._cache.is_changed(existing_key):
                with self._measuring("derive", derived_key) as phase:
                    self._copy(existing_key, derived_key, phase)
            else:
                source = self.require_data(existing_key)
                self._store.refuse_existing(derived_key)
                with self._measuring("derive", derived_key) as phase:
                    self._save(derived_key, source.derive(derived_key), phase)
        self.log(f"Derived {derived_key!r} from {existing_key!r}.")

    def delete_data(
        self,
        data_key: str,
        prevent_masterdata_removal: bool = False,  # noqa: FBT001, FBT002  the contract's signature
    ) -> None:
        """Delete a dataset for good.

        Args:
            data_key: Its name.
            prevent_masterdata_removal: Refuse to delete master data.

        Raises:
            DatasetNotFoundError: There is none of that name (also an ``AssertionError``).
            MasterDataProtectedError: It is master data, and that is protected.
            StoreError: The store fails; the dataset is still there.
        """
        with self._measuring("delete", data_key), self._lock:
            self._require_name(data_key)
            if prevent_masterdata_removal and self._is_master_data(data_key):
                raise MasterDataProtectedError.from_name(data_key)
            self._store.drop(data_key)
            self._cache.forget(data_key)
        self.log(f"Deleted {data_key!r}.")

    # --- the store --------------------------------------------------------------------------

    def _load(self, data_key: str, *, lazy: bool) -> BASEDATASOURCE:
        """Return a dataset, from memory if it is there in its present version.

        Raises:
            DatasetNotFoundError: There is none of that name.
        """
        if self._store.shares_objects:
            return self._store.load(data_key, self._data_object_type).data
        if data_key in self._cache:
            cached = self._cache.use(data_key, self._store.version(data_key))
            if cached is not None:
                return cached
            self._cache.forget(data_key)
        failures = engine_failures(StoreError, f"Reading dataset {data_key!r}")
        with failures, self._measuring("read", data_key) as phase:
            if lazy:  # not kept: it takes no memory, whose limit would put others out
                return self._store.load_mapped(data_key, self._data_object_type, phase=phase).data
            loaded = self._store.load(data_key, self._data_object_type, phase=phase)
            self._cache.keep(data_key, loaded.data, loaded.version, phase.sizes)
        return loaded.data

    def _save(self, data_key: str, data: BASEDATASOURCE, phase: Phase) -> Saved:
        """Write a dataset; memory changes only once the data is safe."""
        failures = engine_failures(StoreError, f"Keeping dataset {data_key!r}")
        with failures, self._lock:
            saved = self._store.save(data_key, data, phase=phase)
            self._keep(data_key, data, saved, phase)
        self._log_notes(saved)
        return saved

    def _save_all(self, sources: Mapping[str, BASEDATASOURCE], phase: Phase) -> None:
        """Write several datasets; memory changes only once all of them are safe."""
        failures = engine_failures(StoreError, f"Keeping {counted(len(sources), 'dataset')}")
        with failures, self._lock:
            saved = self._store.save_all(sources, phase=phase)
            for name, data in sources.items():
                self._keep(name, data, saved[name], phase)
        for one in saved.values():
            self._log_notes(one)

    def _keep(self, data_key: str, data: BASEDATASOURCE, saved: Saved, phase: Phase) -> None:
        data.provenance = saved.provenance
        if not self._store.shares_objects:
            self._cache.keep(data_key, data, saved.version, phase.sizes)

    def _log_notes(self, saved: Saved) -> None:
        for note in saved.notes:
            self.log(note.message)

    @abstractmethod
    def _addition(self, name: str, data: BASEDATASOURCE, mode: Mode) -> Addition:
        """Return how rows are added to a dataset.

        Raises:
            AdditionError: They refer to a row that is not there.
        """

    def _add(self, data_key: str, data: BASEDATASOURCE, addition: Addition, phase: Phase) -> Added:
        """Add rows to a dataset; if it is in memory, it is read again when asked for."""
        failures = engine_failures(StoreError, f"Adding rows to dataset {data_key!r}")
        with failures, self._lock:
            if self._cache.is_changed(data_key):
                raise AdditionError.from_changed(data_key)
            added = self._store.add(data_key, data, addition, phase=phase)
            self._cache.forget(data_key)
        self._log_notes(added)
        return added

    def _copy(self, existing_key: str, derived_key: str, phase: Phase) -> None:
        """Let the store copy a dataset; a DataSource in memory is copied as well."""
        cached = self._cache.get(existing_key)
        version = self._cache.version(existing_key)
        derived = None if cached is None else cached.derive(derived_key)
        ds_id = str(uuid4()) if derived is None else derived.id
        cls = self._data_object_type
        copied = self._store.copy(existing_key, derived_key, ds_id, cls, phase=phase)
        if derived is None or (copied.ds_id, copied.source_version) != (ds_id, version):
            return
        derived.provenance = copied.provenance
        self._cache.keep(derived_key, derived, copied.version, phase.sizes)

    def _is_master_data(self, data_key: str) -> bool:
        if data_key in self._cache:
            return self._cache[data_key].is_master_data()
        return self._store.describe(data_key).ds_type == DataClassification.MASTER_DATA


def _check_class(given: object) -> None:
    if not isinstance(given, type) or not issubclass(given, BaseDataSource):
        possible = "a class of DataSources, such as DataSource"
        raise ArgumentError.from_given("data_object_type", given, possible)
