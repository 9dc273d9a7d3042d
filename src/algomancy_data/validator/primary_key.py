"""Checks that primary keys are present, complete and unique."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from algomancy_data.messages import ValidationSeverity
from algomancy_data.relations.keys import complete_rows, rows_where
from algomancy_data.schema.table_names import Schemas, schema_table_map
from algomancy_data.validator.base import FrameCheck
from algomancy_data.validator.duplicates import duplicate_rows

if TYPE_CHECKING:
    import polars as pl

    from algomancy_data.components import KnownAs


class PrimaryKeyValidator(FrameCheck):
    """Reports keys that are absent, incomplete or not unique.

    Codes: MISSING_PK_COLUMN, PK_NULL, PK_DUPLICATE (every row of a group with one key), and
    NOT_COMPARABLE for a key that holds Python objects. The ``column`` of a message is the whole
    key, joined with ``","``. Rows with a null in the key are left out of the search for
    duplicates; absent tables and schemas without a key are left out altogether.

    Args:
        schemas: Schema classes, in a list or as the values of a mapping.
        severity: Severity of every message.

    Warns:
        DeprecationWarning: A schema uses the legacy ``_DATATYPES``.

    Raises:
        SchemaError: A schema is declared wrongly.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import Column, DataType, PrimaryKeyValidator, Schema
        >>> class Airlines(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "airlines", "csv", "single"
        ...     CARRIER = Column("carrier", DataType.STRING, primary_key=True)
        >>> airlines = pl.DataFrame({"carrier": ["AA", "UA", "AA"]})
        >>> for message in PrimaryKeyValidator([Airlines]).validate({"airlines": airlines}):
        ...     print(message.row, message.message)
        0 Primary key is not unique: carrier='AA'
        2 Primary key is not unique: carrier='AA'
    """

    def __init__(
        self,
        schemas: Schemas,
        severity: ValidationSeverity = ValidationSeverity.ERROR,
        **known_as: Unpack[KnownAs],
    ) -> None:
        super().__init__(**known_as)
        self._keys = {
            table: list(key)
            for table, schema in schema_table_map(schemas).items()
            if (key := schema.primary_key())
        }
        self.severity = severity

    def check(self, tables: dict[str, pl.DataFrame]) -> None:
        """Report what is wrong with the keys of the tables that are there."""
        for table, key in self._keys.items():
            if table in tables:
                self._check_key(table, tables[table], key)

    def _check_key(self, table: str, frame: pl.DataFrame, key: list[str]) -> None:
        missing = [name for name in key if name not in frame.columns]
        if missing:
            names = ", ".join(map(repr, missing))
            text = f"Primary key column {names} is missing."
            self.add_message(self.severity, text, table, ",".join(key), code="MISSING_PK_COLUMN")
            return
        values = frame.select(key)
        complete = complete_rows(values)
        if complete is not None:
            problem = "Primary key has no value"
            rows = rows_where(~complete)
            self.report_rows(self.severity, problem, rows, values, table=table, code="PK_NULL")
        if self.can_compare(values, table, self.severity):
            problem = "Primary key is not unique"
            rows = duplicate_rows(values, self._key_limits)
            self.report_rows(self.severity, problem, rows, values, table=table, code="PK_DUPLICATE")
