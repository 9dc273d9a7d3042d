"""The manager that keeps its data in a folder."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

from algomancy_data.datamanager.base import DataManager
from algomancy_data.datamanager.folder_datasets import FolderDatasets
from algomancy_data.datamanager.folder_raw import check_raw_names, raw_files, write_raw
from algomancy_data.datamanager.folder_startup import FolderStartup
from algomancy_data.datamanager.names import check_name
from algomancy_data.datasource import (
    BASEDATASOURCE,
    BaseDataSource,
    DataClassification,
    DataSource,
)
from algomancy_data.errors import (
    DatasetExistsError,
    DatasetNotFoundError,
    ValidationError,
)
from algomancy_data.etl.settings import INHERIT, MessageLimit, QuarantineSetting
from algomancy_data.folder import FolderStore, Identity, take_apart
from algomancy_data.folder.content import is_made_of_tables
from algomancy_data.folder.names import plain_stem
from algomancy_data.folder.reader import SUFFIX
from algomancy_data.frames import to_frames
from algomancy_data.metrics import phase_under_way
from algomancy_data.provenance import Provenance

if TYPE_CHECKING:
    import logging
    import os
    from collections.abc import Iterable, Mapping

    from algomancy_data.datamanager.inspection import DatasetSummary
    from algomancy_data.etl import ETLFactory
    from algomancy_data.folder import Found
    from algomancy_data.integrity import Damage, Leftover
    from algomancy_data.logs import Logger
    from algomancy_data.messages import ValidationSeverity
    from algomancy_data.metrics import ProgressListener
    from algomancy_data.schema import ReadLimits, Schema

_SAVE_TYPES: Final = ("json",)
_SHOWN_MESSAGES: Final = 3
_DEPRECATED: Final = (
    "StatefulDataManager is deprecated: use DatabaseDataManager for new projects, and "
    "algomancy_data.datamanager.migrate to move the datasets of a folder into a database."
)


class StatefulDataManager(DataManager[BASEDATASOURCE]):
    """Keeps DataSources in a folder. Deprecated: use ``DatabaseDataManager`` for new projects.

    Whatever is added, derived, replaced or deleted is so in the folder when the call returns; a
    crash at any moment leaves the old dataset or the new one. :meth:`startup` reads the metadata;
    the tables of a dataset are mapped into memory when it is first asked for. Several managers
    and processes may use one folder.

    Args:
        etl_factory: Class that puts the ETL pipelines together.
        schemas: What the files hold.
        data_folder: The folder; it is made when something is first kept in it.
        save_type: ``"json"``.
        data_object_type: Class of the DataSources.
        logger: As for :class:`DataManager`.
        halt_on: As for :class:`DataManager`.
        message_limit: As for :class:`DataManager`.
        progress: As for :class:`DataManager`.
        quarantine: Whether rows that fail are set aside, and how, unless the call says it.
        lock_timeout: Seconds to wait for another process that is writing to the folder.
        verify_on_load: Compare the check sums of a dataset when it is first asked for in this
            process, which reads its tables once. Without, damaged values are not noticed.
        read_limits: As for :class:`DataManager`.

    Raises:
        ValueError: ``save_type`` is another one.

    Example:
        >>> import tempfile, warnings
        >>> import polars as pl
        >>> from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager
        >>> warnings.filterwarnings("ignore", "StatefulDataManager", DeprecationWarning)
        >>> folder = tempfile.TemporaryDirectory()
        >>> def open_manager():
        ...     manager = StatefulDataManager(SimpleETLFactory, [], folder.name, "json", DataSource)
        ...     manager.startup()
        ...     return manager
        >>> source = DataSource("master_data", name="a")
        >>> source.add_table("t", pl.DataFrame({"x": [1, 2]}))
        >>> open_manager().add_data_source(source)
        >>> open_manager().get_data("a").get_table("t").height
        2
        >>> folder.cleanup()
    """

    startup_errors: list[tuple[str, Exception]]
    """What :meth:`startup` could not read: paths, and why."""

    def __init__(
        self,
        etl_factory: type[ETLFactory],
        schemas: Iterable[type[Schema]],
        data_folder: str | os.PathLike[str],
        save_type: str,
        data_object_type: type[BASEDATASOURCE],
        logger: Logger | logging.Logger | None = None,
        *,
        halt_on: ValidationSeverity | None = None,
        message_limit: MessageLimit = INHERIT,
        progress: ProgressListener | None = None,
        lock_timeout: float = 60.0,
        verify_on_load: bool = True,
        quarantine: QuarantineSetting = INHERIT,
        read_limits: ReadLimits | None = None,
    ) -> None:
        warnings.warn(_DEPRECATED, DeprecationWarning, stacklevel=2)
        if save_type not in _SAVE_TYPES:
            msg = f"save_type must be 'json', not {save_type!r}."
            raise ValueError(msg)
        super().__init__(
            etl_factory,
            schemas,
            save_type,
            data_object_type,
            logger,
            halt_on=halt_on,
            message_limit=message_limit,
            quarantine=quarantine,
            read_limits=read_limits,
            progress=progress,
        )
        self._folder = Path(data_folder)
        self._store = FolderStore(self._folder, lock_timeout)
        self._datasets: FolderDatasets[BASEDATASOURCE] = FolderDatasets(
            self._store, data_object_type, verify=verify_on_load, progress=progress
        )
        self._data = self._datasets
        # Saved because they were added or derived, not because store_data_source_as_json asked.
        self._saved_unasked: set[str] = set()
        self.startup_errors = []

    # --- startup ----------------------------------------------------------------------------

    def startup(self) -> None:
        """Read what is in the folder.

        Each item is read on its own. One that fails is logged and skipped, leaves nothing behind
        in memory, and is added to :attr:`startup_errors`; the others are read all the same.

        Raises:
            StoreError: The folder itself cannot be listed.
        """
        with self._measuring("startup"), self._lock:
            self.startup_errors = []
            self._datasets.forget_folder()
            if not self._folder.is_dir():
                self._logger.warning(f"There is no folder {str(self._folder)!r} yet.")
                return
            startup = FolderStartup(self._store, self._datasets, self._logger, self._extract)
            self.startup_errors = startup.run()
            self.log(f"Opened {str(self._folder)!r}: {len(self._datasets)} datasets.")

    def _extract(self, directory: Path) -> BASEDATASOURCE:
        result = self._run_etl(
            self.prepare_files(file_items_with_path=raw_files(directory)), directory.name
        )
        if result.datasource is None:
            shown = "; ".join(map(str, result.messages[-_SHOWN_MESSAGES:])) or result.raised
            msg = f"The ETL of the directory {directory.name!r} failed: {shown}"
            raise ValidationError(msg, context=result) from result.raised
        return cast("BASEDATASOURCE", result.datasource)

    # --- loading on request ---------------------------------------------------------------------

    def load_data_from_file(
        self, file_name: str, root: str | os.PathLike[str] | None = None
    ) -> None:
        """Load a dataset from a JSON file: its metadata file, or one of the pandas package.

        Args:
            file_name: Name of the file.
            root: Folder in which it is, if not the manager's; the dataset is then kept in the
                manager's folder.

        Raises:
            FileNotFoundError: There is no such file.
            StoreError: It is damaged.
            SerializationError: The manager's class does not understand it.
        """
        path = (self._folder if root is None else Path(root)) / file_name
        place = path.parent
        with self._lock:
            if not path.is_file():
                msg = f"There is no file {str(path)!r}."
                raise FileNotFoundError(msg)
            store = FolderStore(place)
            found = store.read(path)
            if not self._is_own(place):
                others = FolderDatasets(
                    store, self._data_object_type, verify=True, progress=self._progress
                )
                data = others.parse(path) if found is None else others.load(found)
                self._keep(data.name if found is None else found.manifest.key, data)
            elif found is None:
                data = self._datasets.parse(path)
                check_name(data.name)
                self._datasets.add_old(path, data)
            else:
                self._datasets.add(store.checked(found))

    def load_data_from_dir(
        self, directory: str, root: str | os.PathLike[str] | None = None
    ) -> None:
        """Load a dataset from a directory of raw files through the ETL.

        Args:
            directory: Name of the directory, and of the dataset.
            root: Folder in which it is, if not the manager's; the dataset is then kept in the
                manager's folder.

        Raises:
            ValidationError: The ETL failed; its result is the error's ``context``.
            FileNotFoundError: There is no such directory.
        """
        path = (self._folder if root is None else Path(root)) / directory
        with self._lock:
            data = self._extract(path)
            if self._is_own(path.parent):
                self._datasets.add_raw(path.name, data, path)
            else:
                self._keep(path.name, data)

    def _is_own(self, place: Path) -> bool:
        """Tell whether a folder is the manager's, however its path is written."""
        return place.resolve() == self._folder.resolve()

    # --- datasets ---------------------------------------------------------------------------

    def get_data_keys(self) -> list[str]:
        """Return the names of the datasets, in order of creation."""
        with self._lock:
            self._datasets.refresh()
            return list(self._datasets)

    def summaries(self, newest: int | None = None) -> list[DatasetSummary]:
        """Return what the metadata files say about the datasets, in order of creation.

        Args:
            newest: Only so many, those that were created last; None for all.
        """
        with self._lock:
            self._datasets.refresh()
            return self._datasets.summaries(newest)

    def get_data(self, data_key: str) -> BASEDATASOURCE | None:
        """Return a dataset, or None if there is none of that name.

        Its tables are mapped into memory, not read; it is mapped again when another process
        replaced it. What was mapped before stays readable.

        Raises:
            StoreError: A file of the dataset is damaged.
            SerializationError: The manager's class does not understand it.
        """
        with self._lock:
            return self._datasets.current(data_key)

    def refresh(self) -> None:
        """Forget DataSources in memory that are in the folder; they are mapped again on access.

        What was changed in memory and not stored is lost.
        """
        with self._lock:
            self._datasets.forget_data()

    def verify(self, data_key: str | None = None) -> list[Damage]:
        """Read all files of a dataset, or of all datasets, and compare their check sums.

        Returns:
            The files that are not what was written; none of them is a good sign.

        Raises:
            DatasetNotFoundError: There is none of that name.
        """
        if data_key is not None and data_key not in self.get_data_keys():
            path = self._store.damaged_path(data_key)
            damage = None if path is None else self._store.damage(path)
            if damage is not None:
                return [damage]
        damages: list[Damage] = []
        for name in (names := self._names(data_key)):
            found = self._datasets.present(name)
            path = self._store.damaged_path(name) if found is None else None
            if found is not None:
                damages += self._store.verify(found)
            elif path is not None and (damage := self._store.damage(path)) is not None:
                damages.append(damage)
        if data_key is None:
            others = map(self._store.damage, self._store.paths() if self._folder.is_dir() else [])
            damages += (one for one in others if one is not None and one.dataset not in names)
        return damages

    def leftovers(self) -> list[Leftover]:
        """Return the directories that no metadata file speaks of."""
        return self._store.leftovers()

    def clear_leftovers(self) -> list[Leftover]:
        """Remove them, once no other process writes; :meth:`startup` does it, too."""
        if not self._store.private.is_dir():
            return []
        with self._store.writing("clearing leftovers"):
            found = [one for one in self._store.leftovers() if one.is_proven]
            if found:
                self._store.clear_leftovers()
        return found

    def derive_data(self, existing_key: str, derived_key: str) -> None:
        """Keep a copy of a dataset under another name, classified as derived data.

        The copy shares the files of the tables, unless the DataSource was changed in memory or
        its class has a say in what a derived one is.

        Raises:
            DatasetNotFoundError: There is no ``existing_key`` (also an ``AssertionError``).
            DatasetExistsError: There is a ``derived_key`` (also an ``AssertionError``).
        """
        check_name(derived_key)
        with self._lock:
            if not self._can_share(existing_key):
                super().derive_data(existing_key, derived_key)
                return
            with self._measuring("derive", derived_key) as phase:
                found = self._share(existing_key, derived_key)
                phase.rows = found.manifest.rows
                phase.bytes_out = len(found.stamp)  # the tables are shared
        self.log(f"Derived {derived_key!r} from {existing_key!r}.")

    def _can_share(self, data_key: str) -> bool:
        hooks = ("derive", "_post_derive", "_duplicate", "from_sql_tables")
        is_plain = is_made_of_tables(self._data_object_type) and all(
            getattr(self._data_object_type, hook) is getattr(DataSource, hook) for hook in hooks
        )
        item = self._datasets.item(data_key)
        return is_plain and item is not None and item.found is not None and item.is_unchanged()

    def _share(self, existing_key: str, derived_key: str) -> Found:
        with self._store.writing(f"deriving dataset {derived_key!r}"):
            source = self._datasets.look_up(existing_key)
            if source is None or source.manifest.kind != "tables":
                raise DatasetNotFoundError.from_available(existing_key, self._datasets)
            if derived_key in self._datasets or self._datasets.look_up(derived_key) is not None:
                raise DatasetExistsError.from_name(derived_key)
            item = self._datasets.item(existing_key)
            in_memory = item is not None and item.found == source and item.data is not None
            derived = item.data.derive(derived_key) if in_memory and item and item.data else None
            identity = Identity(
                str(uuid4()) if derived is None else derived.id,
                derived_key,
                DataClassification.DERIVED_DATA,
                source.manifest.identity.creation_datetime,
                _provenance(existing_key, source.manifest.identity, derived),
            )
            path = self._store.path_for(derived_key)
            ordinal = self._datasets.ordinal(derived_key, None)
            found = self._store.share(source.manifest, path, derived_key, identity, ordinal)
        self._datasets.keep(derived_key, derived, found)
        self._saved_unasked.add(derived_key)
        return found

    # --- storing on request ---------------------------------------------------------------------

    def store_data_source_as_json(
        self,
        dataset_name: str,
        allow_overwrite: bool = False,  # noqa: FBT001, FBT002  the contract's signature
    ) -> None:
        """Make sure that ``<dataset_name>.json`` has a dataset as it is in memory.

        Datasets that were added or derived are in the folder already. Call this for those that
        are not: made of raw files at startup, or changed in memory.

        Raises:
            DatasetNotFoundError: There is none of that name (also an ``AssertionError``).
            DatasetExistsError: The file exists, was not written by this manager for the first
                time, and ``allow_overwrite`` is False.
        """
        with self._lock:
            data = self._require(dataset_name)
            found = self._datasets.look_up(dataset_name)
            expected = self._folder / f"{plain_stem(dataset_name) or ''}{SUFFIX}"
            exists = found is not None or expected.exists()
            if exists and not allow_overwrite and dataset_name not in self._saved_unasked:
                raise DatasetExistsError.from_name(dataset_name)
            item = self._datasets.item(dataset_name)
            if found is None or item is None or not item.is_unchanged():
                place = expected if exists and found is None else None
                with self._measuring("persist", dataset_name):
                    self._save(dataset_name, data, place)
            self._saved_unasked.discard(dataset_name)

    def store_data(
        self,
        dataset_name: str,
        data: Mapping[str, Any],
        USE_OLD_VERSION: bool | None = None,  # noqa: FBT001, N803  the contract's signature
    ) -> None:
        """Write tables as raw CSV files to ``<folder>/<dataset_name>``.

        CSV does not know dtypes: at the next startup the directory goes through the ETL. To keep
        a dataset as it is, use :meth:`add_data_source`.

        Args:
            dataset_name: Name of the dataset and of the directory.
            data: The tables by name: whatever a DataSource takes.
            USE_OLD_VERSION: Ignored.

        Raises:
            DatasetExistsError: There is a dataset or a directory of that name.
            DatasetNameError: A name cannot be that of a file.
            UnstorableError: CSV cannot hold a table.
        """
        if USE_OLD_VERSION is not None:
            warnings.warn("USE_OLD_VERSION is ignored.", DeprecationWarning, stacklevel=2)
        check_name(dataset_name)
        check_raw_names(dataset_name, data)
        frames = to_frames(data)
        source = cast("Any", self._data_object_type)(
            ds_type=DataClassification.DERIVED_DATA, name=dataset_name
        )
        source.tables = frames
        directory = self._folder / dataset_name
        with self._lock:
            if dataset_name in self.get_data_keys() or directory.exists():
                raise DatasetExistsError.from_name(dataset_name)
            with (
                self._measuring("persist", dataset_name) as phase,
                self._store.writing(f"storing the files of {dataset_name!r}"),
            ):
                phase.handles(frames.values())
                write_raw(self._store, directory, frames)
            self._datasets.add_raw(dataset_name, source, directory)

    # --- what a store overrides -------------------------------------------------------------

    def _keep(self, data_key: str, data: BASEDATASOURCE) -> None:
        self._save(data_key, data)
        self._saved_unasked.add(data_key)

    def _save(self, data_key: str, data: BASEDATASOURCE, path: Path | None = None) -> None:
        phase = phase_under_way()
        content = take_apart(data_key, data)
        if content.kind != "text":
            phase.handles(content.frames.values())
        with self._store.writing(f"saving dataset {data_key!r}"):
            found = self._datasets.present(data_key)
            place = path or self._datasets.place(data_key, found)
            ordinal = self._datasets.ordinal(data_key, found)
            found = self._store.save(place, data_key, Identity.of(data), content, ordinal)
        phase.bytes_out = found.manifest.bytes + len(found.stamp)
        self._datasets.keep(data_key, data, found)

    def _has(self, data_key: str) -> bool:
        return super()._has(data_key) or self._store.damaged_path(data_key) is not None

    def _discard(self, data_key: str) -> None:
        item = self._datasets.item(data_key)
        found = self._datasets.present(data_key)
        places = (
            self._raw_directory(data_key),
            found.path if found else item and item.old_file,
            self._store.damaged_path(data_key),
        )
        paths = [path for path in dict.fromkeys(places) if path is not None]
        if paths:
            with self._store.writing(f"deleting dataset {data_key!r}"):
                self._store.remove(*paths)
        self._datasets.pop(data_key, None)
        self._saved_unasked.discard(data_key)

    def _place(self) -> str:
        return f"in {str(self._folder)!r}"

    def _raw_directory(self, data_key: str) -> Path | None:
        """Return the raw files that would bring a deleted dataset back at the next startup."""
        item = self._datasets.item(data_key)
        if item is not None and item.directory is not None:
            return item.directory if item.directory.is_dir() else None
        path = self._folder / data_key
        is_its_own = item is not None and plain_stem(data_key) is not None and path.is_dir()
        return path if is_its_own and self._is_master_data(data_key) else None

    def _is_master_data(self, data_key: str) -> bool:
        item = self._datasets.item(data_key)
        if item is None or item.data is not None:
            return super()._is_master_data(data_key)
        found = self._datasets.look_up(data_key)
        is_master = DataClassification.MASTER_DATA
        return found is not None and found.manifest.identity.ds_type is is_master


def _provenance(name: str, source: Identity, derived: BaseDataSource | None) -> Provenance | None:
    if derived is not None:
        return derived.provenance
    return (source.provenance or Provenance()).derived(name)
