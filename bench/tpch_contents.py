"""What the columns of TPC-H sum up to, in the CSV files and in a database.

All amounts have at most two decimals, all dates no time, and all text is ASCII.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import polars as pl

from algomancy_data import DataType
from tpch import SCHEMAS

if TYPE_CHECKING:
    from pathlib import Path

    from algomancy_data import Schema
    from algomancy_data.schema.kinds import DeclaredType
    from peers.checks import Cursor
    from peers.database import Database

# Whole numbers, so that the order of the rows is no matter.
_DAYS = {
    "SQLite": "julianday({}) - 2440587.5",
    "PostgreSQL": "extract(epoch FROM {}) / 86400",
}


def of_csv(files: dict[str, Path]) -> dict[str, list[int]]:
    """Return the rows of each table, and the sum of each column, by a reading of their own."""
    sums: dict[str, list[int]] = {}
    for schema in SCHEMAS:
        name = schema.file_name()
        texts = pl.scan_csv(files[name], infer_schema=False)
        columns = [_of_text(pl.col(column), kind) for column, kind in schema.datatypes().items()]
        sums[name] = list(texts.select(pl.len(), *columns).collect().row(0))
    return sums


def _of_text(text: pl.Expr, kind: DeclaredType) -> pl.Expr:
    match kind:
        case DataType.INTEGER:
            return text.cast(pl.Int64).sum()
        case pl.Decimal():
            return (text.cast(pl.Decimal(18, 2)).sum() * 100).cast(pl.Int64)
        case _ if kind == pl.Date:
            return text.str.to_date("%Y-%m-%d").cast(pl.Int32).cast(pl.Int64).sum()
        case _:
            return text.str.len_bytes().cast(pl.Int64).sum()


def of_database(database: Database, prefix: str = "") -> dict[str, list[int]]:
    """Return the same of the tables in a database, by its own SQL on a driver that no way uses."""
    with closing(database.connect()) as connection, closing(connection.cursor()) as cursor:
        return {
            schema.file_name(): _row(
                cursor, f"{prefix}{schema.file_name()}", schema, _DAYS[database.kind]
            )
            for schema in SCHEMAS
        }


def _row(cursor: Cursor, table: str, schema: type[Schema], days: str) -> list[int]:
    whole = {
        DataType.INTEGER: "{}",
        pl.Decimal(15, 2): "round({} * 100)",
        DataType.STRING: "length({})",
        pl.Date(): days,
    }
    sums = [
        f"CAST(sum(CAST({whole[kind].format(column)} AS bigint)) AS bigint)"
        for column, kind in schema.datatypes().items()
    ]
    cursor.execute(f"SELECT count(*), {', '.join(sums)} FROM {table}")
    return list(cursor.fetchone())
