"""From what a caller has (paths, uploads) to the File objects that an ETL reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from algomancy_data.errors import ETLConstructionError
from algomancy_data.file import FILE_TYPES
from algomancy_data.schema import FileExtension

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from algomancy_data.file import File
    from algomancy_data.schema import Schema


class MissingFileError(ETLConstructionError, FileNotFoundError):
    """A path that was given does not lead to a file."""

    @classmethod
    def from_path(cls, name: str, path: str) -> Self:
        """Name the file and the path."""
        return cls(f"File {name!r}: there is no file at {path!r}. Check the path.")


class EmptyUploadError(ETLConstructionError, AssertionError):
    """An upload has no content."""


def check_existence(named_paths: Iterable[tuple[str, str]]) -> None:
    """Make sure that each path leads to a file.

    Raises:
        MissingFileError: One does not (also a ``FileNotFoundError``).
    """
    for name, path in named_paths:
        if not Path(path).is_file():
            raise MissingFileError.from_path(name, path)


def files_from_uploads(
    items: Iterable[tuple[str, str, str]], schemas: Mapping[str, type[Schema]]
) -> dict[str, File]:
    """Return a File per ``(name, extension, data URI)``.

    Raises:
        ETLConstructionError: An extension is unknown, or a content empty.
    """
    files: dict[str, File] = {}
    for name, extension, content in items:
        if not content:
            msg = f"File {name!r} was uploaded without content."
            raise EmptyUploadError(msg)
        file_type = FILE_TYPES[_extension(name, extension, schemas)]
        files[name] = file_type(name=name, content=content)
    return files


def files_from_paths(
    items: Iterable[tuple[str, str]], schemas: Mapping[str, type[Schema]]
) -> dict[str, File]:
    """Return a File per ``(name, path)``.

    Raises:
        ETLConstructionError: A path leads nowhere, or an extension is missing or unknown.
    """
    named_paths = list(items)
    check_existence(named_paths)
    return {
        name: FILE_TYPES[_extension(name, _suffix(path), schemas)](name=name, path=path)
        for name, path in named_paths
    }


def _suffix(path: str) -> str:
    """Return the format's suffix; ``orders.csv.gz`` is a CSV file."""
    suffixes = [suffix.lstrip(".").lower() for suffix in Path(path).suffixes]
    known = [suffix for suffix in suffixes if suffix in {str(key) for key in FILE_TYPES}]
    return (known or suffixes or [""])[-1]


def _extension(name: str, given: str, schemas: Mapping[str, type[Schema]]) -> FileExtension:
    """Return the format: what the schema says, else what the caller or the suffix says."""
    extension = str(schemas[name].extension()) if name in schemas else given.lstrip(".").lower()
    if not extension:
        msg = f"File {name!r} has no extension and no schema, so its format is unknown."
        raise ETLConstructionError(msg)
    if extension not in FILE_TYPES:
        known = ", ".join(FILE_TYPES)
        msg = f"File {name!r} has the unknown extension {extension!r}. Known: {known}."
        raise ETLConstructionError(msg)
    return FileExtension(extension)
