"""Factories: choose the extractors, checks, transformers and loader of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from inspect import signature
from types import FunctionType
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from algomancy_data.components import is_own, note_component, returned_wrongly, source_of
from algomancy_data.display.words import nearest
from algomancy_data.errors import (
    ArgumentError,
    ComponentError,
    ETLConstructionError,
    UnknownFileError,
)
from algomancy_data.etl.limits import limited_files
from algomancy_data.etl.pipeline import ETLPipeline
from algomancy_data.etl.settings import RunSettings
from algomancy_data.extractor import ExtractionSequence
from algomancy_data.file import FILE_TYPES
from algomancy_data.loader import DataSourceLoader, Loader
from algomancy_data.logs import as_logger
from algomancy_data.registry import get_extractor_class, registered_keys
from algomancy_data.relations import resolve_relations_from_schemas
from algomancy_data.schema.table_names import schema_table_map
from algomancy_data.transformer import NoopTransformer, TransformationSequence
from algomancy_data.validator import (
    ConstraintValidator,
    ForeignKeyValidator,
    PrimaryKeyValidator,
    RequiredColumnsValidator,
    RuleValidator,
    SchemaValidator,
    ValidationSequence,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from algomancy_data.etl.result import ETLResult
    from algomancy_data.extractor import Extractor
    from algomancy_data.file import File
    from algomancy_data.logs import Logger
    from algomancy_data.quarantine import Quarantine
    from algomancy_data.schema import ReadLimits, Schema
    from algomancy_data.validator import Validator


_Made = TypeVar("_Made")

_NOTHING_SET: Final = RunSettings()
# What a stage must have, whatever class it is of, and what it is called.
_EXTRACTS: Final = ("run_extraction", "an ExtractionSequence")
_VALIDATES: Final = ("run_validation", "a ValidationSequence")
_TRANSFORMS: Final = ("run_transformation", "a TransformationSequence")
_LOADS: Final = ("load", "a Loader")
_NEAR: Final = 0.9  # names of methods are long: helpers of a user's own are less like them


def run(
    files: Mapping[str, File],
    schemas: Mapping[str, type[Schema]],
    settings: RunSettings = _NOTHING_SET,
    *,
    name: str,
    factory: type[ETLFactory] | None = None,
    logger: Logger | logging.Logger | None = None,
) -> ETLResult:
    r"""Make a DataSource from files; nothing is kept, and no argument is changed.

    Args:
        files: The files by logical name.
        schemas: What the files hold, by the same names.
        settings: What is to be otherwise than the factory has it.
        name: Name of the dataset.
        factory: Says which stages there are; :class:`SimpleETLFactory` if None.
        logger: Told what happens.

    Raises:
        ETLConstructionError: A file has no schema, or its format no extractor.

    Example:
        >>> from algomancy_data import Column, CSVFile, DataType, Schema
        >>> class Delays(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "delays", "csv", "single"
        ...     DELAY = Column("delay", DataType.FLOAT)
        >>> file = CSVFile("delays", content="data:text/csv;base64,ZGVsYXkKMSw1CmxhdGUK")
        >>> file.content
        'delay\n1,5\nlate\n'
        >>> result = run(
        ...     {"delays": file}, {"delays": Delays}, RunSettings(quarantine=True), name="d"
        ... )
        >>> result.datasource.get_table("delays").rows()
        [(1.5,)]
        >>> result.quarantine["delays"].select("delay", "_row").rows()
        [('late', 1)]
    """
    factory = factory or SimpleETLFactory
    return pipeline_for(factory, name, files, schemas, logger, settings).run()


def pipeline_for(
    factory: type[ETLFactory],
    name: str,
    files: Mapping[str, File],
    schemas: Mapping[str, type[Schema]],
    logger: Logger | logging.Logger | None,
    settings: RunSettings,
    read_limits: ReadLimits | None = None,
) -> ETLPipeline:
    """Return a factory's pipeline with the settings of a run.

    Args:
        factory: Says which stages there are.
        name: Name of the dataset.
        files: The files by logical name.
        schemas: What they hold, by the same names.
        logger: Told what happens.
        settings: What is to be otherwise than the factory has it.
        read_limits: Limits of files that count after those of the settings and of the schemas.

    Raises:
        ETLConstructionError: A file has no schema, or its format no extractor.
        ComponentError: The factory is a user's own, and made something else.
    """
    only = settings.only
    wanted = {one: schemas[one] for one in schemas if only is None or one in only}
    limited = limited_files(files, schemas, settings.read_limits, read_limits, settings.memory)
    given = (name, limited, wanted, logger)
    pipeline = _made(factory.build_pipeline, given, "run", "an ETLPipeline").within(settings)
    if len(wanted) < len(schemas):
        others = [schema for one, schema in schemas.items() if one not in wanted]
        pipeline = pipeline.leaving_out(schema_table_map(others))
    if settings.sample is not None:
        relations = resolve_relations_from_schemas(list(wanted.values()))
        pipeline = pipeline.sampling(settings.sample, relations)
    return pipeline


def _made(
    method: Callable[..., _Made], given: tuple[object, ...], needed: str, expected: str
) -> _Made:
    """Return what a method of a factory makes.

    Args:
        method: The method.
        given: Its arguments.
        needed: A method that the result must have.
        expected: What it must be.

    Raises:
        ComponentError: It is something else, or the method is no classmethod.
    """
    if isinstance(method, FunctionType) and {"self", "cls"} & {*signature(method).parameters}:
        msg = (
            f"{method.__qualname__}{source_of(method)} is called on the class: write "
            f"@classmethod above it."
        )
        raise ComponentError(msg)
    try:
        made = method(*given)
    except BaseException as error:
        note_component(error, "factory", method)
        raise
    if not hasattr(made, needed):
        raise returned_wrongly("factory", method, made, f"it must return {expected}")
    return made


def check_factory(given: object) -> None:
    """Refuse what is not a class that builds pipelines.

    Raises:
        ArgumentError: It is something else.
        ETLConstructionError: One of its attributes has the name of one of ours, misspelt.
    """
    if not isinstance(given, type) or not hasattr(given, "build_pipeline"):
        possible = "a class that puts pipelines together, such as SimpleETLFactory"
        raise ArgumentError.from_given("etl_factory", given, possible)
    # What is written in a user's class, but asked for by nobody, would silently be ignored.
    asked = {name for one in given.__mro__ if not is_own(one) for name in vars(one)}
    known = [name for name in asked if not name.startswith("_")]
    for one in filter(is_own, given.__mro__):
        for name in vars(one).keys() - asked:
            near = "" if name.startswith("_") else nearest(name, known, _NEAR)
            if near and near not in vars(one):
                msg = f"{one.__name__}.{name} is nothing that a factory is asked for. "
                raise ETLConstructionError(f"{msg}Is {near!r} meant? Else give it another name.")


def get_schema(file_name: str, schemas: Mapping[str, type[Schema]]) -> type[Schema]:
    """Return the schema of a file.

    Raises:
        UnknownFileError: There is none (an ``ETLConstructionError``, also a ``ValueError``).
    """
    if file_name not in schemas:
        raise UnknownFileError.from_declared(file_name, schemas)
    return schemas[file_name]


class ETLFactory(ABC):
    """Builds pipelines; a manager uses the class and never makes an instance.

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
        """Build a pipeline.

        Raises:
            ETLConstructionError: A file has no schema, or its format no extractor.
        """
        logger = None if logger is None else as_logger(logger)
        return ETLPipeline(
            dataset_name,
            _made(cls.create_extraction_sequence, (files, schemas, logger), *_EXTRACTS),
            _made(cls.create_validation_sequence, (schemas, logger), *_VALIDATES),
            _made(cls.create_transformation_sequence, (schemas, logger), *_TRANSFORMS),
            _made(cls.create_loader, (logger,), *_LOADS),
            logger,
            quarantine=cls.quarantine,
        )


class SimpleETLFactory(ETLFactory):
    """Builds pipelines from schemas alone.

    Extractors come from the registry; required columns, column types, primary keys and declared
    rules are checked; nothing is transformed. Subclass it to change a stage, or only to switch on a
    check.

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
        """Return the registered extractor for each file.

        Raises:
            ETLConstructionError: A file has no schema, or its format no extractor.
        """
        extractors = [
            _create_extractor(file, get_schema(name, schemas or {}), logger)
            for name, file in (files or {}).items()
        ]
        return ExtractionSequence(extractors, logger)

    @classmethod
    def create_validation_sequence(
        cls, schemas: dict[str, type[Schema]], logger: Logger | None = None
    ) -> ValidationSequence:
        """Return the checks that the schemas declare."""
        tables = schema_table_map(schemas)
        validators: list[Validator] = [
            RequiredColumnsValidator(tables),
            SchemaValidator(tables),
            PrimaryKeyValidator(tables),
        ]
        if cls.check_constraints:
            validators.append(ConstraintValidator(tables))
        if any(schema.rules() for schema in tables.values()):
            validators.append(RuleValidator(tables))
        if cls.check_foreign_keys:
            validators.extend(ForeignKeyValidator.from_schemas(schemas))
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
    """Return the extractor for the format that the schema declares."""
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
    are_ours = given != declared and str(given) in FILE_TYPES and str(declared) in FILE_TYPES
    if are_ours and get_extractor_class(given, kind) is not extractor:
        msg = (
            f"File {file.name!r} is a {type(file).__name__} ({given}), but schema "
            f"{schema.__name__!r} declares {declared}. Give a {FILE_TYPES[declared].__name__}, or "
            f"change _EXTENSION."
        )
        raise ETLConstructionError(msg)
    try:
        return extractor(file, schema, logger=logger)
    except BaseException as error:
        note_component(error, "extractor", extractor)
        raise
