"""Frames as people and as machines read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from polars.exceptions import PolarsError

from algomancy_data.cli.output import table
from algomancy_data.datasource import DataSource
from algomancy_data.errors import CommandLineError, UnstorableError
from algomancy_data.frames.values import python_rows

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl
    from rich.table import Table

    from algomancy_data.datamanager import DataManager

_NULL: Final = "null"


def first_rows(
    manager: DataManager[Any], dataset: str, name: str, rows: int
) -> pl.DataFrame | None:
    """Return the first rows of a table, reading no more; None if it is no table of a DataSource."""
    get_table = getattr(manager, "get_table", None)
    summary = manager.summarize(dataset).tables[name]
    if get_table is not None and summary.schema is not None:
        return get_table(dataset, name, head=rows)
    data = manager.require_data(dataset)
    return data.tables[name].head(rows) if isinstance(data, DataSource) else None


def frame_table(frame: pl.DataFrame) -> Table:
    """Return a frame as a table of texts, numbers to the right."""
    right = [name for name, dtype in frame.schema.items() if dtype.is_numeric()]
    rows = ([_text(value) for value in row] for row in python_rows(frame))
    return table(frame.columns, rows, right=right)


def as_records(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as what JSON can hold: what it has no word for is text."""
    return [dict(zip(frame.columns, map(_json, row), strict=True)) for row in python_rows(frame)]


def _text(value: object) -> str:
    if value is None:
        return _NULL
    if isinstance(value, list | dict):
        return json.dumps(_json(value), ensure_ascii=False)
    return value.hex() if isinstance(value, bytes) else str(value)


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


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame to a new file, in the format of its name.

    Raises:
        CommandLineError: The format is unknown, or the file exists or cannot be written.
        UnstorableError: The format cannot hold a column.
    """
    write = {
        ".csv": frame.write_csv,
        ".parquet": frame.write_parquet,
        ".arrow": frame.write_ipc,
    }.get(path.suffix)
    if write is None:
        msg = f"{str(path)!r} must end in .csv, .parquet or .arrow."
        raise CommandLineError(msg)
    try:
        with path.open("xb") as stream:
            write(stream)
    except OSError as error:
        msg = f"{str(path)!r} cannot be written: {error}."
        raise CommandLineError(msg) from error
    except PolarsError as error:
        path.unlink()
        msg = f"The result cannot be written as {path.suffix[1:]}: {error}. Try another format."
        raise UnstorableError(msg) from error
