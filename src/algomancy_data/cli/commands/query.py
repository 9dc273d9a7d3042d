"""``algomancy-data query``: SQL over datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer
from polars.exceptions import PolarsError

from algomancy_data.cli import options
from algomancy_data.cli.declarations import making
from algomancy_data.cli.frames import as_records, frame_table, write_frame
from algomancy_data.cli.running import running
from algomancy_data.cli.settings import Settings
from algomancy_data.cli.stores import Place, opened
from algomancy_data.datasource import DataSource
from algomancy_data.display.words import counted
from algomancy_data.errors import CommandLineError, DamagedStoreError
from algomancy_data.sql_words import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from algomancy_data.datamanager import DataManager, DatasetSummary


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="A SELECT statement.")],
    datasets: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset", "-d", metavar="NAME", help="Whose tables; again for more. Else: all."
        ),
    ] = None,
    in_database: Annotated[
        bool,
        typer.Option("--in-database", help="Let the database run it, in its own words and types."),
    ] = False,
    rows: Annotated[
        int, typer.Option("--rows", "-n", min=1, help="How many rows to show at most.")
    ] = 50,
    target: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the result to a new .csv, .parquet or .arrow file.",
            show_default=False,
        ),
    ] = None,
    store: options.Store = None,
    session: options.Session = None,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Run SQL over the tables of one or several datasets.

    A table that only one of them has goes by its name; every table goes by "dataset.table". Polars
    runs the query, over the exact values; with --in-database, the database does.

    Example: `algomancy-data query 'SELECT count(*) FROM flights' -s sqlite:///data.db`
    """
    with running("query", as_json=as_json, verbose=verbose) as output:
        settings = Settings({"store": store, "session": session})
        place = Place(settings.require("store"), settings.session)
        with opened(place, output, making(settings)) as manager:
            chosen = map(manager.summarize, datasets) if datasets else manager.summaries()
            summaries = list(chosen)
            output.problems(summaries)
            if in_database:
                # SQLAlchemy takes its time: it is imported when a database is used.
                from algomancy_data.cli.databases import query_in  # noqa: PLC0415

                result = query_in(manager, sql, datasets)
            else:
                result = _with_polars(manager, sql, summaries)
        if target is not None:
            write_frame(result, target)
            output.result(
                {**place.describe(), "rows": result.height, "file": str(target)},
                f"Wrote {counted(result.height, 'row')} to {target}.",
            )
            return
        more = result.height - rows
        output.result(
            {
                **place.describe(),
                "columns": {name: str(dtype) for name, dtype in result.schema.items()},
                "rows": as_records(result),
            },
            frame_table(result.head(rows)),
            *([f"… and {counted(more, 'row')} more: see --rows and --output."] if more > 0 else []),
        )


def _with_polars(
    manager: DataManager[Any], sql: str, summaries: Iterable[DatasetSummary]
) -> pl.DataFrame:
    """Run a query over the tables that it can be about; only these are read."""
    words = words_of(sql)
    tables: dict[str, tuple[str, str]] = {}
    by_table: dict[str, list[str]] = {}
    for one in summaries:
        for table in one.tables:
            tables[f"{one.name}.{table}"] = (one.name, table)
            by_table.setdefault(table, []).append(one.name)
        if one.problem and any(word.startswith(f"{one.name}.") for word in words):
            msg = f"The query names a table of {one.name!r}. {one.problem}"
            raise DamagedStoreError(msg)
    tables |= {name: (owners[0], name) for name, owners in by_table.items() if len(owners) == 1}
    context = pl.SQLContext()
    for name, (dataset, table) in tables.items():
        if name in words:
            context.register(name, _frame(manager, dataset, table))
    try:
        return context.execute(sql, eager=True)
    except PolarsError as error:
        shared = [name for name, owners in by_table.items() if name in words and len(owners) > 1]
        hint = (
            f' Several datasets have a table {shared[0]!r}: write "dataset.{shared[0]}".'
            if shared
            else f" Tables: {', '.join(by_table) or 'none'}."
        )
        msg = f"The query failed: {error}.{hint}"
        raise CommandLineError(msg) from error


def _frame(manager: DataManager[Any], dataset: str, table: str) -> pl.DataFrame:
    data = manager.require_data(dataset)
    if isinstance(data, DataSource):
        return data.get_table(table)
    msg = f"Dataset {dataset!r} is not made of tables, so it cannot be queried."
    raise CommandLineError(msg)
