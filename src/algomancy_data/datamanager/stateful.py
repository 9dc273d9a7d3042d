"""The manager that keeps its data in a folder."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Unpack, cast

from algomancy_data.datamanager.base import DataManager
from algomancy_data.datasource import BASEDATASOURCE, DataClassification, DataSource
from algomancy_data.errors import DatasetExistsError, ValidationError
from algomancy_data.folder.raw import check_raw_names, raw_files
from algomancy_data.folder.raw_store import RawFolderStore
from algomancy_data.frames.tabular import to_frames
from algomancy_data.store import check_name

if TYPE_CHECKING:
    import logging
    import os
    from collections.abc import Iterable, Mapping

    from algomancy_data.etl import ETLFactory
    from algomancy_data.etl.settings import ManagerSettings
    from algomancy_data.logs import Logger
    from algomancy_data.metrics import Phase
    from algomancy_data.schema import Schema
    from algomancy_data.store import Added, Addition, Saved

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
        lock_timeout: Seconds to wait for another process that is writing to the folder.
        verify_on_load: Compare the check sums of a dataset when it is first asked for in this
            process, which reads its tables once. Without, damaged values are not noticed.
        **settings: ``halt_on``, ``message_limit``, ``progress``, ``quarantine``, ``read_limits``
            and ``memory_limit``, as for :class:`DataManager`.

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

    def __init__(
        self,
        etl_factory: type[ETLFactory],
        schemas: Iterable[type[Schema]],
        data_folder: str | os.PathLike[str],
        save_type: str = "json",
        data_object_type: type[BASEDATASOURCE] = DataSource,
        logger: Logger | logging.Logger | None = None,
        *,
        lock_timeout: float = 60.0,
        verify_on_load: bool = True,
        **settings: Unpack[ManagerSettings],
    ) -> None:
        warnings.warn(_DEPRECATED, DeprecationWarning, stacklevel=2)
        if save_type not in _SAVE_TYPES:
            msg = f"save_type must be 'json', not {save_type!r}."
            raise ValueError(msg)
        self._folder = Path(data_folder)
        self._folder_store = RawFolderStore(
            self._folder,
            data_object_type,
            self._extract,
            lock_timeout=lock_timeout,
            verify_on_load=verify_on_load,
        )
        super().__init__(
            etl_factory,
            schemas,
            save_type,
            data_object_type,
            logger,
            store=self._folder_store,
            **settings,
        )
        # Saved because they were added or derived, not because store_data_source_as_json asked.
        self._saved_unasked: set[str] = set()

    @property
    def startup_errors(self) -> list[tuple[str, Exception]]:
        """The paths that :meth:`startup` could not read, and why."""
        return self._folder_store.startup_errors

    @startup_errors.setter
    def startup_errors(self, errors: list[tuple[str, Exception]]) -> None:
        self._folder_store.startup_errors = errors

    def startup(self) -> None:
        """Read what is in the folder.

        Each item is read on its own. One that fails is logged and skipped, leaves nothing behind
        in memory, and is added to :attr:`startup_errors`; the others are read all the same.

        Raises:
            StoreError: The folder itself cannot be listed.
        """
        self.refresh()
        super().startup()

    def _extract(self, directory: Path) -> BASEDATASOURCE:
        """Return what the ETL makes of a directory of raw files."""
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
        with self._lock:
            if not path.is_file():
                msg = f"There is no file {str(path)!r}."
                raise FileNotFoundError(msg)
            if self._is_own(path.parent):
                with self._measuring("read") as phase:
                    self._folder_store.add_file(path, phase=phase)
                return
            with self._measuring("read") as phase:
                outside = RawFolderStore(path.parent, self._data_object_type)
                name, data = outside.read_file(path, phase=phase)
            self._keep_copy(name, cast("BASEDATASOURCE", data))

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
                self._folder_store.add_raw(path.name, data)
            else:
                self._keep_copy(path.name, data)

    def _is_own(self, place: Path) -> bool:
        """Tell whether a folder is the manager's, however its path is written."""
        return place.resolve() == self._folder.resolve()

    def _keep_copy(self, name: str, data: BASEDATASOURCE) -> None:
        with self._measuring("persist", name) as phase:
            self._save(name, data, phase)

    # --- storing on request ---------------------------------------------------------------------

    def store_data_source_as_json(
        self,
        dataset_name: str,
        allow_overwrite: bool = False,  # noqa: FBT001, FBT002  the contract's signature
    ) -> None:
        """Write a dataset to ``<dataset_name>.json`` as it is in memory.

        Datasets that were added or derived are in the folder already. Call this for those that
        are not: made of raw files at startup, or changed in memory.

        Raises:
            DatasetNotFoundError: There is none of that name (also an ``AssertionError``).
            DatasetExistsError: The file exists, was not written by this manager for the first
                time, and ``allow_overwrite`` is False.
        """
        with self._lock:
            data = self.require_data(dataset_name)
            unasked = dataset_name in self._saved_unasked
            if self._folder_store.has_file(dataset_name) and not allow_overwrite and not unasked:
                raise DatasetExistsError.from_name(dataset_name)
            if not self._folder_store.is_saved(dataset_name) or self._cache.is_changed(
                dataset_name
            ):
                with self._measuring("persist", dataset_name) as phase:
                    saved = self._folder_store.replace_file(dataset_name, data, phase=phase)
                    self._cache.keep(dataset_name, data, saved.version, phase.sizes)
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
        with self._lock:
            if dataset_name in self.get_data_keys() or (self._folder / dataset_name).exists():
                raise DatasetExistsError.from_name(dataset_name)
            with self._measuring("persist", dataset_name) as phase:
                self._folder_store.write_raw(dataset_name, source, frames, phase=phase)

    # --- what was not asked to be stored as JSON -----------------------------------------------

    def _save(self, data_key: str, data: BASEDATASOURCE, phase: Phase) -> Saved:
        saved = super()._save(data_key, data, phase)
        self._saved_unasked.add(data_key)
        return saved

    def _save_all(self, sources: Mapping[str, BASEDATASOURCE], phase: Phase) -> None:
        super()._save_all(sources, phase)
        self._saved_unasked.update(sources)

    def _add(self, data_key: str, data: BASEDATASOURCE, addition: Addition, phase: Phase) -> Added:
        added = super()._add(data_key, data, addition, phase)
        self._saved_unasked.add(data_key)
        return added

    def _copy(self, existing_key: str, derived_key: str, phase: Phase) -> None:
        super()._copy(existing_key, derived_key, phase)
        self._saved_unasked.add(derived_key)

    def delete_data(
        self,
        data_key: str,
        prevent_masterdata_removal: bool = False,  # noqa: FBT001, FBT002  the contract's signature
    ) -> None:
        """Delete a dataset, with the raw files that would bring it back.

        Args:
            data_key: Its name.
            prevent_masterdata_removal: Refuse to delete master data.

        Raises:
            DatasetNotFoundError: There is none of that name (also an ``AssertionError``).
            MasterDataProtectedError: It is master data, and that is protected.
            StoreError: The folder fails; the dataset is still there.
        """
        super().delete_data(data_key, prevent_masterdata_removal)
        self._saved_unasked.discard(data_key)
