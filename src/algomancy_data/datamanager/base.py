"""The DataManager: ETL, and the datasets of a store."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from algomancy_data.datamanager import input_files
from algomancy_data.datamanager.additions import (
    KeysInStore,
    check_mode,
    check_references,
    check_repeated,
    new_files,
)
from algomancy_data.datamanager.attempts import LOAD_VERSION, done_by
from algomancy_data.datamanager.cache import DataSourceCache
from algomancy_data.datamanager.changes import is_made_of
from algomancy_data.datamanager.runs import ingest, replay
from algomancy_data.datamanager.stored_datasets import StoredDatasets
from algomancy_data.datasource import BASEDATASOURCE, DataSource
from algomancy_data.errors import (
    ETLConstructionError,
    StoreError,
)
from algomancy_data.etl.factory import check_factory, pipeline_for
from algomancy_data.etl.sampling import check_sampling
from algomancy_data.etl.settings import (
    INHERIT,
    MessageLimit,
    QuarantineSetting,
    RunSettings,
    check_settings,
)
from algomancy_data.executors.sharing import workers_of
from algomancy_data.memory import MemoryBudget
from algomancy_data.metrics import Metrics, PhaseRecorder
from algomancy_data.relations.declared import DeclaredKeys
from algomancy_data.schema.fingerprint import schema_fingerprint
from algomancy_data.schema.table_names import schemas_by_file
from algomancy_data.store import Addition, check_name
from algomancy_data.store.addition import Seen
from algomancy_data.store.memory import MemoryStore

if TYPE_CHECKING:
    import logging
    from collections.abc import Collection, Iterable, Mapping

    from algomancy_data.datamanager.additions import LoadMode, Repeated
    from algomancy_data.etl import ETLFactory, ETLPipeline, ETLResult
    from algomancy_data.file import File
    from algomancy_data.frames.tabular import Tabular
    from algomancy_data.logs import Logger
    from algomancy_data.messages import ValidationSeverity
    from algomancy_data.metrics import ProgressListener
    from algomancy_data.provenance import Sample
    from algomancy_data.schema import ReadLimits, Schema
    from algomancy_data.store import Attempt, Store
    from algomancy_data.store.addition import Mode
    from algomancy_data.validator import ValidationSequence


_NOTHING_SET: Final = RunSettings()


class DataManager(StoredDatasets[BASEDATASOURCE]):
    """Ingests, derives and deletes datasets, and keeps them in a store.

    Methods may be called from several threads.

    Args:
        etl_factory: Class that puts the ETL pipelines together; never instantiated.
        schemas: What the files hold.
        save_type: A word for how data is kept; only ``StatefulDataManager`` looks at it.
        data_object_type: Class of the DataSources.
        logger: The framework's logger, a standard library logger, or None for the standard
            library's logger ``algomancy_data``.
        store: Where the datasets are kept; in memory if it is not given.
        datasource_cache_size: Number of DataSources to keep in memory, the least recently used
            goes first. None keeps all.
        datasource_cache_bytes: Memory that they may take together. None sets no limit.
        halt_on: Severity from which a finding makes an ETL fail. None leaves the choice to the
            factory's validation sequence (CRITICAL by default).
        message_limit: Messages per check that an ETL reports one by one, None for all of them.
            INHERIT leaves the choice to the factory's validation sequence (100 by default).
        progress: Told when a phase of an ETL, and what else is done to the store, begins and ends.
        quarantine: Which rows an ETL puts aside: settings, True for the default ones, False for no
            quarantine. INHERIT leaves the choice to the factory (none by default).
        read_limits: How much each file of an ETL may become in memory, unless its schema or the
            call says it; None for the default limits.
        memory_limit: Anonymous memory that the process should take, in bytes or as a text such as
            ``"2GiB"``: what is read and written at once follows from it, and what surely does not
            fit is refused. None for no limit but the memory that is there.

    Attributes:
        quarantine: As above; may be set at any time.

    Raises:
        ArgumentError: A factory, class or setting is none that can be.
        ETLConstructionError: Two schemas are about the same file.
        ValueError: ``memory_limit`` is no size, or too small to work with.

    Example:
        >>> from algomancy_data import DataManager, DataSource, SimpleETLFactory
        >>> from algomancy_data.store import MemoryStore
        >>> manager = DataManager(SimpleETLFactory, [], "memory", DataSource, store=MemoryStore())
        >>> manager.startup()
        >>> manager.add_data_source(DataSource("master_data", name="a"))
        >>> manager
        <DataManager in memory>
    """

    def __init__(
        self,
        etl_factory: type[ETLFactory],
        schemas: Iterable[type[Schema]],
        save_type: str = "json",
        data_object_type: type[BASEDATASOURCE] = DataSource,
        logger: Logger | logging.Logger | None = None,
        *,
        store: Store | None = None,
        datasource_cache_size: int | None = None,
        datasource_cache_bytes: int | None = None,
        halt_on: ValidationSeverity | None = None,
        message_limit: MessageLimit = INHERIT,
        progress: ProgressListener | None = None,
        quarantine: QuarantineSetting = INHERIT,
        read_limits: ReadLimits | None = None,
        memory_limit: int | str | None = None,
    ) -> None:
        super().__init__(
            MemoryStore() if store is None else store,
            data_object_type,
            DataSourceCache(datasource_cache_size, datasource_cache_bytes),
            progress,
            MemoryBudget.of(memory_limit),
        )
        self.logger = logger
        check_factory(etl_factory)
        self._etl_factory = etl_factory
        self._schemas = schemas_by_file(schemas)
        self._save_type = save_type
        self._halt_on = halt_on
        self._message_limit = message_limit
        self.quarantine = quarantine
        self._read_limits = read_limits
        check_settings(halt_on, message_limit, quarantine)

    @staticmethod
    def check_existence_of_files(file_name_to_path: list[tuple[str, str]]) -> None:
        """Make sure that each ``(name, path)`` leads to a file.

        Raises:
            ETLConstructionError: One does not (also a ``FileNotFoundError``).
        """
        input_files.check_existence(file_name_to_path)

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
            return input_files.files_from_uploads(file_items_with_content, self._schemas)
        if file_items_with_path:
            return input_files.files_from_paths(file_items_with_path, self._schemas)
        msg = "There are no files: give file_items_with_content or file_items_with_path."
        raise ETLConstructionError(msg)

    def etl_data(
        self,
        files: dict[str, File],
        dataset_name: str,
        *,
        mode: LoadMode = "replace",
        repeated: Repeated = "refuse",
        halt_on: ValidationSeverity | None = None,
        message_limit: MessageLimit = INHERIT,
        quarantine: QuarantineSetting = INHERIT,
        read_limits: ReadLimits | None = None,
        attempt: Attempt | None = None,
        executor: Any = None,
        only: Collection[str] | None = None,
        sample: Sample | None = None,
        dry_run: bool = False,
    ) -> ETLResult:
        """Run the ETL and keep its result under a name, replacing a dataset of that name.

        Nothing of the files is read after this returns.

        With ``mode="append"`` the rows are added behind those of the dataset; a row whose primary
        key or unique value is stored already is a finding (CRITICAL, ``KEY_STORED``). With
        ``mode="upsert"`` it takes the place of the one with its primary key, which every table
        must declare. Rows may refer to stored ones. The dataset is written in one transaction, and
        its provenance has each load. Where there is no dataset yet, one is made.

        Args:
            files: The files by logical name.
            dataset_name: Name of the dataset.
            mode: What becomes of the dataset that has the name: ``"replace"``, ``"append"`` or
                ``"upsert"``.
            repeated: What becomes of a file that the dataset has already, as the hash of its
                content tells, when rows are appended: ``"refuse"`` or ``"skip"``.
            halt_on: Severity from which a finding makes this ETL fail, if not the manager's.
            message_limit: Messages per check that are reported one by one, None for all of
                them, if not as many as the manager says.
            quarantine: Which rows are put aside, if not those that the manager says.
            read_limits: How much each file may become in memory, if not what its schema or the
                manager says.
            attempt: The attempt at a job that this is, begun in the store's history; it is done
                together with the dataset, or not at all.
            executor: Who reads the parts of tables that lie in several files, if not this process
                alone: a number of processes of this machine, ``"auto"`` for as many as there are
                cores and memory for, a ``distributed.Client`` or the address of its scheduler, or
                any executor that has the interface of ``concurrent.futures``. The result is the
                same.
            only: Names of the files that are wanted, of those that the schemas declare: others are
                left out, and references to them are not checked, which an INFO message says.
            sample: Which rows of each table are wanted, such as ``Sample(1000)``: these, and those
                that they refer to, are checked and kept. The provenance says that it is one.
            dry_run: Do all but to keep what comes out.

        Returns:
            The outcome; look at ``status`` and ``messages``. Only a success is kept. If rows were
            added, its data is these, and ``load`` counts them.

        Raises:
            AdditionError: Rows cannot be added: a column or dtype is another one, a file was loaded
                before, or a key was stored meanwhile; the message says what to do.
            ArgumentError: A setting is none that can be.
            ETLConstructionError: The pipeline cannot be put together.
            QuarantineError: A table or column has a name that the quarantine needs.
            DatasetNameError: No dataset can have that name.
            JobDoneError: The job of the attempt was done meanwhile.
            ExecutorError: The executor is none, has no workers, or loses them by one part.
            StoreError: The store refuses the data, or fails; the old data is still there.
        """
        check_settings(halt_on, message_limit, quarantine)
        if repeated != "refuse":
            check_repeated(repeated)
        if only is not None:
            files = input_files.wanted_files(files, only, self._schemas)
        if sample is not None:
            check_sampling(mode, quarantine)
        helpers = nullcontext() if executor is None else workers_of(executor, self._store.memory)
        with helpers as workers:
            settings = RunSettings(
                halt_on,
                message_limit,
                quarantine,
                read_limits,
                only=only,
                sample=sample,
                workers=workers,
            )
            if mode != "replace":
                check_mode(mode)
                return self._add_files(
                    files, dataset_name, mode, repeated, settings, attempt, dry_run=dry_run
                )
            if dry_run:
                return self._run_etl(files, dataset_name, settings)
            return self._replace_by_files(files, dataset_name, settings, attempt)

    def _replace_by_files(
        self,
        files: dict[str, File],
        dataset_name: str,
        settings: RunSettings,
        attempt: Attempt | None,
    ) -> ETLResult:
        """Run the ETL on files, and replace the dataset by the result."""
        pipeline = self._pipeline(dataset_name, files, settings)
        # The workers of a batch need the locks of their database in turn.
        may_overlap = attempt is None and pipeline.keeps_tables_as_extracted
        store = self._store
        overlapping = store.overlapping(dataset_name, settings.workers)
        with overlapping if may_overlap else nullcontext() as sink:
            result = ingest(pipeline.feeding(sink), files, self._schemas)
            if result.datasource is None:
                return result
            return self._keep_result(dataset_name, result, settings, attempt)

    def _add_files(
        self,
        files: dict[str, File],
        dataset_name: str,
        mode: Mode,
        repeated: Repeated,
        settings: RunSettings,
        attempt: Attempt | None,
        *,
        dry_run: bool,
    ) -> ETLResult:
        """Run the ETL on files that the dataset does not have yet, and add the result."""
        check_name(dataset_name)
        input_files.check_files(files)
        info, given = self._info(dataset_name), files
        if info is not None and mode == "append":
            files = new_files(given, dataset_name, info.provenance, repeated)
        skipped = tuple(name for name in given if name not in files)
        for name in skipped:
            self.log(f"File {name!r} is skipped: {dataset_name!r} has it already.")
        pipeline = self._pipeline(dataset_name, files, settings)
        keys = DeclaredKeys.of(self._schemas)
        stored = None
        if info is not None:
            stored = KeysInStore(self._store, info, self._data_object_type, self._lock)
            is_upsert = mode == "upsert"
            pipeline = pipeline.adding_to(
                stored, {} if is_upsert else keys.by_table, keys.primary if is_upsert else {}
            )
        result = replace(ingest(pipeline, files, self._schemas), skipped=skipped)
        source = result.datasource
        if source is None or dry_run or (skipped and not files):
            return result
        quarantine = pipeline.quarantine
        aside: list[str] = []
        if quarantine is not None:
            bad = result.quarantine.items()
            aside = [quarantine.table_beside(name, frame, stored) for name, frame in bad]
        addition = Addition(
            mode,
            keys,
            frozenset(aside),
            source.provenance.files if source.provenance else (),
            Seen() if stored is None else stored.seen,
        )
        return self._keep_result(dataset_name, result, settings, attempt, addition)

    def is_unchanged(
        self,
        files: dict[str, File],
        dataset_name: str,
        *,
        only: Collection[str] | None = None,
        sample: Sample | None = None,
    ) -> bool:
        """Tell whether :meth:`etl_data` would make the same dataset from some files again.

        That is so if its provenance names these very files, by the hashes of what they hold, and
        these schemas, by their fingerprints, and if no rows were added or deleted since. The
        factory and the settings are not compared. A file at an address counts as changed.

        Args:
            files: The files by logical name.
            dataset_name: Name of the dataset.
            only: See :meth:`etl_data`.
            sample: See :meth:`etl_data`.
        """
        input_files.check_files(files)
        info = self._info(dataset_name)
        if only is not None:
            files = input_files.wanted_files(files, only, self._schemas)
        return info is not None and is_made_of(info, files, self._schemas, sample)

    def _keep_result(
        self,
        dataset_name: str,
        result: ETLResult,
        settings: RunSettings,
        attempt: Attempt | None = None,
        addition: Addition | None = None,
    ) -> ETLResult:
        """Keep the result of a run as the dataset, or add it; return the result with this phase."""
        recorder = PhaseRecorder(self._progress, dataset_name, result.sizes)
        finishing = nullcontext()
        if attempt is not None:  # the dataset that the block writes is that of the attempt
            finishing = self._store.history.finishing(done_by(attempt, result))
        source = cast("BASEDATASOURCE", result.datasource)
        load = None
        with recorder.phase("persist") as phase, self._lock, finishing:
            phase.workers = settings.workers
            if addition is None:
                saved = self._save(dataset_name, source, phase)
            else:
                saved = self._add(dataset_name, source, addition, phase)
                load = saved.load
        metrics = Metrics([*result.metrics, *recorder.metrics])
        return replace(result, metrics=metrics, load=load, notes=saved.notes)

    def fingerprint(self, names: Iterable[str]) -> str:
        """Return a SHA-256 over everything but the files that decides what becomes of them.

        That is what the schemas declare, the settings of this manager, the classes of its factory
        and DataSources by name, and the version of the format in which datasets are kept.

        Args:
            names: Logical names of the files.
        """
        schemas = self._schemas
        settings = (self._halt_on, self._message_limit, self.quarantine, self._read_limits)
        classes = (self._etl_factory.__qualname__, self._data_object_type.__qualname__)
        declared = [(name, schema_fingerprint(schemas[name])) for name in names if name in schemas]
        text = repr((LOAD_VERSION, settings, classes, declared))
        return hashlib.sha256(text.encode()).hexdigest()

    def replay_data(
        self,
        dataset_name: str,
        mended: Mapping[str, Tabular | Any] | None = None,
        *,
        halt_on: ValidationSeverity | None = None,
        message_limit: MessageLimit = INHERIT,
        quarantine: QuarantineSetting = INHERIT,
    ) -> ETLResult:
        """Run the quarantined rows of a dataset through the ETL again, with its good rows.

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
        check_settings(halt_on, message_limit, quarantine)
        source = self.require_data(dataset_name)
        settings = RunSettings(halt_on, message_limit, quarantine)
        pipeline = self._pipeline(dataset_name, {}, settings)
        result = replay(pipeline, source, mended or {}, self._schemas, self._logger)
        if result.datasource is None:
            return result
        with self._lock:
            if self.require_data(dataset_name).id != source.id:
                raise StoreError.from_replaced(dataset_name)
            return self._keep_result(dataset_name, result, settings)

    def _addition(self, name: str, data: BASEDATASOURCE, mode: Mode) -> Addition:
        keys = DeclaredKeys.of(self._schemas)
        info = self._info(name)
        if info is not None and isinstance(data, DataSource):
            stored = KeysInStore(self._store, info, self._data_object_type, self._lock)
            check_references(data.tables, self._schemas, stored)
            return Addition(mode, keys, seen=stored.seen)
        return Addition(mode, keys)

    def create_validation_sequence(self) -> ValidationSequence:
        """Return the checks of this manager's ETL."""
        return self._etl_factory.create_validation_sequence(self._schemas, self._given_logger)

    def _run_etl(
        self, files: dict[str, File], dataset_name: str, settings: RunSettings = _NOTHING_SET
    ) -> ETLResult:
        pipeline = self._pipeline(dataset_name, files, settings)
        return ingest(pipeline, files, self._schemas)

    def _pipeline(
        self, dataset_name: str, files: dict[str, File], settings: RunSettings
    ) -> ETLPipeline:
        """Return the factory's pipeline with the settings of the call, else of this manager."""
        check_name(dataset_name)
        input_files.check_files(files)
        self._lock.check()
        mine = RunSettings(
            self._halt_on,
            self._message_limit,
            self.quarantine,
            progress=self._progress,
            data_object_type=self._data_object_type,
            memory=None if self._store.memory.limit is None else self._store.memory,
        )
        return pipeline_for(
            self._etl_factory,
            dataset_name,
            files,
            self._schemas,
            self._given_logger,
            settings.within(mine),
            self._read_limits,
        )

    @property
    def _given_logger(self) -> Logger | None:
        """The logger for the factory; None if none was given, as components may check for that."""
        return None if self._store.logger is None else self._logger
