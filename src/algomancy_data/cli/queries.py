"""Queries over the tables of datasets, run by Polars or by the database."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.datasource import DataSource
from algomancy_data.display.words import meant
from algomancy_data.errors import TEMPORARY, CommandLineError, DamagedStoreError, StoreError
from algomancy_data.sql_names import problem_of_query, tables_by_name, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from algomancy_data.datamanager import DataManager
    from algomancy_data.store import DatasetInfo

_RUNNING: Final = "failed while running the query: "
# What engines say of a name that they do not know: Polars, then SQLite, then PostgreSQL.
_NO_COLUMN: Final = re.compile(
    r"unable to find column \"(?P<polars>.*?)\"|no column named '(?P<joined>.*?)' found"
    r"|no such column: (?P<sqlite>\S+?)\.?$|column \"?(?P<postgresql>[^\"]+?)\"? does not exist"
)
_NO_TABLE: Final = re.compile(
    r"relation '(?P<polars>.*?)' was not found|no such table: (?P<sqlite>\S+?)\.?$"
    r"|relation \"(?P<postgresql>.*?)\" does not exist"
)
_NOISE: Final = re.compile(
    r"sql parser error: |Failed to prepare query: |\n.*|LINE \d+:.*", re.DOTALL
)


def check_query(sql: str) -> None:
    """Refuse a statement that is not a query.

    Raises:
        CommandLineError: It is none.
    """
    if problem := problem_of_query(sql):
        raise CommandLineError(problem)


def query_with_polars(
    manager: DataManager[Any], sql: str, infos: Sequence[DatasetInfo]
) -> pl.DataFrame:
    """Return the result of a query that Polars runs over the exact values.

    Args:
        manager: Has the datasets.
        sql: A SELECT statement.
        infos: The datasets whose tables it can name; only those that it names are read.

    Raises:
        CommandLineError: The query is wrong; the message says which tables or columns there are.
        DamagedStoreError: It names a table that cannot be read.
    """
    words = words_of(sql)
    for one in infos:
        if one.problem and any(word.startswith(f"{one.name}.") for word in words):
            msg = f"The query names a table of {one.name!r}. {one.problem}"
            raise DamagedStoreError(msg)
    context = pl.SQLContext()
    for name, (dataset, table) in _named(infos).items():
        if name in words:
            context.register(name, _frame(manager, dataset, table))
    try:
        return context.execute(sql, eager=True)
    except PolarsError as error:
        raise CommandLineError(_said(str(error), sql, infos)) from error


def query_in_database(
    manager: DataManager[Any], sql: str, infos: Sequence[DatasetInfo]
) -> pl.DataFrame:
    """Return the result of a query that the database runs, as :func:`query_with_polars` does.

    Raises:
        CommandLineError: The query is wrong; the message says which tables or columns there are.
        StoreError: It names a table that cannot be read, or the database does not answer.
    """
    from algomancy_data.database import DatabaseDataManager  # noqa: PLC0415  with SQLAlchemy

    if not isinstance(manager, DatabaseDataManager):
        msg = "The store is no database."
        raise CommandLineError(msg)
    is_all = len(infos) == len(manager.get_data_keys())
    try:
        return manager.query(sql, None if is_all else [one.name for one in infos])
    except (*TEMPORARY, DamagedStoreError):
        raise
    except StoreError as error:
        _, is_of_query, reason = str(error).partition(_RUNNING)
        said = _said(reason, sql, infos) if is_of_query else str(error)
        raise CommandLineError(said) from error


def _said(reason: str, sql: str, infos: Iterable[DatasetInfo]) -> str:
    """Return what is wrong with a query, in our own words, and the available names."""
    infos, words = list(infos), words_of(sql)
    reason = " ".join(_NOISE.sub("", reason).split()).rstrip(".")
    reason = reason.replace("found: EOF", "found the end")
    named = _named(infos)
    tables = list(dict.fromkeys(table for one in infos for table in one.tables))
    column, table = _name_in(_NO_COLUMN, reason), _name_in(_NO_TABLE, reason)
    if column is not None:
        columns = {
            table: [*(one.tables[table].schema or ())]
            for one in infos
            for table in one.tables
            if table in words or f"{one.name}.{table}" in words
        }
        listed = "; ".join(f"{table}: {', '.join(names)}" for table, names in columns.items())
        near = meant(
            column.rpartition(".")[2], [name for each in columns.values() for name in each]
        )
        return f"The query failed: there is no column {column!r}.{near} Columns of {listed}."
    if table in tables and table not in named:
        return (
            f"The query failed: several datasets have a table {table!r}. Write "
            f'"dataset.{table}", or choose datasets with -d.'
        )
    if table in named:
        return f'The query failed: write the name of the table as "{table}", in double quotes.'
    if table is not None:
        reason = f"there is no table {table!r}"
    near = "" if table is None else meant(table, named)
    return f"The query failed: {reason}.{near} Tables: {', '.join(tables) or 'none'}."


def _name_in(pattern: re.Pattern[str], reason: str) -> str | None:
    found = pattern.search(reason)
    return None if found is None else next(filter(None, found.groups()), "")


def _named(infos: Iterable[DatasetInfo]) -> dict[str, tuple[str, str]]:
    return tables_by_name({one.name: list(one.tables) for one in infos})


def _frame(manager: DataManager[Any], dataset: str, table: str) -> pl.DataFrame:
    data = manager.require_data(dataset)
    if isinstance(data, DataSource):
        return data.get_table(table)
    msg = f"Dataset {dataset!r} is not made of tables, so it cannot be queried."
    raise CommandLineError(msg)
