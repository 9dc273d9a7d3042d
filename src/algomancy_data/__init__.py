"""The data layer of the Algomancy framework: files to validated frames to tables, and back."""

from algomancy_data.datamanager import DataManager, StatefulDataManager, StatelessDataManager
from algomancy_data.datasource import (
    BASEDATASOURCE,
    BaseDataSource,
    DataClassification,
    DataSource,
)
from algomancy_data.etl import (
    ETLConstructionError,
    ETLFactory,
    ETLPipeline,
    ETLResult,
    SimpleETLFactory,
)
from algomancy_data.extractor import (
    CSVSingleExtractor,
    Extractor,
    MultiExtractor,
    SingleExtractor,
)
from algomancy_data.file import CSVFile, File
from algomancy_data.loader import DataSourceLoader, Loader
from algomancy_data.metrics import PhaseMetrics, ProgressListener
from algomancy_data.registry import get_extractor_class, register_extractor, registered_keys
from algomancy_data.relations import Relation, merge_relations, resolve_relations_from_schemas
from algomancy_data.schema import (
    Column,
    ColumnGroup,
    CSVDialect,
    DataType,
    FileExtension,
    Schema,
    SchemaType,
)
from algomancy_data.transformer import (
    CleanTransformer,
    JoinTransformer,
    NoopTransformer,
    OptionalColumnGuard,
    Transformer,
)
from algomancy_data.validator import (
    ConstraintValidator,
    DefaultValidator,
    ExtractionSuccessVerification,
    ForeignKeyValidator,
    MissingValueValidator,
    PrimaryKeyValidator,
    RequiredColumnsValidator,
    SchemaValidator,
    UniqueValueValidator,
    ValidationError,
    ValidationMessage,
    ValidationResult,
    ValidationSequence,
    ValidationSeverity,
    Validator,
)

__all__ = [
    "BASEDATASOURCE",
    "BaseDataSource",
    "CSVDialect",
    "CSVFile",
    "CSVSingleExtractor",
    "CleanTransformer",
    "Column",
    "ColumnGroup",
    "ConstraintValidator",
    "DataClassification",
    "DataManager",
    "DataSource",
    "DataSourceLoader",
    "DataType",
    "DefaultValidator",
    "ETLConstructionError",
    "ETLFactory",
    "ETLPipeline",
    "ETLResult",
    "ExtractionSuccessVerification",
    "Extractor",
    "File",
    "FileExtension",
    "ForeignKeyValidator",
    "JoinTransformer",
    "Loader",
    "MissingValueValidator",
    "MultiExtractor",
    "NoopTransformer",
    "OptionalColumnGuard",
    "PhaseMetrics",
    "PrimaryKeyValidator",
    "ProgressListener",
    "Relation",
    "RequiredColumnsValidator",
    "Schema",
    "SchemaType",
    "SchemaValidator",
    "SimpleETLFactory",
    "SingleExtractor",
    "StatefulDataManager",
    "StatelessDataManager",
    "Transformer",
    "UniqueValueValidator",
    "ValidationError",
    "ValidationMessage",
    "ValidationResult",
    "ValidationSequence",
    "ValidationSeverity",
    "Validator",
    "get_extractor_class",
    "merge_relations",
    "register_extractor",
    "registered_keys",
    "resolve_relations_from_schemas",
]
