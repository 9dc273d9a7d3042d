"""From the paths that a caller gives to files with logical names, and to their tables.

The tables are those that the extractor of the ETL makes of a file.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from algomancy_data.datamanager.input_files import MissingFileError, files_from_paths
from algomancy_data.errors import ETLConstructionError
from algomancy_data.file import FILE_TYPES, SUFFIXES
from algomancy_data.file.locations import file_name, find_parts, has_parts
from algomancy_data.masking import mask
from algomancy_data.messages import ValidationSeverity
from algomancy_data.registry import get_extractor_class
from algomancy_data.schema import Column, DataType, Schema

if TYPE_CHECKING:
    import polars as pl

    from algomancy_data.extractor import ConversionIssue, Extractor
    from algomancy_data.file import File
    from algomancy_data.inference.inferred import InferredFile
    from algomancy_data.schema import FileExtension

_WILDCARDS: Final = "*?["
_BETWEEN: Final = "-_. "

Paths: TypeAlias = "str | Path | Iterable[str | Path] | Mapping[str, str | Path]"
"""A path, several, or paths by the logical names that their files are to have."""
# What an extractor logs is in the notes; whoever asks for a schema has not asked for the data.
SILENT: Final = logging.Logger("algomancy_data.inference", logging.CRITICAL + 1)  # noqa: LOG001
# A schema needs a column, and no file has one of this name.
PLACEHOLDER: Final = Column("\0", DataType.STRING, optional=True)


def files_at(paths: Paths) -> list[File]:
    """Return the files in order.

    The logical name of a file is its name up to the first dot: ``flights.csv.zip`` is
    ``flights``. A directory of parts has its own name, a pattern what stands before its first
    wildcard.

    Args:
        paths: The paths.

    Raises:
        ETLConstructionError: A path leads nowhere, has no known format, or two files have one
            name.
    """
    named = list(_named(paths))
    if not named:
        msg = "No file was given. Give the paths of the files that the schemas are for."
        raise ETLConstructionError(msg)
    plain = [(name, path) for name, path in named if not has_parts(path)]
    files = files_from_paths(plain, {})
    for name, path in named:
        if not has_parts(path):
            continue
        if name in files:
            msg = f"Two files are named {name!r}. Give them names: {{'name': path, …}}."
            raise ETLConstructionError(msg)
        files[name] = _parted(name, path)
    return [files[name] for name, _ in named]


def label_of(file: File) -> str:
    """Return what a file is called where it is stored."""
    path = str(file.path)
    if has_parts(path) and not Path(path).is_dir():
        return file_name(Path(path).parent / Path(path).name)
    return file_name(path)


def extension_of(file: File) -> FileExtension:
    """Return the format of a file."""
    return SUFFIXES[str(file.extension)]


def _named(paths: Paths) -> Iterable[tuple[str, str]]:
    if isinstance(paths, Mapping):
        by_name = cast("Mapping[str, str | Path]", paths)
        return [(name, str(path)) for name, path in by_name.items()]
    given = [paths] if isinstance(paths, str | Path) else paths
    return [(_logical_name(str(path)), str(path)) for path in given]


def _logical_name(path: str) -> str:
    name = file_name(path)
    if has_parts(path):
        name = _before_wildcard(path)
    return name.partition(".")[0] or name


def _before_wildcard(path: str) -> str:
    pieces = path.rstrip("/").split("/")
    fixed: list[str] = []
    for piece in pieces:
        begun = piece
        for wildcard in _WILDCARDS:
            begun = begun.partition(wildcard)[0]
        if begun != piece:
            fixed.append(begun.rstrip(_BETWEEN))
            break
        fixed.append(piece)
    named = [piece for piece in fixed if piece]
    return named[-1] if named else "table"


def _parted(name: str, path: str) -> File:
    parts = find_parts(path, tuple(SUFFIXES))
    if not parts:
        raise MissingFileError.from_path(name, path)
    suffixes = [suffix.lstrip(".").lower() for suffix in Path(file_name(parts[0].path)).suffixes]
    known = [suffix for suffix in suffixes if suffix in SUFFIXES]
    if not known:
        listed = ", ".join(SUFFIXES)
        msg = f"The parts at {mask(path)!r} have no known format. Known: {listed}."
        raise ETLConstructionError(msg)
    return FILE_TYPES[SUFFIXES[known[-1]]](name, path)


def extract(
    file: File, schema: type[Schema]
) -> tuple[dict[str, pl.DataFrame], list[ConversionIssue]]:
    """Return the tables of a file by logical name, and what did not convert.

    Raises:
        FileContentError: The file is not what its format says.
        FileNotFoundError: The file is gone.
    """
    extractor_class = cast("Any", get_extractor_class(file.extension, schema.schema_type()))
    extractor: Extractor = extractor_class(file, schema, logger=SILENT)
    return extractor.extract(), extractor.conversion_issues


def natural_frame(file: File) -> pl.DataFrame:
    """Return the one table of a file in the types that its format has.

    Raises:
        FileContentError: The file is not what its format says.
        FileNotFoundError: The file is gone.
    """
    members = {
        "_FILENAME": file.name,
        "_EXTENSION": file.extension,
        "_SCHEMA_TYPE": "single",
        "PLACEHOLDER": PLACEHOLDER,
    }
    return extract(file, type("Natural", (Schema,), members))[0][file.name]


def failing_columns(inferred: InferredFile, issues: list[ConversionIssue]) -> dict[str, set[str]]:
    """Return the columns, by table, that did not convert to the types found so far."""
    failing: dict[str, set[str]] = {}
    for issue in issues:
        if issue.severity is ValidationSeverity.ERROR and not issue.while_reading:
            failing.setdefault(issue.table or inferred.name, set()).add(issue.column)
    return failing
