"""What is in a store: ``ls`` lists its datasets, ``show`` one's tables, ``query`` runs SQL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from algomancy_data.cli.command import Command, command
from algomancy_data.cli.output import moment, size
from algomancy_data.cli.queries import check_query, query_in_database, query_with_polars
from algomancy_data.cli.targets import Overwrite, check_file, write_frame
from algomancy_data.datasource import DataSource
from algomancy_data.display.grid import Grid, GridColumn
from algomancy_data.display.words import counted
from algomancy_data.errors import CommandLineError, TableNotFoundError
from algomancy_data.findings import counts_text
from algomancy_data.frames.values import python_rows
from algomancy_data.provenance import Provenance

if TYPE_CHECKING:
    import polars as pl

    from algomancy_data.datamanager import DataManager
    from algomancy_data.store import DatasetInfo, TableInfo

_NULL: Final = "null"


@command("store", "session", "memory_limit")
def show(
    command: Command,
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Its name.")],
    only: Annotated[
        str | None,
        typer.Option("--table", "-t", metavar="NAME", help="Only this table.", show_default=False),
    ] = None,
    sample: Annotated[
        int,
        typer.Option(
            "--sample", "-n", metavar="N", min=0, help="How many rows of each table to show."
        ),
    ] = 5,
) -> None:
    """Show the tables of a dataset: columns, dtypes, rows, bytes, and the first rows.

    Example: `algomancy-data show flights --table planes --sample 3 -s sqlite:///data.db`
    """
    with command.opened() as manager:
        info = manager.describe(dataset)
        if only is not None and only not in info.tables:
            raise TableNotFoundError.from_available(only, info.tables)
        tables = info.tables if only is None else {only: info.tables[only]}
        samples = {
            name: _first_rows(manager, dataset, name, one, sample) for name, one in tables.items()
        }
    command.output.result(
        {
            **command.address.to_dict(),
            "dataset": dataset,
            "id": info.ds_id,
            "type": info.ds_type,
            "created": info.creation_datetime and info.creation_datetime.isoformat(),
            "findings": dict(info.findings),
            "provenance": info.provenance and info.provenance.to_dict(),
            "tables": {name: _described(one, samples[name]) for name, one in tables.items()},
        },
        *_heading(info),
        *(part for name, one in tables.items() for part in _shown(name, one, samples[name])),
    )


def _first_rows(
    manager: DataManager[Any], dataset: str, name: str, one: TableInfo, rows: int
) -> pl.DataFrame | None:
    """Return the first rows of a table, reading no more; None if none are wanted or present."""
    if not rows:
        return None
    if one.schema is not None:
        return manager.get_table(dataset, name, head=rows)
    data = manager.require_data(dataset)
    return data.tables[name].head(rows) if isinstance(data, DataSource) else None


def _heading(info: DatasetInfo) -> list[str]:
    origin = info.provenance or Provenance()
    files = ", ".join(file.location or file.name for file in origin.files)
    source = f"derived from {origin.derived_from!r}" if origin.derived_from else files
    found = info.findings
    what = (
        f"{info.name}: {info.ds_type}, created {moment(info.creation_datetime)}, "
        f"{counted(len(info.tables), 'table')}, {counted(info.rows, 'row')}, "
        f"{size(info.bytes)}"
    )
    return [
        what,
        *([f"from: {source}"] if source else []),
        *([f"a sample: {origin.sample}, and what they refer to"] if origin.sample else []),
        *([f"messages when it was loaded: {counts_text(found)}"] if found else []),
    ]


def _shown(name: str, one: TableInfo, sample: pl.DataFrame | None) -> list[Grid | str]:
    parts: list[Grid | str] = ["", f"{name}: {counted(one.rows, 'row')}, {size(one.bytes)}"]
    if one.schema is not None:
        dtypes = [(column, str(dtype)) for column, dtype in one.schema.items()]
        parts.append(Grid.from_rows(("column", "dtype"), dtypes))
    if sample is not None:
        parts += ["", _frame_grid(sample)]
    return parts


def _described(one: TableInfo, sample: pl.DataFrame | None) -> dict[str, Any]:
    schema = None if one.schema is None else {key: str(dtype) for key, dtype in one.schema.items()}
    return {
        "rows": one.rows,
        "bytes": one.bytes,
        "columns": schema,
        "sample": [] if sample is None else _records(sample),
    }


@command("store", "session", "memory_limit")
def query(
    command: Command,
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
        int, typer.Option("--rows", "-n", metavar="N", min=1, help="How many rows to show at most.")
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
    overwrite: Overwrite = False,
) -> None:
    """Run SQL over the tables of one or several datasets.

    A table that only one of them has goes by its name; every table goes by "dataset.table". Polars
    runs the query, over the exact values; with --in-database, the database does.

    Example: `algomancy-data query 'SELECT count(*) FROM flights' -s sqlite:///data.db`
    """
    address, output = command.address, command.output
    replaces = target is not None and check_file(target, overwrite=overwrite)
    check_query(sql)
    if in_database and not address.is_database:
        msg = "--in-database needs a database, and the store is a folder."
        raise CommandLineError(msg)
    with command.opened() as manager:
        infos = [*map(manager.describe, datasets)] if datasets else manager.describe_all()
        if address.is_database:  # a folder's were said when it was opened
            output.problems(infos)
        ask = query_in_database if in_database else query_with_polars
        result = ask(manager, sql, infos)
    if target is not None:
        write_frame(result, target, overwrite=replaces)
        output.result(
            {**address.to_dict(), "rows": result.height, "file": str(target)},
            f"Wrote {counted(result.height, 'row')} to {target}.",
        )
        return
    more = result.height - rows
    output.result(
        {
            **address.to_dict(),
            "columns": {name: str(dtype) for name, dtype in result.schema.items()},
            "rows": _records(result),
        },
        _frame_grid(result.head(rows)),
        *([f"… and {counted(more, 'row')} more: see --rows and --output."] if more > 0 else []),
    )


def _frame_grid(frame: pl.DataFrame) -> Grid:
    """Return the rows as texts, with numbers right-aligned."""
    columns = zip(*python_rows(frame), strict=True) if frame.height else [()] * frame.width
    return Grid(
        [
            GridColumn(name, [*map(_text, values)], to_right=dtype.is_numeric())
            for (name, dtype), values in zip(frame.schema.items(), columns, strict=True)
        ]
    )


def _text(value: object) -> str:
    if value is None:
        return _NULL
    if isinstance(value, list | dict):
        return json.dumps(_json(value), ensure_ascii=False)
    return value.hex() if isinstance(value, bytes) else str(value)


def _records(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as plain JSON values, with all other values as text."""
    return [dict(zip(frame.columns, map(_json, row), strict=True)) for row in python_rows(frame)]


def _json(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if value - value == 0 else str(value)
        case bytes():
            return value.hex()
        case list():
            return [_json(item) for item in value]
        case dict():
            return {str(key): _json(item) for key, item in value.items()}
        case _:
            return str(value)
