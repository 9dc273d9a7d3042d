"""The data layer of the Algomancy framework: files to validated frames to tables, and back."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from algomancy_data.batch import BatchResult, Job, run_batch
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
        ArrowSingleExtractor,
        CSVSingleExtractor,
        DataFrameExtractor,
        Extractor,
        JSONMultiExtractor,
        JSONSingleExtractor,
        MultiExtractor,
        ParquetSingleExtractor,
        SingleExtractor,
        XLSXMultiExtractor,
        XLSXSingleExtractor,
    )
    from algomancy_data.file import (
        ArrowFile,
        CSVFile,
        File,
        JSONFile,
        NDJSONFile,
        ParquetFile,
        XLSXFile,
    )
    from algomancy_data.loader import DataSourceLoader, Loader
    from algomancy_data.metrics import (
        Metrics,
        PhaseMetrics,
        ProgressListener,
        RowProgressListener,
        recording,
    )
    from algomancy_data.quarantine import Quarantine
    from algomancy_data.registry import get_extractor_class, register_extractor, registered_keys
    from algomancy_data.relations import Relation, merge_relations, resolve_relations_from_schemas
    from algomancy_data.schema import (
        Column,
        ColumnGroup,
        CSVDialect,
        DataType,
        FileExtension,
        ReadLimits,
        Schema,
        SchemaType,
        rule,
    )
    from algomancy_data.transformer import (
        CascadeDropTransformer,
        CascadeSnapshot,
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
        RuleValidator,
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
    "ArrowFile",
    "ArrowSingleExtractor",
    "BaseDataSource",
    "BatchResult",
    "CSVDialect",
    "CSVFile",
    "CSVSingleExtractor",
    "CascadeDropTransformer",
    "CascadeSnapshot",
    "CleanTransformer",
    "Column",
    "ColumnGroup",
    "ConstraintValidator",
    "DataClassification",
    "DataFrameExtractor",
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
    "JSONFile",
    "JSONMultiExtractor",
    "JSONSingleExtractor",
    "Job",
    "JoinTransformer",
    "Loader",
    "Metrics",
    "MissingValueValidator",
    "MultiExtractor",
    "NDJSONFile",
    "NoopTransformer",
    "OptionalColumnGuard",
    "ParquetFile",
    "ParquetSingleExtractor",
    "PhaseMetrics",
    "PrimaryKeyValidator",
    "ProgressListener",
    "Quarantine",
    "ReadLimits",
    "Relation",
    "RequiredColumnsValidator",
    "RowProgressListener",
    "RuleValidator",
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
    "XLSXFile",
    "XLSXMultiExtractor",
    "XLSXSingleExtractor",
    "get_extractor_class",
    "merge_relations",
    "recording",
    "register_extractor",
    "registered_keys",
    "resolve_relations_from_schemas",
    "rule",
    "run_batch",
]

# In the order in which they need each other: the first ones take least time to import.
_MODULES: Final = (
    *("errors", "schema", "metrics", "file", "datasource", "relations", "registry", "extractor"),
    *("validator", "transformer", "loader", "quarantine", "etl", "store", "datamanager", "batch"),
)


def __getattr__(name: str) -> object:
    """Import what is asked for, when it is first asked for: Polars alone takes its time."""
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in __all__:
        for home in map(__getattr__, _MODULES):
            if name in getattr(home, "__all__", ()):
                found = globals()[name] = getattr(home, name)
                return found
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    """Return the public names, imported or not."""
    return sorted({*globals(), *__all__, *_MODULES})
