"""Checks that tables have the declared columns."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Self, Unpack

from algomancy_data.display.words import counted
from algomancy_data.messages import ValidationSeverity
from algomancy_data.schema import DataType, FileExtension
from algomancy_data.schema.csv_dialect import DEFAULT_SEPARATOR, SEPARATORS
from algomancy_data.schema.kinds import column_types, declared_as
from algomancy_data.schema.table_names import Schemas, schema_table_map
from algomancy_data.validator.base import FrameCheck

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from algomancy_data.components import KnownAs
    from algomancy_data.relations.stored import StoredKeys
    from algomancy_data.schema import Schema


class SchemaValidator(FrameCheck):
    """Reports tables and columns that no schema declares, and columns of another dtype.

    Missing columns are the business of :class:`RequiredColumnsValidator`.

    Codes: NO_SCHEMA, UNEXPECTED_COLUMN, DTYPE_MISMATCH (always a WARNING). A table without any
    of them gets one INFO.

    Args:
        schemas: Schema classes, in a list or as the values of a mapping.
        severity: Severity of undeclared tables and columns; columns of a schema that forbids them
            are CRITICAL.

    Raises:
        SchemaError: A schema is declared wrongly.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import Column, DataType, Schema, SchemaValidator
        >>> class Airlines(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "airlines", "csv", "single"
        ...     CARRIER = Column("carrier", DataType.STRING)
        >>> airlines = pl.DataFrame({"carrier": [1]})
        >>> print(*SchemaValidator([Airlines]).validate({"airlines": airlines}))
        WARNING: Column 'carrier' is declared as STRING (String) but holds Int64. \
[table=airlines, column=carrier, code=DTYPE_MISMATCH]
    """

    def __init__(
        self,
        schemas: Schemas | None = None,
        severity: ValidationSeverity = ValidationSeverity.ERROR,
        **known_as: Unpack[KnownAs],
    ) -> None:
        super().__init__(**known_as)
        self._schemas = schema_table_map(schemas or [])
        self.severity = severity

    def check(self, tables: dict[str, pl.DataFrame]) -> None:
        """Report undeclared tables, undeclared columns and unexpected dtypes."""
        if not self._schemas:
            self.add_message(self.severity, "No configurations provided.")
            return
        for table, frame in tables.items():
            self._check_table(table, frame)
            self.flush_buffer(f"Schema validation successful for {table!r}.")

    def _check_table(self, table: str, frame: pl.DataFrame) -> None:
        schema = self._schemas.get(table)
        if schema is None:
            text = f"No schema declares table {table!r}."
            self.buffer_message(self.severity, text, table, code="NO_SCHEMA")
            return
        declared = column_types(schema.datatypes())
        for name, dtype in frame.schema.items():
            if name not in declared:
                text = f"Column {name!r} is not declared in schema {schema.__name__!r}."
                code = "UNEXPECTED_COLUMN"
                is_forbidden = schema.extra_columns() == "forbid"
                severity = ValidationSeverity.CRITICAL if is_forbidden else self.severity
                self.buffer_message(severity, text, table, name, code=code)
            elif not declared[name].accepts(dtype):
                want = declared[name]
                of_our_own = isinstance(declared_as(want), DataType)
                kind = f"{want.name} ({want.dtype})" if of_our_own else want.name
                text = f"Column {name!r} is declared as {kind} but holds {dtype}."
                code = "DTYPE_MISMATCH"
                self.buffer_message(ValidationSeverity.WARNING, text, table, name, code=code)


class RequiredColumnsValidator(FrameCheck):
    """Reports declared tables that are absent, and columns that are absent but not optional.

    Where the columns are those of another table, or seem to be separated otherwise, it says so.

    Codes: MISSING_REQUIRED_COLUMN; TABLE_NOT_FOUND, which is always a WARNING because a dataset
    need not have every file.

    Args:
        schemas: Schema classes, in a list or as the values of a mapping.
        severity: Severity of a missing column.

    Warns:
        DeprecationWarning: A schema uses the legacy ``_DATATYPES``.

    Raises:
        SchemaError: A schema is declared wrongly.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import Column, DataType, RequiredColumnsValidator, Schema
        >>> class Airlines(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "airlines", "csv", "single"
        ...     CARRIER = Column("carrier", DataType.STRING)
        ...     NAME = Column("name", DataType.STRING)
        >>> airlines = pl.DataFrame({"carrier": ["AA"]})
        >>> print(*RequiredColumnsValidator([Airlines]).validate({"airlines": airlines}))
        ERROR: Required column 'name' is missing. \
[table=airlines, column=name, code=MISSING_REQUIRED_COLUMN]
    """

    def __init__(
        self,
        schemas: Schemas,
        severity: ValidationSeverity = ValidationSeverity.ERROR,
        **known_as: Unpack[KnownAs],
    ) -> None:
        super().__init__(**known_as)
        self._schemas = schema_table_map(schemas)
        self._required = {
            table: schema.required_columns() for table, schema in self._schemas.items()
        }
        self.severity = severity
        self._stored: StoredKeys | None = None

    def beside(self, stored: StoredKeys) -> Self:
        """Return a check of rows that are added to a dataset, whose tables are not absent.

        Args:
            stored: What the dataset has.
        """
        made = copy.copy(self)
        made._stored = stored  # noqa: SLF001  it is one of ours
        return made

    def check(self, tables: dict[str, pl.DataFrame]) -> None:
        """Report absent tables and absent required columns."""
        for table, required in self._required.items():
            if self._stored is not None and table not in tables and self._stored.columns(table):
                continue
            frame = self.find_table(tables, table, ValidationSeverity.WARNING)
            if frame is None:
                continue
            missing = [name for name in required if name not in frame.columns]
            hint = self._hint(table, frame.columns) if missing else ""
            for name in missing:
                text = f"Required column {name!r} is missing.{hint}"
                code = "MISSING_REQUIRED_COLUMN"
                self.add_message(self.severity, text, table, name, code=code)
                hint = ""  # once is enough

    def _hint(self, table: str, columns: Sequence[str]) -> str:
        """Return a hint if the columns look like another table's, or are separated otherwise."""

        def known_to(other: str) -> int:
            return len(set(self._schemas[other].datatypes()).intersection(columns))

        others = [
            other
            for other, required in self._required.items()
            if required and set(required) <= set(columns) and known_to(other) > known_to(table)
        ]
        if others:
            likely = max(others, key=known_to)
            return f" This looks like the file of table {likely!r}, whose columns are all there."
        return _separator_hint(self._schemas[table], columns)


def _separator_hint(schema: type[Schema], columns: Sequence[str]) -> str:
    """Return the separator in the name of the only column, which hints at several columns."""
    if len(columns) != 1:
        return ""
    (column,), used = columns, schema.csv_dialect().separator or DEFAULT_SEPARATOR
    likely = max(SEPARATORS.replace(used, ""), key=column.count)
    if likely not in column or schema.extension() is not FileExtension.CSV:
        return ""
    return (
        f" There is one column alone, {column!r}. If {likely!r} separates the fields, declare "
        f"_CSV = CSVDialect(separator={likely!r})."
    )


class ExtractionSuccessVerification(FrameCheck):
    """Reports tables without rows or without columns (EMPTY_EXTRACTION, CRITICAL).

    Example:
        >>> import polars as pl
        >>> from algomancy_data import ExtractionSuccessVerification
        >>> print(*ExtractionSuccessVerification().validate({"flights": pl.DataFrame()}))
        CRITICAL: Table 'flights' is empty: 0 rows, 0 columns. \
[table=flights, code=EMPTY_EXTRACTION]
    """

    def check(self, tables: dict[str, pl.DataFrame]) -> None:
        """Report the empty tables."""
        for table, frame in tables.items():
            if not (frame.height and frame.width):
                shape = f"{counted(frame.height, 'row')}, {counted(frame.width, 'column')}"
                text = f"Table {table!r} is empty: {shape}."
                severity = ValidationSeverity.CRITICAL
                self.add_message(severity, text, table, code="EMPTY_EXTRACTION")
