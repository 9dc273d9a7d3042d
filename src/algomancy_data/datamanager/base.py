"""What every DataManager does, wherever it keeps its data."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Generic, cast

from algomancy_data.datamanager import incoming
from algomancy_data.datamanager.glance import GlancedManager
from algomancy_data.datamanager.inspection import DatasetSummary
from algomancy_data.datamanager.names import check_name
from algomancy_data.datamanager.runs import ingest, replay
from algomancy_data.datasource import BASEDATASOURCE, BaseDataSource, DataSource
from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import (
    DatasetExistsError,
    DatasetNotFoundError,
    ETLConstructionError,
    MasterDataProtectedError,
    StoreError,
)
from algomancy_data.etl.settings import INHERIT, MessageLimit, QuarantineSetting, RunSettings
from algomancy_data.forks import ProcessLock
from algomancy_data.logs import Logging
from algomancy_data.metrics import Metrics, PhaseRecorder, measuring
from algomancy_data.schema.tables import schema_classes

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Mapping, MutableMapping
    from contextlib import AbstractContextManager

    from algomancy_data.etl import ETLFactory, ETLPipeline, ETLResult
    from algomancy_data.file import File
    from algomancy_data.frames import Tabular
    from algomancy_data.logs import Logger
    from algomancy_data.messages import ValidationSeverity
    from algomancy_data.metrics import Phase, ProgressListener
    from algomancy_data.schema import ReadLimits, Schema
    from algomancy_data.validator import ValidationSequence


_NOTHING_SET: Final = RunSettings()


class DataManager(Logging, GlancedManager, Generic[BASEDATASOURCE]):
    """Ingests, derives, deletes and keeps DataSources.

    Methods may be called from several threads.

    Args:
        etl_factory: Class that puts the ETL pipelines together; never instantiated.
        schemas: What the files hold.
        save_type: How data is kept; each manager says what it accepts.
        data_object_type: Class of the DataSources.
        logger: The framework's logger, a standard library logger, or None for the standard
            library's logger ``algomancy_data``.
        halt_on: Severity from which a finding makes an ETL fail. None leaves the choice to the
            factory's validation sequence (CRITICAL by default).
        message_limit: Messages per check that an ETL reports one by one, None for all of them.
            INHERIT leaves the choice to the factory's validation sequence (100 by default).
        progress: Told when a phase of an ETL, and what else is done to the store, begins and ends.
        quarantine: Which rows an ETL puts aside: settings, True for the default ones, False for no
            quarantine. INHERIT leaves the choice to the factory (none by default).
        read_limits: How much each file of an ETL may become in memory, unless its schema or the
            call says it; None for the default limits.

    Attributes:
        logger: As it was given, which is also what the factory gets; may be set at any time.
        quarantine: As above; may be set at any time.

    Raises:
        ETLConstructionError: Two schemas are about the same file.
    """

    def __init__(
        self,
        etl_factory: type[ETLFactory],
        schemas: Iterable[type[Schema]],
        save_type: str,
        data_object_type: type[BASEDATASOURCE],
        logger: Logger | logging.Logger | None = None,
        *,
        halt_on: ValidationSeverity | None = None,
        message_limit: MessageLimit = INHERIT,
        progress: ProgressListener | None = None,
        quarantine: QuarantineSetting = INHERIT,
        read_limits: ReadLimits | None = None,
    ) -> None:
        self._etl_factory = etl_factory
        self._schemas = _by_file_name(schemas)
        self._save_type = save_type
        self._data_object_type = data_object_type
        self.logger = logger
        self._halt_on = halt_on
        self._message_limit = message_limit
        self._progress = progress
        self.quarantine = quarantine
        self._read_limits = read_limits
        self._data: MutableMapping[str, BASEDATASOURCE] = {}
        self._lock = ProcessLock()

    @property
    def data_object_type(self) -> type[BASEDATASOURCE]:
        """Class of the DataSources."""
        return self._data_object_type

    @abstractmethod
    def startup(self) -> None:
        """Make ready what the manager keeps its data in."""

    def log(self, message: str) -> None:
        """Pass a message on to the logger."""
        self._logger.log(message)

    # --- datasets ---------------------------------------------------------------------------

    def get_data_keys(self) -> list[str]:
        """Return the names of the datasets, in order of creation."""
        with self._lock:
            return list(self._data)

    def summaries(self, newest: int | None = None) -> list[DatasetSummary]:
        """Return what there is to say about the datasets without reading them, in order.

        Args:
            newest: Only so many, those that were created last; None for all.
        """
        with self._lock:
            names = list(self._data)
            chosen = names if newest is None else names[max(len(names) - newest, 0) :]
            return [DatasetSummary.of(name, self._data[name]) for name in chosen]

    def get_data(self, data_key: str) -> BASEDATASOURCE | None:
        """Return a dataset, or None if there is none of that name."""
        with self._lock:
            return self._data.get(data_key)

    def require_data(self, data_key: str) -> BASEDATASOURCE:
        """Return a dataset.

        Raises:
            DatasetNotFoundError: There is none of that name (also an ``AssertionError``).
        """
        return self._require(data_key)

    def refresh(self) -> None:
        """Forget DataSources that can be read again when they are asked for."""

    def set_data(self, data_key: str, data: BASEDATASOURCE) -> None:
        """Keep a dataset under a name, replacing what had it."""
        check_name(data_key)
        failures = engine_failures(StoreError, f"Keeping dataset {data_key!r}")
        with failures, self._measuring("persist", data_key) as phase, self._lock:
            _describe(phase, data)
            self._keep(data_key, data)

    def add_data_source(self, data_source: BASEDATASOURCE) -> None:
        """Keep a dataset under its own name, replacing what had it."""
        self.set_data(str(data_source.name), data_source)

    def derive_data(self, existing_key: str, derived_key: str) -> None:
        """Keep a copy of a dataset under another name, classified as derived data.

        Raises:
            DatasetNotFoundError: There is no ``existing_key`` (also an ``AssertionError``).
            DatasetExistsError: There is a ``derived_key`` (also an ``AssertionError``).
        """
        check_name(derived_key)
        with self._lock:
            source = self._require(existing_key)
            if self._has(derived_key):
                raise DatasetExistsError.from_name(derived_key)
            failures = engine_failures(StoreError, f"Deriving dataset {derived_key!r}")
            with failures, self._measuring("derive", derived_key) as phase:
                _describe(phase, source)
                self._keep(derived_key, source.derive(derived_key))
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
        """
        with self._measuring("delete", data_key), self._lock:
            if not self._has(data_key):
                raise DatasetNotFoundError.from_available(data_key, self.get_data_keys())
            if prevent_masterdata_removal and self._is_master_data(data_key):
                raise MasterDataProtectedError.from_name(data_key)
            self._discard(data_key)
        self.log(f"Deleted {data_key!r}.")

    # --- ETL --------------------------------------------------------------------------------

    @staticmethod
    def check_existence_of_files(file_name_to_path: list[tuple[str, str]]) -> None:
        """Make sure that each ``(name, path)`` leads to a file.

        Raises:
            ETLConstructionError: One does not (also a ``FileNotFoundError``).
        """
        incoming.check_existence(file_name_to_path)

    def prepare_files(
        self,
        file_items_with_content: list[tuple[str, str, str]] | None = None,
        file_items_with_path: list[tuple[str, str]] | None = None,
    ) -> dict[str, File]:
        """Return the files that :meth:`etl_data` takes.

        Args:
            file_items_with_content: ``(name, extension, data URI)`` per upload; used if given.
            file_items_with_path: ``(name, path)`` per file on disk.

        Raises:
            ETLConstructionError: Nothing was given, a path leads nowhere, or an extension is
                unknown.
        """
        if file_items_with_content:
            return incoming.files_from_uploads(file_items_with_content, self._schemas)
        if file_items_with_path:
            return incoming.files_from_paths(file_items_with_path, self._schemas)
        msg = "There are no files: give file_items_with_content or file_items_with_path."
        raise ETLConstructionError(msg)

    def etl_data(
        self,
        files: dict[str, File],
        dataset_name: str,
        *,
        halt_on: ValidationSeverity | None = None,
        message_limit: MessageLimit = INHERIT,
        quarantine: QuarantineSetting = INHERIT,
        read_limits: ReadLimits | None = None,
    ) -> ETLResult:
        """Run the ETL and keep its result under a name, replacing what had it.

        Nothing of the files is read after this returns.

        Args:
            files: The files by logical name.
            dataset_name: Name of the dataset.
            halt_on: Severity from which a finding makes this ETL fail, if not the manager's.
            message_limit: Messages per check that are reported one by one, None for all of
                them, if not as many as the manager says.
            quarantine: Which rows are put aside, if not those that the manager says.
            read_limits: How much each file may become in memory, if not what its schema or the
                manager says.

        Returns:
            The outcome; look at ``status`` and ``messages``. Only a success is kept.

        Raises:
            ETLConstructionError: The pipeline cannot be put together.
            QuarantineError: A table or column has a name that the quarantine needs.
            DatasetNameError: No dataset can have that name.
            StoreError: The store refuses the data, or fails; the old data is still there.
        """
        settings = RunSettings(halt_on, message_limit, quarantine, read_limits)
        result = self._run_etl(files, dataset_name, settings)
        return result if result.datasource is None else self._keep_result(dataset_name, result)

    def _keep_result(self, dataset_name: str, result: ETLResult) -> ETLResult:
        recorder = PhaseRecorder(self._progress, dataset_name)
        source = cast("BASEDATASOURCE", result.datasource)
        failures = engine_failures(StoreError, f"Keeping dataset {dataset_name!r}")
        with failures, recorder.phase("persist") as phase, self._lock:
            phase.rows = result.metrics[-1].rows
            _describe(phase, source)
            self._keep(dataset_name, source)
        return replace(result, metrics=Metrics([*result.metrics, *recorder.metrics]))

    def replay_data(
        self,
        dataset_name: str,
        mended: Mapping[str, Tabular | Any] | None = None,
        *,
        halt_on: ValidationSeverity | None = None,
        message_limit: MessageLimit = INHERIT,
        quarantine: QuarantineSetting = INHERIT,
    ) -> ETLResult:
        """Run the quarantined rows of a dataset through the ETL again, together with its good ones.

        Rows that pass now take their old places among the good ones; the others stay in
        quarantine, with their row numbers. A row whose values did not convert stays until it is
        mended; any other one is tried again. The dataset is replaced in one transaction.

        Args:
            dataset_name: Name of the dataset.
            mended: By table, the rows that were mended: the column ``_row`` says which they are,
                the others are values in place of those in quarantine.
            halt_on: See :meth:`etl_data`.
            message_limit: See :meth:`etl_data`.
            quarantine: The settings that the dataset was loaded with, if not those that the
                manager says; the default ones, if that is no quarantine.

        Returns:
            The outcome, as of :meth:`etl_data`.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            QuarantineError: It has no quarantine, its tables were changed by transformers, or the
                rows do not fit.
            StoreError: Somebody else replaced the dataset meanwhile, or the store fails.
        """
        source = self._require(dataset_name)
        settings = RunSettings(halt_on, message_limit, quarantine)
        pipeline = self._pipeline(dataset_name, {}, settings)
        result = replay(pipeline, source, mended or {}, self._schemas, self._logger)
        if result.datasource is None:
            return result
        with self._lock:
            if self._require(dataset_name).id != source.id:
                raise StoreError.from_replaced(dataset_name)
            return self._keep_result(dataset_name, result)

    def create_validation_sequence(self) -> ValidationSequence:
        """Return the checks that an ETL of this manager makes."""
        return self._etl_factory.create_validation_sequence(self._schemas, self._given_logger)

    def _run_etl(
        self, files: dict[str, File], dataset_name: str, settings: RunSettings = _NOTHING_SET
    ) -> ETLResult:
        check_name(dataset_name)
        incoming.check_files(files)
        files = {
            name: self._limited(name, file.within(settings.read_limits))
            for name, file in files.items()
        }
        return ingest(self._pipeline(dataset_name, files, settings), files, self._schemas)

    def _limited(self, name: str, file: File) -> File:
        """Return a file with the limits of its schema, or else of this manager."""
        schema = self._schemas.get(name)
        declared = None if schema is None else schema.read_limits()
        return file.within(declared).within(self._read_limits)

    def _pipeline(
        self, dataset_name: str, files: dict[str, File], settings: RunSettings
    ) -> ETLPipeline:
        """Return the factory's pipeline, set as the call or else this manager says."""
        self._lock.check()
        pipeline = self._etl_factory.build_pipeline(
            dataset_name, files, self._schemas, self._given_logger
        )
        mine = RunSettings(
            self._halt_on,
            self._message_limit,
            self.quarantine,
            progress=self._progress,
            data_object_type=self._data_object_type,
        )
        return pipeline.within(settings.within(mine))

    @property
    def _given_logger(self) -> Logger | None:
        """What the factory gets: nothing where nothing was given, as components may ask for it."""
        return None if self.logger is None else self._logger

    # --- what a store overrides -------------------------------------------------------------

    def _measuring(self, phase: str, dataset: str | None = None) -> AbstractContextManager[Phase]:
        """Measure a block, if somebody wants to know.

        What is done in it says how far it is: ``phase_under_way().advance(rows)``.
        """
        return measuring(phase, self._progress, dataset)

    def _has(self, data_key: str) -> bool:
        """Tell whether there is a dataset of that name."""
        return data_key in self._data

    def _keep(self, data_key: str, data: BASEDATASOURCE) -> None:
        """Keep a dataset; memory changes only after the data is safe."""
        self._data[data_key] = data

    def _discard(self, data_key: str) -> None:
        """Delete a dataset that exists."""
        del self._data[data_key]

    def _place(self) -> str:
        """Return where the data is kept, in words and without secrets."""
        return "in memory"

    def _is_master_data(self, data_key: str) -> bool:
        return self._require(data_key).is_master_data()

    def _require(self, data_key: str) -> BASEDATASOURCE:
        data = self.get_data(data_key)
        if data is None:
            raise DatasetNotFoundError.from_available(data_key, self.get_data_keys())
        return data


def _describe(phase: Phase, source: BaseDataSource) -> None:
    """Say what a phase that keeps a DataSource handles, as far as its class lets one see."""
    if isinstance(source, DataSource):
        phase.handles(source.tables.values())


def _by_file_name(schemas: Iterable[type[Schema]]) -> dict[str, type[Schema]]:
    by_name: dict[str, type[Schema]] = {}
    for schema in schema_classes(schemas):
        name = schema.file_name()
        if name in by_name:
            msg = (
                f"Two schemas declare _FILENAME = {name!r}: {by_name[name].__name__} and "
                f"{schema.__name__}."
            )
            raise ETLConstructionError(msg)
        by_name[name] = schema
    return by_name
