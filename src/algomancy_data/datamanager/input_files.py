"""From paths and uploads to the File objects that an ETL reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from algomancy_data.errors import ArgumentError, ETLConstructionError, UnknownFileError
from algomancy_data.file import FILE_TYPES, SUFFIXES, File
from algomancy_data.file.locations import exists, file_name
from algomancy_data.masking import mask
from algomancy_data.registry import registered_keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from algomancy_data.schema import Schema

_Item = TypeVar("_Item", bound=tuple[Any, ...])


class MissingFileError(ETLConstructionError, FileNotFoundError):
    """A path that was given does not lead to a file."""

    @classmethod
    def from_path(cls, name: str, path: str) -> Self:
        """Name the file and the path, and say what is there if it is no file."""
        if Path(path).exists():
            return cls(
                f"File {name!r}: {mask(path)!r} is no file but a pipe or a device, which cannot be "
                f"read twice. Save what it gives as a file."
            )
        return cls(f"File {name!r}: there is no file at {mask(path)!r}. Check the path.")


class EmptyUploadError(ETLConstructionError, AssertionError):
    """An upload has no content."""


def check_existence(named_paths: Iterable[tuple[str, str]]) -> None:
    """Make sure that each path leads to a file, or to parts of one; URLs are not checked.

    Raises:
        MissingFileError: One does not (also a ``FileNotFoundError``).
    """
    for name, path in _checked(named_paths, ("name", "path")):
        if not exists(path):
            raise MissingFileError.from_path(name, path)


def check_files(files: object) -> None:
    """Make sure that an ETL gets files by their logical names.

    Raises:
        ETLConstructionError: It gets anything else.
    """
    given = cast("Mapping[object, object]", files) if isinstance(files, Mapping) else {None: files}
    for name, file in given.items():
        if not isinstance(name, str) or not isinstance(file, File):
            msg = (
                f"An ETL takes a dict of File objects by logical name, not {file!r:.80}. "
                f"Make one with prepare_files()."
            )
            raise ETLConstructionError(msg)


def wanted_files(
    files: Mapping[str, File], only: Collection[str], schemas: Mapping[str, type[Schema]]
) -> dict[str, File]:
    """Return the wanted files.

    Args:
        files: The files by logical name.
        only: Names of those that are wanted.
        schemas: What the files hold, by the same names.

    Raises:
        UnknownFileError: One is wanted that no schema declares (an ``ETLConstructionError``).
        ArgumentError: One name is given, and no list of names.
    """
    if isinstance(only, str):
        raise ArgumentError.from_given("only", only, f"a list of names, such as [{only!r}]")
    for name in only:
        if name not in schemas:
            raise UnknownFileError.from_declared(name, schemas)
    return {name: file for name, file in files.items() if name in only}


def files_from_uploads(
    items: Iterable[tuple[str, str, str]], schemas: Mapping[str, type[Schema]]
) -> dict[str, File]:
    """Return a File per ``(name, extension, data URI)``.

    Raises:
        ETLConstructionError: An extension is unknown, or a content empty.
    """
    files: dict[str, File] = {}
    for name, extension, content in _checked(items, ("name", "extension", "data URI")):
        if not content:
            msg = f"File {name!r} was uploaded without content."
            raise EmptyUploadError(msg)
        files[name] = _file(name, _extension(name, extension, schemas), content=content)
    return files


def files_from_paths(
    items: Iterable[tuple[str, str]], schemas: Mapping[str, type[Schema]]
) -> dict[str, File]:
    """Return a File per ``(name, path)``.

    Raises:
        ETLConstructionError: A path leads nowhere, or an extension is missing or unknown.
    """
    named_paths = _checked(items, ("name", "path"))
    check_existence(named_paths)
    return {
        name: _file(name, _extension(name, _suffix(path), schemas), path=path)
        for name, path in named_paths
    }


def _checked(items: Iterable[_Item], parts: tuple[str, ...]) -> list[_Item]:
    """Return the items, each of which must have these parts and a unique name.

    Raises:
        ETLConstructionError: One has not.
    """
    checked = list(items)
    for item in cast("list[object]", checked):
        if not isinstance(item, tuple | list) or len(cast("list[object]", item)) != len(parts):
            msg = f"Files are given as a list of ({', '.join(parts)}), but one of them is {item!r}."
            raise ETLConstructionError(msg)
    counts = Counter(item[0] for item in checked)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        msg = (
            f"File {twice[0]!r} is given {counts[twice[0]]} times. Files that are one table "
            f"together are given once, as a directory or a pattern such as 'parts/*.csv'."
        )
        raise ETLConstructionError(msg)
    return checked


def _file(name: str, extension: str, path: str | None = None, content: str | None = None) -> File:
    """Return a file of the format's class, or of the base class for a user's format."""
    if extension in FILE_TYPES:
        return FILE_TYPES[SUFFIXES[extension]](name, path, content)
    return File(name, extension, path, content)


def _suffix(path: str) -> str:
    """Return the format's suffix; ``orders.csv.gz`` is a CSV file."""
    suffixes = [suffix.lstrip(".").lower() for suffix in Path(file_name(path)).suffixes]
    known = [suffix for suffix in suffixes if suffix in SUFFIXES or suffix in _own_formats()]
    return (known or suffixes or [""])[-1]


def _extension(name: str, given: str, schemas: Mapping[str, type[Schema]]) -> str:
    """Return the format according to the schema, else the caller, else the suffix."""
    given = given.lstrip(".").lower()
    extension = str(SUFFIXES.get(given, given))
    if name in schemas:
        extension = str(schemas[name].extension())
    if not extension:
        msg = f"File {name!r} has no extension and no schema, so its format is unknown."
        raise ETLConstructionError(msg)
    if extension not in FILE_TYPES and extension not in _own_formats():
        known = ", ".join([*FILE_TYPES, *_own_formats()])
        msg = (
            f"File {name!r} has the unknown extension {extension!r}. Known: {known}. Say what it "
            f"is, in its schema or here, or use register_extractor() for a format of your own."
        )
        raise ETLConstructionError(msg)
    return extension


def _own_formats() -> list[str]:
    """Return the formats that only users' extractors read."""
    names = dict.fromkeys(str(extension) for extension, _ in registered_keys())
    return [name for name in names if name not in FILE_TYPES]
