"""What the ETL will make of a file: its tables by the extractor that the ETL will use."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, cast

from algomancy_data.messages import ValidationSeverity
from algomancy_data.registry import get_extractor_class
from algomancy_data.schema import Column, DataType, Schema

if TYPE_CHECKING:
    import polars as pl

    from algomancy_data.extractor import ConversionIssue, Extractor
    from algomancy_data.file import File
    from algomancy_data.inference.inferred import InferredFile

# What an extractor logs is in the notes; whoever asks for a schema has not asked for the data.
SILENT: Final = logging.Logger("algomancy_data.inference", logging.CRITICAL + 1)  # noqa: LOG001
# A schema needs a column, and no file has one of this name.
PLACEHOLDER: Final = Column("\0", DataType.STRING, optional=True)


def extract(
    file: File, schema: type[Schema]
) -> tuple[dict[str, pl.DataFrame], list[ConversionIssue]]:
    """Return the tables of a file by logical name, and what did not convert.

    Raises:
        FileContentError: The file is not what its format says.
        FileNotFoundError: The file is gone.
    """
    extractor_class = cast("Any", get_extractor_class(file.extension, schema.schema_type()))
    extractor: Extractor = extractor_class(file, schema, logger=SILENT)
    return extractor.extract(), extractor.conversion_issues


def natural_frame(file: File) -> pl.DataFrame:
    """Return the one table of a file in the types that its format has.

    Raises:
        FileContentError: The file is not what its format says.
        FileNotFoundError: The file is gone.
    """
    members = {
        "_FILENAME": file.name,
        "_EXTENSION": file.extension,
        "_SCHEMA_TYPE": "single",
        "PLACEHOLDER": PLACEHOLDER,
    }
    return extract(file, type("Natural", (Schema,), members))[0][file.name]


def failing_columns(inferred: InferredFile, issues: list[ConversionIssue]) -> dict[str, set[str]]:
    """Return the columns, by table, that did not convert to the types found so far."""
    failing: dict[str, set[str]] = {}
    for issue in issues:
        if issue.severity is ValidationSeverity.ERROR and not issue.while_reading:
            failing.setdefault(issue.table or inferred.name, set()).add(issue.column)
    return failing
