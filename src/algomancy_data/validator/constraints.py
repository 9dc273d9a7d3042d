"""Checks columns for nulls and duplicates that their declarations rule out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from algomancy_data.messages import ValidationSeverity
from algomancy_data.schema.table_names import Schemas, schema_table_map
from algomancy_data.validator.values import ValueCheck

if TYPE_CHECKING:
    import polars as pl

    from algomancy_data.components import KnownAs


class ConstraintValidator(ValueCheck):
    """Reports nulls in columns that are not ``nullable`` and duplicates in ``unique`` ones.

    Optional columns may hold nulls, since that is what an absent one is filled with. The nulls of
    a primary key, and the duplicates of a key of one column, are left to
    :class:`PrimaryKeyValidator`; absent tables and columns to :class:`RequiredColumnsValidator`.

    Codes: NULL_VALUE, DUPLICATE_VALUE, and NOT_COMPARABLE for a column of Python objects.

    Args:
        schemas: Schema classes, in a list or as the values of a mapping.
        severity: Severity of every message.

    Warns:
        DeprecationWarning: A schema uses the legacy ``_DATATYPES``.

    Raises:
        SchemaError: A schema is declared wrongly.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import Column, ConstraintValidator, DataType, Schema
        >>> class Airlines(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "airlines", "csv", "single"
        ...     CARRIER = Column("carrier", DataType.STRING, unique=True)
        ...     NAME = Column("name", DataType.STRING, nullable=True)
        >>> airlines = pl.DataFrame({"carrier": ["AA", None], "name": [None, None]})
        >>> print(*ConstraintValidator([Airlines]).validate({"airlines": airlines}))
        ERROR: Value is missing: carrier=None \
[table=airlines, column=carrier, row=1, code=NULL_VALUE]
    """

    def __init__(
        self,
        schemas: Schemas,
        severity: ValidationSeverity = ValidationSeverity.ERROR,
        **known_as: Unpack[KnownAs],
    ) -> None:
        super().__init__(severity, **known_as)
        self._filled: dict[str, list[str]] = {}
        self._unique: dict[str, list[str]] = {}
        for table, schema in schema_table_map(schemas).items():
            columns = schema.columns()
            key = schema.primary_key()
            self._filled[table] = [
                name
                for name, column in columns.items()
                if not (column.nullable or column.optional or column.primary_key)
            ]
            self._unique[table] = [
                name for name, column in columns.items() if column.unique and key != (name,)
            ]

    def check(self, tables: dict[str, pl.DataFrame]) -> None:
        """Report the violations in the declared columns that are there."""
        for table, frame in tables.items():
            present = set(frame.columns)
            filled = [name for name in self._filled.get(table, ()) if name in present]
            unique = [name for name in self._unique.get(table, ()) if name in present]
            self.report_missing(table, frame, filled)
            self.report_duplicates(table, frame, unique)
