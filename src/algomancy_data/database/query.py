"""Queries that the database runs, over tables with their logical names."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import sqlalchemy as sa

    from algomancy_data.database.catalogue import Entry
    from algomancy_data.database.layout import TableLayout

_READ_ONLY: Final = {"postgresql": "SET TRANSACTION READ ONLY"}


def run_query(connection: sa.Connection, entries: Iterable[Entry], sql: str) -> pl.DataFrame:
    """Return the result of a query.

    Args:
        connection: A connection in a transaction, in which nothing else is done.
        entries: The datasets whose tables can be named.
        sql: A SELECT statement.

    Raises:
        StoreError: A column of the result has values of different types.
    """
    names = connection.dialect.identifier_preparer
    quoted = names.quote_identifier
    tables = [
        f"{quoted(name)} AS (SELECT * FROM {quoted(table.physical)})"  # noqa: S608  quoted
        for name, table in _named(list(entries)).items()
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


def _named(entries: list[Entry]) -> dict[str, TableLayout]:
    """Return the tables by the names that a query can use; databases ignore case in some."""
    all_tables = [(entry.name, table) for entry in entries for table in entry.tables or ()]
    counts = Counter(table.name.lower() for _, table in all_tables)
    named = {table.name: table for _, table in all_tables if counts[table.name.lower()] == 1}
    taken = {name.lower() for name in named}
    for dataset, table in all_tables:
        full = f"{dataset}.{table.name}"
        if full.lower() not in taken:
            taken.add(full.lower())
            named[full] = table
    return named
