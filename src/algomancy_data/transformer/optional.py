"""Adds the optional columns that a file left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.errors import InvalidSchemaError
from algomancy_data.frames.pandas_frames import in_polars
from algomancy_data.schema.kinds import column_type_of
from algomancy_data.schema.table_names import Schemas, schema_table_map
from algomancy_data.transformer.base import Transformer

if TYPE_CHECKING:
    from algomancy_data.components import NameOrLogger
    from algomancy_data.schema import Column


class OptionalColumnGuard(Transformer):
    """Adds each optional column that a table lacks, filled with its default.

    A column comes at the end of its table, in the declared dtype; without a default it is null.
    A default of another type is converted where that loses nothing; text for a DATETIME is ISO.
    Tables that are absent stay so.

    Args:
        schemas: Schema classes, in a list or as the values of a mapping.
        logger: See :class:`Transformer`.

    Warns:
        DeprecationWarning: A schema uses the legacy ``_DATATYPES``.

    Raises:
        InvalidSchemaError: A default is not a value of its column's type.
        SchemaError: A schema is declared wrongly in another way.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import Column, DataType, OptionalColumnGuard, Schema
        >>> class Planes(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "planes", "csv", "single"
        ...     TAIL = Column("tailnum", DataType.STRING)
        ...     SEATS = Column("seats", DataType.INTEGER, optional=True, default=0)
        >>> tables = {"planes": pl.DataFrame({"tailnum": ["N10156"]})}
        >>> OptionalColumnGuard([Planes]).transform(tables)
        >>> tables["planes"].rows()
        [('N10156', 0)]
    """

    _unnamed = "OptionalColumnGuard"

    def __init__(
        self, schemas: Schemas, logger: NameOrLogger = None, name: NameOrLogger = None
    ) -> None:
        super().__init__(logger, name)
        self._defaults = {
            table: [
                _default_of(column, schema.__name__)
                for column in schema.columns().values()
                if column.optional
            ]
            for table, schema in schema_table_map(schemas).items()
        }

    @in_polars
    def transform(self, data: dict[str, pl.DataFrame]) -> None:
        """Add the missing optional columns to the tables that are there."""
        for table, defaults in self._defaults.items():
            if table not in data:
                continue
            frame = data[table]
            absent = [default for default in defaults if default.name not in frame.columns]
            if absent:
                data[table] = frame.with_columns(
                    default.new_from_index(0, frame.height) for default in absent
                )


def _default_of(column: Column, schema: str) -> pl.Series:
    """Return the default as the one value of a column."""
    target = column_type_of(column.dtype)
    try:
        value = target.default(column.default)
        given = pl.Series(column.name, [value], strict=True)
        default = given.cast(target.dtype, strict=True)
        if isinstance(value, str) or _says_the_same(given, default):
            return default
        reason = "it would become another value"
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0]
    problem = (
        f"the default {column.default!r} of column {column.name!r} "
        f"is not a value of {target.name}: {reason}."
    )
    raise InvalidSchemaError.from_problem(schema, problem)


def _says_the_same(given: pl.Series, cast: pl.Series) -> bool:
    """Tell whether a cast lost nothing, such as a fraction, a truth value or a time zone."""
    if isinstance(given.dtype, pl.Datetime) and given.dtype.time_zone is not None:
        return False
    return cast.cast(given.dtype).equals(given)
