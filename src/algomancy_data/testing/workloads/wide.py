"""A table of many columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.schema import Column, CSVDialect, DataType, FileExtension, Schema, SchemaType
from algomancy_data.testing.workloads.numbers import Rows

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST: Final = 20  # the numbers before it are those of columns of the other tables
_KINDS: Final[tuple[tuple[DataType, Callable[[Rows, int], pl.Series]], ...]] = (
    (DataType.INTEGER, lambda rows, column: rows.below(2**31, column)),
    (DataType.FLOAT, lambda rows, column: rows.fraction(1_000_000, column, of=100)),
    (DataType.STRING, lambda rows, column: rows.text("t", 10_000, column)),
    (DataType.BOOLEAN, lambda rows, column: rows.flag(2, column)),
)


def wide(rows: int, columns: int, seed: int = 0) -> pl.DataFrame:
    """Return ``rows`` × ``columns``: integers, floats, texts and truth values in turns.

    A row of 1,000 columns fits on a page of PostgreSQL.

    Example:
        >>> wide(100, 1_000).shape
        (100, 1000)
    """
    all_rows = Rows(range(rows), seed)
    return pl.DataFrame(
        {
            _name(number): _KINDS[number % len(_KINDS)][1](all_rows, _FIRST + number)
            for number in range(columns)
        }
    )


def wide_schema(columns: int) -> type[Schema]:
    """Return the schema of :func:`wide` as a file ``wide.csv``.

    Example:
        >>> list(wide_schema(3).datatypes())
        ['column_0', 'column_1', 'column_2']
    """
    declared = {
        _name(number).upper(): Column(_name(number), _KINDS[number % len(_KINDS)][0])
        for number in range(columns)
    }
    settings = {
        "__doc__": f"A table of {columns} columns.",
        "_FILENAME": "wide",
        "_EXTENSION": FileExtension.CSV,
        "_SCHEMA_TYPE": SchemaType.SINGLE,
        "_CSV": CSVDialect(separator=";"),
    }
    return type("Wide", (Schema,), settings | declared)


def _name(number: int) -> str:
    return f"column_{number}"
