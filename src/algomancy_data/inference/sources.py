"""From the paths that a caller gives to files with logical names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from algomancy_data.datamanager.input_files import MissingFileError, files_from_paths
from algomancy_data.errors import ETLConstructionError
from algomancy_data.file import FILE_TYPES, SUFFIXES
from algomancy_data.file.locations import file_name, find_parts, has_parts
from algomancy_data.masking import mask

if TYPE_CHECKING:
    from algomancy_data.file import File
    from algomancy_data.schema import FileExtension

_WILDCARDS: Final = "*?["
_BETWEEN: Final = "-_. "

Paths: TypeAlias = "str | Path | Iterable[str | Path] | Mapping[str, str | Path]"
"""A path, several, or paths by the logical names that their files are to have."""


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
