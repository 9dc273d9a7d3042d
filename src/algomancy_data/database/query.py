"""Queries that the database runs, over tables with their logical names."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import sqlalchemy as sa

    from algomancy_data.database.layout import TableLayout

_READ_ONLY: Final = {"postgresql": "SET TRANSACTION READ ONLY"}


def run_query(
    connection: sa.Connection, datasets: Mapping[str, Iterable[TableLayout]], sql: str
) -> pl.DataFrame:
    """Return the result of a query.

    Args:
        connection: A connection in a transaction, in which nothing else is done.
        datasets: Tables that can be named, by dataset.
        sql: A SELECT statement.

    Raises:
        StoreError: A column of the result has values of different types.
    """
    names = connection.dialect.identifier_preparer
    quoted = names.quote_identifier
    tables = [
        f"{quoted(name)} AS (SELECT * FROM {quoted(table.physical)})"  # noqa: S608  quoted
        for name, table in _named(datasets, connection.dialect.max_identifier_length).items()
    ]
    front = f"WITH {', '.join(tables)} " if tables else ""
    # Inside a SELECT, nothing can be changed.
    statement = f"{front}SELECT * FROM (\n{sql.strip().rstrip(';')}\n) AS result"  # noqa: S608
    if connection.dialect.name in _READ_ONLY:
        connection.exec_driver_sql(_READ_ONLY[connection.dialect.name])
    result = connection.exec_driver_sql(statement)
    columns, rows = list(result.keys()), result.fetchall()
    return pl.DataFrame(
        [_series(name, [row[number] for row in rows]) for number, name in enumerate(columns)]
    )


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

    def said(name: str) -> str:
        return name.encode()[:limit].decode(errors="ignore").lower()

    all_tables = [(dataset, table) for dataset, tables in datasets.items() for table in tables]
    counts = Counter(said(table.name) for _, table in all_tables)
    named = {table.name: table for _, table in all_tables if counts[said(table.name)] == 1}
    taken = set(map(said, named))
    for dataset, table in all_tables:
        full = f"{dataset}.{table.name}"
        if said(full) not in taken:
            taken.add(said(full))
            named[full] = table
    return named
