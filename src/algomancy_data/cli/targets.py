"""Files and datasets that commands write, and whether they may replace others."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias
from uuid import uuid4

import typer
from polars.exceptions import PanicException, PolarsError

from algomancy_data.engine_failures import interrupted_once, reason_of
from algomancy_data.errors import CommandLineError, UnstorableError
from algomancy_data.folder.files import put_in_place

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

Overwrite: TypeAlias = Annotated[
    bool, typer.Option("--overwrite", help="Take the place of what is there, without asking.")
]

_FORMATS: Final = (".csv", ".parquet", ".arrow")


def check_target(path: Path, *, overwrite: bool) -> bool:
    """Make sure that something may be written; ask the user before it is replaced.

    Args:
        path: Where to.
        overwrite: Whether it may take the place of what is there.

    Returns:
        Whether it may, as far as anything is there.

    Raises:
        CommandLineError: There is no folder for it, or something is there that is to stay.
    """
    if not path.parent.is_dir():
        msg = f"There is no folder {str(path.parent)!r} to write {path.name!r} to. Make it first."
        raise CommandLineError(msg)
    if overwrite or not path.exists():
        return overwrite
    if sys.stdin.isatty() and typer.confirm(f"Write over {str(path)!r}?", err=True):
        return True
    msg = f"{str(path)!r} is there already. Give another name, or --overwrite."
    raise CommandLineError(msg)


def check_file(path: Path, *, overwrite: bool) -> bool:
    """Make sure that a table may be written to a file; see :func:`check_target`.

    Raises:
        CommandLineError: The format is unknown, or it may not.
    """
    if path.suffix not in _FORMATS:
        msg = f"{str(path)!r} must end in .csv, .parquet or .arrow."
        raise CommandLineError(msg)
    if path.is_dir():
        msg = f"{str(path)!r} is a folder. Name a file."
        raise CommandLineError(msg)
    return check_target(path, overwrite=overwrite)


def write_frame(frame: pl.DataFrame, path: Path, *, overwrite: bool) -> None:
    """Write a frame to a file, completely or not at all, in the format of its suffix.

    Raises:
        CommandLineError: The file exists or cannot be written.
        UnstorableError: The format cannot hold a column.
    """
    write = {
        ".csv": frame.write_csv,
        ".parquet": frame.write_parquet,
        ".arrow": frame.write_ipc,
    }[path.suffix]
    new = path.with_name(f".{uuid4().hex}~")
    try:
        with interrupted_once(), new.open("xb") as stream:
            write(stream)
        put_in_place(new, path, overwrite=overwrite)
    except OSError as error:
        msg = f"{str(path)!r} cannot be written: {error.strerror or error}."
        raise CommandLineError(msg) from error
    except (PolarsError, PanicException) as error:
        why = reason_of(error).rstrip(".")
        msg = f"The result cannot be written as {path.suffix[1:]}: {why}. Or try another format."
        raise UnstorableError(msg) from error
    finally:
        new.unlink(missing_ok=True)
