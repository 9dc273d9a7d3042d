"""What every extractor shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING

from algomancy_data.errors import SchemaKindError, ValidationError
from algomancy_data.extractor.conversion import (
    ConversionIssue,
    DataTypeConverter,
    TextConventions,
)
from algomancy_data.logs import as_logger

if TYPE_CHECKING:
    import logging

    import polars as pl

    from algomancy_data.file import File
    from algomancy_data.logs import Logger
    from algomancy_data.schema import Schema


class Extractor(ABC):
    """Turns one file into frames with the declared types.

    Args:
        file: Where the content comes from.
        schema: What the file holds.
        logger: Where warnings go; the standard library's logger if None.

    Attributes:
        conversion_issues: The columns that could not be converted, or only with a guess; filled
            by :meth:`extract`.
    """

    def __init__(
        self, file: File, schema: type[Schema], logger: Logger | logging.Logger | None = None
    ) -> None:
        self.file = file
        self.schema = schema
        self.logger = logger
        self.conversion_issues: list[ConversionIssue] = []

    @cached_property
    def _conventions(self) -> TextConventions:
        """How text columns are written: as the schema's dialect says, whatever the format."""
        return TextConventions.from_dialect(self.schema.csv_dialect())

    @abstractmethod
    def extract(self) -> dict[str, pl.DataFrame]:
        """Return the frames by logical table name."""

    def _report(self, issues: list[ConversionIssue]) -> None:
        """Keep the issues and log them."""
        logger = as_logger(self.logger)
        for issue in issues:
            logger.warning(str(issue))
        self.conversion_issues.extend(issues)


class SingleExtractor(Extractor):
    """Extracts the one table of a SINGLE schema: override :meth:`_extract_file`."""

    @abstractmethod
    def _extract_file(self) -> pl.DataFrame:
        """Return the table; its columns are converted to the declared types afterwards."""

    def extract(self) -> dict[str, pl.DataFrame]:
        """Return ``{file.name: frame}``, with the declared columns in their declared types.

        Raises:
            FileContentError: The file is not what its format or schema says.
        """
        self.conversion_issues.clear()
        issues: list[ConversionIssue] = []
        frame = DataTypeConverter.convert_dtypes(
            self._extract_file(),
            self.schema.datatypes(),
            issues,
            self.file.name,
            conventions=self._conventions,
        )
        self._report(issues)
        return {self.file.name: frame}


class MultiExtractor(Extractor):
    """Extracts the tables of a MULTI schema: override :meth:`_extract_files`."""

    @abstractmethod
    def _extract_files(self) -> dict[str, pl.DataFrame]:
        """Return the tables by the name of their column group, converted afterwards."""

    def extract(self) -> dict[str, pl.DataFrame]:
        """Return ``{"<file>.<group>": frame}``, with the declared columns in their types.

        Raises:
            SchemaKindError: The schema is SINGLE.
            ValidationError: A table was extracted that the schema does not declare.
            FileContentError: The file is not what its format or schema says.
        """
        if not self.schema.is_multi():
            raise SchemaKindError.from_call(
                self.schema.__name__, "extract", needs="MULTI", other="a SingleExtractor"
            )
        self.conversion_issues.clear()
        groups = self.schema.datatype_groups()
        frames: dict[str, pl.DataFrame] = {}
        issues: list[ConversionIssue] = []
        for group, frame in self._extract_files().items():
            if group not in groups:
                msg = (
                    f"File {self.file.name!r}: table {group!r} was extracted, but schema "
                    f"{self.schema.__name__!r} declares {', '.join(map(repr, groups))}."
                )
                raise ValidationError(msg)
            name = f"{self.file.name}.{group}"
            frames[name] = DataTypeConverter.convert_dtypes(
                frame, groups[group], issues, name, conventions=self._conventions
            )
        self._report(issues)
        return frames
