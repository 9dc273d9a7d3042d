"""Queries that the database runs, over tables by logical name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.database.backend import backend_for
from algomancy_data.errors import StoreError
from algomancy_data.frames.side_by_side import side_by_side
from algomancy_data.sql_names import problem_of_query, tables_by_name, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import sqlalchemy as sa

    from algomancy_data.database.layout import TableLayout


class DamagedTables(NamedTuple):
    """A dataset that cannot be queried.

    Args:
        dataset: Its name.
        tables: What its tables are called, as far as that is known.
        error: Why.
    """

    dataset: str
    tables: Sequence[str]
    error: StoreError


def run_query(
    connection: sa.Connection,
    datasets: Mapping[str, Iterable[TableLayout]],
    sql: str,
    damaged: Iterable[DamagedTables] = (),
) -> pl.DataFrame:
    """Return the result of a query.

    Args:
        connection: A connection in a transaction, in which nothing else is done.
        datasets: Tables that can be named, by dataset.
        sql: A SELECT statement.
        damaged: Datasets whose tables cannot be named.

    Raises:
        DamagedStoreError: The statement names a table of a damaged dataset.
        StoreError: It is no query, or a column of the result has values of different types.
    """
    if problem := problem_of_query(sql):
        raise StoreError(problem)
    names = connection.dialect.identifier_preparer
    quoted = names.quote_identifier
    _refuse_damaged(damaged, sql)
    tables = [
        f"{quoted(name)} AS (SELECT * FROM {quoted(table.physical)})"  # noqa: S608  quoted
        for name, table in _named(datasets, connection.dialect.max_identifier_length).items()
    ]
    front = f"WITH {', '.join(tables)} " if tables else ""
    # Inside a SELECT, nothing can be changed.
    statement = f"{front}SELECT * FROM (\n{sql.strip().rstrip(';')}\n) AS result"  # noqa: S608
    read_only = backend_for(connection).read_only
    if read_only is not None:
        connection.exec_driver_sql(read_only)
    result = connection.exec_driver_sql(statement)
    columns, rows = list(result.keys()), result.fetchall()
    return side_by_side(
        _series(name, [row[number] for row in rows]) for number, name in enumerate(columns)
    )


def _refuse_damaged(damaged: Iterable[DamagedTables], sql: str) -> None:
    """Refuse a statement that would find no table of a name, or a foreign one."""
    words = {word.lower() for word in words_of(sql)}
    for dataset, tables, error in damaged:
        for table in tables:
            if not words.isdisjoint({table.lower(), f"{dataset}.{table}".lower()}):
                msg = (
                    f"The query names table {table!r} of dataset {dataset!r}, which cannot be "
                    f"read. If another one is meant, say which datasets are. {error}"
                )
                raise type(error)(msg) from error


def _series(name: str, values: list[Any]) -> pl.Series:
    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, OverflowError, PolarsError) as error:
        msg = f"Column {name!r} of the result has values of different types. Cast it in the query."
        raise StoreError(msg) from error


def _named(datasets: Mapping[str, Iterable[TableLayout]], limit: int) -> dict[str, TableLayout]:
    """Return the tables by the names that a query can use.

    Databases ignore case in some, and PostgreSQL cuts what is longer than its limit.
    """
    layouts = {
        dataset: {table.name: table for table in tables} for dataset, tables in datasets.items()
    }
    names = tables_by_name(
        layouts, lambda name: name.encode()[:limit].decode(errors="ignore").lower()
    )
    return {name: layouts[dataset][table] for name, (dataset, table) in names.items()}
