"""Directories of raw files, which an ETL reads at startup and ``store_data`` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from polars.exceptions import PanicException, PolarsError

from algomancy_data.engine_failures import reason_of
from algomancy_data.errors import DatasetNameError, UnstorableError, ValidationError
from algomancy_data.folder.file_names import plain_stem
from algomancy_data.folder.files import sync

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import polars as pl

    from algomancy_data.folder.writer import FolderWriter
    from algomancy_data.metrics import Phase

_SEPARATOR: Final = ";"


def raw_files(directory: Path) -> list[tuple[str, str]]:
    """Return the name and path of each file; the name ends at the first dot.

    Raises:
        ValidationError: The directory has something else in it, or nothing.
        FileNotFoundError: There is no such directory.
    """
    paths = sorted(directory.iterdir())
    odd = [path.name for path in paths if not path.is_file() or path.name.startswith(".")]
    if odd or not paths:
        found = f"{odd[0]!r} in it" if odd else "no files"
        name = directory.name or str(directory)
        msg = f"The directory {name!r} has {found}. It must have raw files only."
        raise ValidationError(msg)
    outside = [path for path in paths if not path.resolve().is_relative_to(directory.resolve())]
    if outside:
        msg = f"The file {outside[0].name!r} in {directory.name!r} is a link that leaves it."
        raise ValidationError(msg)
    return [(path.name.partition(".")[0], str(path)) for path in paths]


def check_raw_names(dataset_name: str, tables: Iterable[str]) -> None:
    """Make sure that names of a dataset and its tables can be names of files.

    Raises:
        DatasetNameError: One cannot.
    """
    for name in (dataset_name, *tables):
        if plain_stem(name) is None or (name != dataset_name and "." in name):
            msg = f"{name!r} cannot be the name of a directory or file of raw data. Rename it."
            raise DatasetNameError(msg)


def write_raw(
    writer: FolderWriter, directory: Path, frames: Mapping[str, pl.DataFrame], phase: Phase
) -> None:
    """Write tables as CSV files to a new directory, which appears once all are written.

    Raises:
        UnstorableError: CSV cannot hold a table.
        OSError: The disk is full, or fails.
    """
    home = writer.new_directory()
    try:
        for name, frame in frames.items():
            _write_csv(home / f"{name}.csv", name, frame)
            phase.advance(frame.height)
        sync(home)
        home.rename(directory)
        sync(directory.parent)
    except BaseException:
        if not home.exists():
            directory.rename(home)
        writer.discard_directory(home)
        raise


def _write_csv(path: Path, name: str, frame: pl.DataFrame) -> None:
    try:
        frame.write_csv(path, separator=_SEPARATOR)
    except (PolarsError, PanicException) as error:
        why = reason_of(error).rstrip(".")
        msg = f"Table {name!r} cannot be written as CSV: {why}. Or keep it by add_data_source."
        raise UnstorableError(msg) from error
    sync(path)
