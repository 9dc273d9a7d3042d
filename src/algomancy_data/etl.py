"""The ETL: which stages run, in which order, and what comes out.

files → extract → validate → transform → load → DataSource. This module alone knows the order;
the stages know nothing of each other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from algomancy_data.datasource import BaseDataSource, DataClassification, DataSource
from algomancy_data.errors import (
    ETLConstructionError,
    FileContentError,
    UnknownFileError,
    ValidationError,
)
from algomancy_data.etl_glance import glance_at
from algomancy_data.extractor import ExtractionSequence
from algomancy_data.file import FILE_TYPES
from algomancy_data.findings import count_by_severity, counts_text
from algomancy_data.glance import Glanced
from algomancy_data.loader import DataSourceLoader, Loader
from algomancy_data.logs import Logging, as_logger
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.metrics import Metrics, PhaseRecorder, ProgressListener
from algomancy_data.pandas_frames import PandasTables, wants_pandas
from algomancy_data.quarantine import Quarantine
from algomancy_data.quarantine.loading import add_quarantine, untouched_columns
from algomancy_data.quarantine.sorting import SortedTables, Sorting, conversion_messages
from algomancy_data.registry import get_extractor_class, registered_keys
from algomancy_data.transformer import NoopTransformer, TransformationSequence
from algomancy_data.validator import (
    ConstraintValidator,
    ForeignKeyValidator,
    PrimaryKeyValidator,
    RequiredColumnsValidator,
    SchemaValidator,
    ValidationResult,
    ValidationSequence,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Mapping

    import polars as pl

    from algomancy_data.extractor import Extractor
    from algomancy_data.file import File
    from algomancy_data.glance import Glance
    from algomancy_data.logs import Logger
    from algomancy_data.schema import Schema
    from algomancy_data.validator import Validator
    from algomancy_data.validator.failures import RowFailures

__all__ = [
    "ETLConstructionError",
    "ETLFactory",
    "ETLPipeline",
    "ETLResult",
    "SimpleETLFactory",
    "get_schema",
]


@dataclass(repr=False)
class ETLResult(Glanced):
    """The outcome of a run.

    Args:
        status: ``"success"`` or ``"failed"``.
        datasource: The data, on success.
        validation_result: What was found in the data.
        raised: The exception that ended the extraction, if one did.
        metrics: What each phase that ended took, with their sums; any phases make one.
        quarantine: The bad rows by table, if a quarantine was asked for: as they were extracted,
            with their numbers and reasons. On success they are tables of the datasource, too.
        extracted: See :class:`~algomancy_data.provenance.Provenance`.
    """

    status: Literal["success", "failed"]
    datasource: BaseDataSource | None = None
    validation_result: ValidationResult | None = None
    raised: Exception | None = None
    metrics: Metrics = field(default_factory=Metrics)
    quarantine: Mapping[str, pl.DataFrame] = field(
        default_factory=dict[str, "pl.DataFrame"], repr=False, compare=False
    )
    extracted: Mapping[str, tuple[str, ...] | None] = field(
        default_factory=dict[str, "tuple[str, ...] | None"], repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Take the phases as a plain tuple as well."""
        self.metrics = Metrics(self.metrics)

    @property
    def is_success(self) -> bool:
        """Whether the run gave a DataSource."""
        return self.status == "success"

    @property
    def is_failure(self) -> bool:
        """Whether the run gave no DataSource."""
        return not self.is_success

    @property
    def messages(self) -> list[ValidationMessage]:
        """What was found in the data; empty when nothing was validated."""
        return [] if self.validation_result is None else list(self.validation_result.messages)

    def _glance(self) -> Glance:
        return glance_at(self)

    def __repr__(self) -> str:
        """Show the status, the data and the number of findings."""
        what = "no data" if self.datasource is None else repr(self.datasource)
        return f"<ETLResult {self.status}: {what}; {counts_text(count_by_severity(self.messages))}>"


class ETLPipeline(Logging):
    """One run from files to a DataSource.

    Args:
        destination_name: Name of the dataset.
        extraction_sequence: Gives the frames.
        validation_sequence: Checks the frames.
        transformation_sequence: Changes the frames.
        loader: Makes the DataSource.
        logger: Told what happens.
        quarantine: Which rows are put aside; True stands for the default settings, False for no
            quarantine.

    Attributes:
        logger: As it was given; may be set before a run.
        quarantine: As above; may be set before a run.
        classification: What the DataSource is.
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
        self.quarantine = Quarantine.of(quarantine)
        self.classification = DataClassification.MASTER_DATA
        self.logger = logger

    def run(self) -> ETLResult:
        """Run all stages.

        A file that is missing, that cannot be read or whose content is wrong, and data that does
        not pass the validation, give a failed result. Errors in user-supplied components propagate
        unchanged, those of the system (``OSError``) included; only a ``FileNotFoundError`` and a
        ``ValidationError`` of an extractor count as missing and as wrong content.
        """
        recorder = PhaseRecorder(self.progress, self.destination_name)
        try:
            with recorder.phase("extract") as phase:
                data = self.extraction_sequence.run_extraction()
                phase.rows = _rows(data)
                phase.bytes_in = self.extraction_sequence.stored_bytes()
                phase.gives(data.values())
                sorting = self._sorting(data)
        except (FileNotFoundError, FileContentError, ValidationError) as error:
            return self._extraction_failed(error, recorder)

        with recorder.phase("validate") as phase:
            phase.rows = _rows(data)
            phase.takes(data.values())
            checked = self._check(data, sorting)
            phase.gives(checked.good.values())
        messages, still_open = checked.messages, checked.open
        if self._halts(still_open):
            return self._refused(checked, recorder)

        with recorder.phase("transform") as phase:
            phase.takes(checked.good.values())
            transformed = self.transformation_sequence.run_transformation(checked.good)
            phase.rows = _rows(transformed)
            phase.gives(transformed.values())
            reported = self.transformation_sequence.collect_messages()
            messages += reported
            still_open += reported
        if self._halts(still_open):
            return self._refused(checked, recorder)

        with recorder.phase("load") as phase:
            phase.rows = _rows(transformed)
            phase.takes(transformed.values())
            wants = wants_pandas(self.loader, "load")
            given: dict[str, Any] = PandasTables(transformed).tables if wants else transformed
            source = self.loader.load(
                name=self.destination_name,
                data=given,
                validation_messages=messages,
                ds_type=self.classification,
            )
            if self.quarantine is not None:
                add_quarantine(source, checked.quarantine, self.quarantine, self._logger)
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
        )

    def _untouched_columns(
        self, checked: SortedTables, transformed: Mapping[str, pl.DataFrame]
    ) -> dict[str, tuple[str, ...] | None]:
        if not checked.quarantine:
            return {}
        same = self.transformation_sequence.changes_nothing
        return untouched_columns(checked.good, checked.good if same else transformed)

    def _sorting(self, data: dict[str, pl.DataFrame]) -> Sorting | None:
        if self.quarantine is None:
            return None
        return Sorting(self.quarantine, self.extraction_sequence, data)

    def _check(self, data: dict[str, pl.DataFrame], sorting: Sorting | None) -> SortedTables:
        if sorting is not None:
            return sorting.sort(self.validation_sequence.run_validation(sorting.frames))
        found = self.validation_sequence.run_validation(data)
        messages = [
            *found.messages,
            *conversion_messages(self.extraction_sequence.conversion_issues),
        ]
        return SortedTables(data, {}, messages, found.row_failures, list(messages))

    def _extraction_failed(self, error: Exception, recorder: PhaseRecorder) -> ETLResult:
        self._logger.error(f"Extraction for {self.destination_name!r} failed: {error}")
        message = ValidationMessage(
            ValidationSeverity.CRITICAL, f"Extraction failed: {error}", code="EXTRACTION_FAILED"
        )
        result = self._result([message], is_valid=False)
        return ETLResult("failed", None, result, error, recorder.metrics)

    def _refused(self, checked: SortedTables, recorder: PhaseRecorder) -> ETLResult:
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
        messages: list[ValidationMessage],
        failures: Iterable[RowFailures] = (),
        *,
        is_valid: bool,
    ) -> ValidationResult:
        halt_on = self.validation_sequence.halt_on
        return ValidationResult(is_valid, messages, halt_on, row_failures=list(failures))


def get_schema(file_name: str, schemas: Mapping[str, type[Schema]]) -> type[Schema]:
    """Return the schema of a file.

    Raises:
        UnknownFileError: There is none (an ``ETLConstructionError``, also a ``ValueError``).
    """
    if file_name not in schemas:
        raise UnknownFileError.from_declared(file_name, schemas)
    return schemas[file_name]


class ETLFactory(ABC):
    """Puts pipelines together; a manager works with the class and never makes an instance.

    Attributes:
        quarantine: Which rows its pipelines put aside; True stands for the default settings,
            False for no quarantine.
    """

    quarantine: ClassVar[Quarantine | bool] = False

    @classmethod
    @abstractmethod
    def create_extraction_sequence(
        cls,
        files: dict[str, File] | None = None,
        schemas: dict[str, type[Schema]] | None = None,
        logger: Logger | None = None,
    ) -> ExtractionSequence:
        """Return the extractors for the files."""

    @classmethod
    @abstractmethod
    def create_validation_sequence(
        cls, schemas: dict[str, type[Schema]], logger: Logger | None = None
    ) -> ValidationSequence:
        """Return the checks for the schemas' tables."""

    @classmethod
    @abstractmethod
    def create_transformation_sequence(
        cls, schemas: dict[str, type[Schema]] | None = None, logger: Logger | None = None
    ) -> TransformationSequence:
        """Return the transformations."""

    @classmethod
    @abstractmethod
    def create_loader(cls, logger: Logger | None = None) -> Loader:
        """Return the loader."""

    @classmethod
    def build_pipeline(
        cls,
        dataset_name: str,
        files: dict[str, File],
        schemas: dict[str, type[Schema]],
        logger: Logger | logging.Logger | None = None,
    ) -> ETLPipeline:
        """Put a pipeline together.

        Raises:
            ETLConstructionError: A file has no schema, or its format no extractor.
        """
        logger = None if logger is None else as_logger(logger)
        return ETLPipeline(
            dataset_name,
            cls.create_extraction_sequence(files, schemas, logger),
            cls.create_validation_sequence(schemas, logger),
            cls.create_transformation_sequence(schemas, logger),
            cls.create_loader(logger),
            logger,
            quarantine=cls.quarantine,
        )


class SimpleETLFactory(ETLFactory):
    """Pipelines from the schemas alone.

    Extractors come from the registry; required columns, column types and primary keys are
    checked; nothing is transformed. Subclass it to change a stage, or only to switch on a check.

    Attributes:
        check_constraints: Also check ``nullable`` and ``unique`` of every column.
        check_foreign_keys: Also check every declared foreign key.

    Example:
        >>> class CheckedETLFactory(SimpleETLFactory):
        ...     check_constraints = True
        ...     check_foreign_keys = True
    """

    check_constraints: ClassVar[bool] = False
    check_foreign_keys: ClassVar[bool] = False

    @classmethod
    def create_extraction_sequence(
        cls,
        files: dict[str, File] | None = None,
        schemas: dict[str, type[Schema]] | None = None,
        logger: Logger | None = None,
    ) -> ExtractionSequence:
        """Return one registered extractor per file.

        Raises:
            ETLConstructionError: A file has no schema, or its format no extractor.
        """
        sequence = ExtractionSequence(logger=logger)
        for name, file in (files or {}).items():
            schema = get_schema(name, schemas or {})
            sequence.add_extractor(_create_extractor(file, schema, logger))
        return sequence

    @classmethod
    def create_validation_sequence(
        cls, schemas: dict[str, type[Schema]], logger: Logger | None = None
    ) -> ValidationSequence:
        """Return the checks that the schemas declare."""
        declared = list(schemas.values())
        validators: list[Validator] = [
            RequiredColumnsValidator(declared),
            SchemaValidator(declared),
            PrimaryKeyValidator(declared),
        ]
        if cls.check_constraints:
            validators.append(ConstraintValidator(declared))
        if cls.check_foreign_keys:
            validators.extend(ForeignKeyValidator.from_schemas(declared))
        return ValidationSequence(validators, logger)

    @classmethod
    def create_transformation_sequence(
        cls,
        schemas: dict[str, type[Schema]] | None = None,  # noqa: ARG003  the factory protocol
        logger: Logger | None = None,
    ) -> TransformationSequence:
        """Return a sequence that changes nothing."""
        return TransformationSequence([NoopTransformer(logger)], logger)

    @classmethod
    def create_loader(cls, logger: Logger | None = None) -> Loader:
        """Return a loader for the manager's DataSource class."""
        return DataSourceLoader(logger)


def _create_extractor(file: File, schema: type[Schema], logger: Logger | None) -> Extractor:
    """Return the extractor of the format that the schema declares."""
    declared, kind = schema.extension(), schema.schema_type()
    extractor = get_extractor_class(declared, kind)
    if extractor is None:
        known = ", ".join(f"{extension}/{of_kind}" for extension, of_kind in registered_keys())
        msg = (
            f"No extractor registered for {declared}/{kind} (file {file.name!r}). Registered: "
            f"{known}. Use register_extractor() for your own."
        )
        raise ETLConstructionError(msg)
    # A format of a user's own comes in whatever file, one that says nothing of its format included;
    # one of ours is what its class says.
    given = getattr(file, "extension", declared)
    is_ours = str(given) in FILE_TYPES and str(declared) in FILE_TYPES
    if is_ours and get_extractor_class(given, kind) is not extractor:
        msg = (
            f"File {file.name!r} is a {type(file).__name__} ({given}), but schema "
            f"{schema.__name__!r} declares {declared}. Give a {FILE_TYPES[declared].__name__}, or "
            f"change _EXTENSION."
        )
        raise ETLConstructionError(msg)
    return extractor(file, schema, logger=logger)


def _rows(data: Mapping[str, pl.DataFrame]) -> int:
    return sum(frame.height for frame in data.values())
