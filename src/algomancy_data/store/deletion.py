"""Deleting the rows of a table that match a predicate."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import polars as pl

from algomancy_data.datasource.source import is_made_of_tables
from algomancy_data.errors import AdditionError, ColumnNotFoundError, TableNotFoundError
from algomancy_data.frames.predicates import check_condition
from algomancy_data.provenance import Load
from algomancy_data.relations.keys import everywhere
from algomancy_data.store.info import DatasetInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.datasource import BASEDATASOURCE, DataSource


def columns_of(predicate: pl.Expr, schema: Mapping[str, PolarsDataType], table: str) -> list[str]:
    """Return the columns that a predicate looks at, or any one if it looks at none.

    Args:
        predicate: The predicate.
        schema: The columns of the table.
        table: Its name, for errors.

    Raises:
        ColumnNotFoundError: The table does not have one of them.
        ArgumentError: The predicate is no condition.
    """
    for name in predicate.meta.root_names():
        if name not in schema:
            raise ColumnNotFoundError.from_available(table, name, schema)
    check_condition(predicate, schema)
    return list(dict.fromkeys(predicate.meta.root_names())) or list(schema)[:1]


def taken_rows(frame: pl.DataFrame, predicate: pl.Expr) -> pl.Series:
    """Return which rows of a frame ``filter`` would keep (Boolean).

    Example:
        >>> frame = pl.DataFrame({"x": [1, None, 3]})
        >>> taken_rows(frame, pl.col("x") > pl.col("x").min()).to_list()
        [False, False, True]
    """
    # In one piece: Polars applies some expressions to each piece of a frame.
    rows = frame.rechunk().select(pl.int_range(pl.len(), dtype=pl.Int64).filter(predicate))
    return everywhere(frame.height, value=False).scatter(rows.to_series(), values=True)


def without(frame: pl.DataFrame, gone: pl.Series) -> pl.DataFrame:
    """Return a frame without some rows; it may have no columns."""
    return frame.filter(~gone) if frame.width else pl.DataFrame(height=int((~gone).sum()))


def deletion(table: str, rows: int) -> Load:
    """Return a deletion as the provenance records it."""
    return Load("delete", deleted={table: rows})


def shrunk_source(
    name: str, stored: BASEDATASOURCE, table: str, predicate: pl.Expr
) -> tuple[BASEDATASOURCE, int]:
    """Return a DataSource of the same identity without some rows, and their number.

    Args:
        name: Name of the dataset.
        stored: The DataSource, which stays as it is.
        table: Name of the table.
        predicate: What is true for the rows to delete.

    Raises:
        AdditionError: It is not made of tables.
        TableNotFoundError: It has no such table.
        ColumnNotFoundError: The table has no column of a name in the predicate.
    """
    if not is_made_of_tables(type(stored)):
        raise AdditionError.from_payload(name)
    tables = dict(cast("DataSource", stored).tables)
    if table not in tables:
        raise TableNotFoundError.from_available(table, tables)
    frame = tables[table]
    columns_of(predicate, frame.schema, table)
    gone = taken_rows(frame, predicate)
    count = int(gone.sum())
    if not count:
        return stored, 0
    tables[table] = without(frame, gone)
    info = DatasetInfo.of(stored.name, stored).grown({}, deletion(table, count), ())
    shrunk = info.empty(type(stored))
    cast("DataSource", shrunk).tables = tables
    info.tell(shrunk)
    return shrunk, count
