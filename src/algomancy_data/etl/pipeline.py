"""The pipeline: the stages in order, and their result.

files → extract → validate → transform → load → DataSource. This module alone knows the order;
the stages know nothing of each other.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from algomancy_data.components import note_component, returned_wrongly
from algomancy_data.datasource import BaseDataSource, DataClassification, DataSource, is_plain
from algomancy_data.errors import FileContentError, ValidationError
from algomancy_data.etl.result import ETLResult
from algomancy_data.etl.sampling import sampled
from algomancy_data.etl.settings import INHERIT
from algomancy_data.frames.pandas_frames import PandasTables, wants_pandas
from algomancy_data.loader import DataSourceLoader
from algomancy_data.logs import Logging
from algomancy_data.memory import IN_MEMORY_BYTES
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.metrics import PhaseRecorder, ProgressListener
from algomancy_data.quarantine import Quarantine
from algomancy_data.quarantine.replay import add_quarantine, untouched_columns
from algomancy_data.quarantine.sorting import Sorting
from algomancy_data.transformer import TransformationSequence
from algomancy_data.validator import ValidationResult
from algomancy_data.validator.result import Checked

if TYPE_CHECKING:
    import logging
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import polars as pl

    from algomancy_data.etl.settings import RunSettings
    from algomancy_data.executors.workers import Workers
    from algomancy_data.extractor import ExtractionSequence
    from algomancy_data.extractor.extracted import Extracted
    from algomancy_data.loader import Loader
    from algomancy_data.logs import Logger
    from algomancy_data.metrics import Phase
    from algomancy_data.metrics.phases import RowSink
    from algomancy_data.provenance import Sample
    from algomancy_data.relations import Relation
    from algomancy_data.relations.declared import Key
    from algomancy_data.validator import ValidationSequence
    from algomancy_data.validator.failures import RowFailures
    from algomancy_data.validator.stored import StoredRows

_Component = TypeVar("_Component")


class ETLPipeline(Logging):
    """One run from files to a DataSource.

    Args:
        destination_name: Name of the dataset.
        extraction_sequence: Gives the frames.
        validation_sequence: Checks the frames.
        transformation_sequence: Changes the frames.
        loader: Makes the DataSource.
        logger: Told what happens.
        quarantine: Which rows are put aside; True for the default settings, False for none.

    Attributes:
        logger: As it was given; may be set before a run.
        quarantine: As above; may be set before a run.
        classification: Classification of the DataSource.
        progress: Told when a phase begins and ends.
        sample: Which rows of each table to go on with; None for all.
    """

    def __init__(
        self,
        destination_name: str,
        extraction_sequence: ExtractionSequence,
        validation_sequence: ValidationSequence,
        transformation_sequence: TransformationSequence,
        loader: Loader,
        logger: Logger | logging.Logger | None = None,
        *,
        quarantine: Quarantine | bool = False,
    ) -> None:
        self.destination_name = destination_name
        self.extraction_sequence = extraction_sequence
        self.validation_sequence = validation_sequence
        self.transformation_sequence = transformation_sequence
        self.loader = loader
        self.progress: ProgressListener | None = None
        self.quarantine = _quarantine(quarantine)
        self.classification = DataClassification.MASTER_DATA
        self.sample: Sample | None = None
        self._relations: Sequence[Relation] = ()
        self._in_memory_bytes = IN_MEMORY_BYTES
        self._workers: Workers | None = None
        self._sink: RowSink | None = None
        self._stored: StoredRows | None = None
        self.logger = logger

    def within(self, settings: RunSettings) -> Self:
        """Return a pipeline with these settings, and its own where nothing is set.

        This one and its stages stay as they are. Limits of files are set on their extractors
        instead.

        Example:
            >>> from algomancy_data import SimpleETLFactory
            >>> from algomancy_data.etl import RunSettings
            >>> pipeline = SimpleETLFactory.build_pipeline("d", {}, {})
            >>> strict = pipeline.within(RunSettings(halt_on=ValidationSeverity.ERROR))
            >>> str(strict.validation_sequence.halt_on), str(pipeline.validation_sequence.halt_on)
            ('ERROR', 'CRITICAL')
        """
        changes: dict[str, Any] = {}
        limit = ... if settings.message_limit is INHERIT else settings.message_limit
        if settings.halt_on is not None or limit is not ...:
            judging = self.validation_sequence.judging(settings.halt_on, limit)
            changes["validation_sequence"] = judging
        if settings.quarantine is not INHERIT:
            changes["quarantine"] = _quarantine(settings.quarantine)
        if settings.progress is not None:
            changes["progress"] = settings.progress
        if settings.workers is not None:
            changes["_workers"] = settings.workers
        if settings.classification is not None:
            changes["classification"] = settings.classification
        if settings.memory is not None:
            most = changes["_in_memory_bytes"] = settings.memory.in_memory_bytes
            transforming = _changed(self.transformation_sequence, {"in_memory_bytes": most})
            changes["transformation_sequence"] = transforming
            validating = changes.get("validation_sequence", self.validation_sequence)
            changes["validation_sequence"] = _changed(validating, {"in_memory_bytes": most})
        made = settings.data_object_type
        if made is not None and made is not DataSource and _makes_any(self.loader, made):
            changes["loader"] = _changed(self.loader, {"data_object_type": made})
        return _changed(self, changes)

    def feeding(self, sink: RowSink | None) -> Self:
        """Return a pipeline that passes rows of large tables to a sink as they are extracted."""
        return _changed(self, {"_sink": sink})

    def extracting(self, extraction_sequence: ExtractionSequence) -> Self:
        """Return a pipeline with another source of data; this one stays as it is."""
        return _changed(self, {"extraction_sequence": extraction_sequence})

    def adding_to(
        self,
        stored: StoredRows,
        keys: Mapping[str, Sequence[Key]],
        replacing: Mapping[str, Key],
    ) -> Self:
        """Return a pipeline for rows that are added to a dataset; this one stays as it is.

        Args:
            stored: The rows of the dataset.
            keys: The unique keys of each table.
            replacing: The key of each table by which new rows replace stored ones.
        """
        changes = {
            "validation_sequence": self.validation_sequence.beside(stored, keys, replacing),
            "transformation_sequence": _changed(self.transformation_sequence, {"stored": stored}),
            "_stored": stored,
        }
        return _changed(self, changes)

    def leaving_out(self, tables: Collection[str]) -> Self:
        """Return a pipeline for data without some tables; this one stays as it is.

        Args:
            tables: The tables that are left out on purpose.
        """
        sequence = self.validation_sequence.leaving_out(tables)
        return _changed(self, {"validation_sequence": sequence})

    def sampling(self, sample: Sample, relations: Sequence[Relation]) -> Self:
        """Return a pipeline that goes on with some rows of each table, without a quarantine.

        Args:
            sample: Which rows.
            relations: Which tables refer to which; the rows referred to are in the sample, too.
        """
        changes = {"sample": sample, "_relations": relations, "quarantine": None}
        return _changed(self, changes)

    @property
    def keeps_tables_as_extracted(self) -> bool:
        """Whether the DataSource will hold the tables as they are extracted.

        Only stages of this package may see them before: a user's own might look at the store.
        """
        loader, made = self.loader, None
        if type(loader) is DataSourceLoader:
            made = loader.data_object_type or DataSource
        return (
            made is not None
            and is_plain(made)
            and self.quarantine is None
            and self.sample is None
            and type(self.transformation_sequence) is TransformationSequence
            and self.transformation_sequence.changes_nothing
            and self.validation_sequence.is_of_this_package
        )

    def run(self) -> ETLResult:
        """Run all stages.

        A missing, unreadable or malformed file, and data that fails validation, give a failed
        result. Errors in user-supplied components propagate unchanged, including ``OSError``, but
        for an extractor's ``FileNotFoundError`` and ``ValidationError``, which count as a missing
        and as a malformed file.
        """
        recorder = PhaseRecorder(self.progress, self.destination_name)
        try:
            with recorder.phase("extract") as phase:
                extracted, data = self._extract(phase)
                sorting = None
                if self.quarantine is not None:
                    most = self._in_memory_bytes
                    sorting = Sorting(self.quarantine, extracted, most, self._stored)
        except (FileNotFoundError, FileContentError, ValidationError) as error:
            return self._extraction_failed(error, recorder)

        with recorder.phase("validate") as phase:
            phase.handles(data.values())
            if self.sample is not None:
                checked = self._check_sample(extracted, data, self.sample)
            elif sorting is None:
                checked = self._check(extracted, data)
            else:
                checked = sorting.sort(self.validation_sequence.run_validation(sorting.frames))
            if extracted.notes:
                checked = checked.noting(extracted.notes)
            phase.gives(checked.tables.values())
        if self._halts(checked.still_open):
            return self._refused(checked, recorder)

        with recorder.phase("transform") as phase:
            phase.takes(checked.tables.values())
            transformed = self.transformation_sequence.run_transformation(checked.tables)
            phase.rows = _rows(transformed)
            phase.gives(transformed.values())
            reported = self.transformation_sequence.collect_messages()
            messages = [*checked.messages, *reported]
        if self._halts([*checked.still_open, *reported]):
            return self._refused(replace(checked, messages=messages), recorder)

        with recorder.phase("load") as phase:
            phase.handles(transformed.values())
            source = self._loaded(transformed, messages)
            if self.quarantine is not None:
                aside = checked.quarantine
                add_quarantine(source, aside, self.quarantine, self._logger, self._stored)
            if isinstance(source, DataSource):
                phase.gives(source.tables.values())
        self._logger.success(f"ETL of dataset {self.destination_name!r} succeeded.")
        return ETLResult(
            "success",
            source,
            self._result(messages, checked.failures, is_valid=True),
            None,
            recorder.metrics,
            checked.quarantine,
            self._untouched_columns(checked, transformed),
            recorder.sizes,
        )

    def _loaded(
        self, data: dict[str, pl.DataFrame], messages: list[ValidationMessage]
    ) -> BaseDataSource:
        wants = wants_pandas(self.loader, "load")
        given: dict[str, Any] = PandasTables(data).tables if wants else data
        try:
            source = self.loader.load(
                name=self.destination_name,
                data=given,
                validation_messages=messages,
                ds_type=self.classification,
            )
        except BaseException as error:
            note_component(error, "loader", self.loader.load, given)
            raise
        if not isinstance(source, BaseDataSource):  # pyright: ignore[reportUnnecessaryIsInstance]  a user's own may return what it likes
            expected = "it must return a DataSource"
            raise returned_wrongly("loader", self.loader.load, source, expected)
        return source

    def _untouched_columns(
        self, checked: Checked, transformed: Mapping[str, pl.DataFrame]
    ) -> dict[str, tuple[str, ...] | None]:
        if not checked.quarantine:
            return {}
        same = self.transformation_sequence.changes_nothing
        return untouched_columns(checked.tables, checked.tables if same else transformed)

    def _check(self, extracted: Extracted, data: dict[str, pl.DataFrame]) -> Checked:
        found = self.validation_sequence.run_validation(data)
        messages = [*found.messages, *(issue.to_message() for issue in extracted.issues)]
        return Checked(data, messages, found.row_failures, messages)

    def _extract(self, phase: Phase) -> tuple[Extracted, dict[str, pl.DataFrame]]:
        phase.workers, phase.sink = self._workers, self._sink
        extracted = self.extraction_sequence.extraction(phase)
        frames = extracted.frames
        phase.rows = _rows(frames)
        phase.bytes_in = self.extraction_sequence.stored_bytes()
        phase.gives(frames.values())
        return extracted, frames

    def _check_sample(
        self, extracted: Extracted, data: dict[str, pl.DataFrame], sample: Sample
    ) -> Checked:
        """Check the rows of a sample; messages have row numbers of the whole tables."""
        tables = sampled(sample, data, self._relations)
        checked = self._check(extracted, tables.frames)
        found = [*tables.notes, *tables.messages(checked.messages)]
        return Checked(checked.tables, found, tables.failures(checked.failures), found)

    def _extraction_failed(self, error: Exception, recorder: PhaseRecorder) -> ETLResult:
        self._logger.error(f"Extraction for {self.destination_name!r} failed: {error}")
        message = ValidationMessage(
            ValidationSeverity.CRITICAL, f"Extraction failed: {error}", code="EXTRACTION_FAILED"
        )
        result = self._result([message], is_valid=False)
        return ETLResult("failed", None, result, error, recorder.metrics)

    def _refused(self, checked: Checked, recorder: PhaseRecorder) -> ETLResult:
        self._logger.error(
            f"ETL of dataset {self.destination_name!r} stopped: there are messages of severity "
            f"{self.validation_sequence.halt_on} or worse."
        )
        result = self._result(checked.messages, checked.failures, is_valid=False)
        return ETLResult("failed", None, result, None, recorder.metrics, checked.quarantine)

    def _halts(self, messages: Iterable[ValidationMessage]) -> bool:
        threshold = self.validation_sequence.halt_on.rank
        return any(message.severity.rank >= threshold for message in messages)

    def _result(
        self,
        messages: Iterable[ValidationMessage],
        failures: Iterable[RowFailures] = (),
        *,
        is_valid: bool,
    ) -> ValidationResult:
        halt_on = self.validation_sequence.halt_on
        return ValidationResult(is_valid, list(messages), halt_on, row_failures=list(failures))


def _rows(data: Mapping[str, pl.DataFrame]) -> int:
    return sum(frame.height for frame in data.values())


def _quarantine(given: Quarantine | bool) -> Quarantine | None:  # noqa: FBT001  what callers may say
    return Quarantine.of(given) if given else None


def _makes_any(loader: Loader, data_object_type: type[BaseDataSource]) -> bool:
    """Tell whether a loader leaves the class open, and can make this one."""
    leaves_it = isinstance(loader, DataSourceLoader) and loader.data_object_type is None
    return leaves_it and issubclass(data_object_type, DataSource)


def _changed(component: _Component, attributes: Mapping[str, Any]) -> _Component:
    """Return a copy with other attributes; the component itself does not change."""
    made = copy.copy(component)
    for name, value in attributes.items():
        setattr(made, name, value)
    return made
