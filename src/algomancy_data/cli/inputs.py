"""From the files of a command line to the files of an ETL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from algomancy_data.datamanager import StatelessDataManager
from algomancy_data.errors import CommandLineError
from algomancy_data.file.locations import file_name
from algomancy_data.folder.raw import raw_files

if TYPE_CHECKING:
    from collections.abc import Iterable

    from algomancy_data.cli.stores import Making
    from algomancy_data.file import File

# A name has nothing in it that a path or an address has before its first "=".
_NAMED: Final = re.compile(r"(?P<name>[^=/\\:?*]+)=(?P<path>.+)", re.DOTALL)


def input_files(given: Iterable[str], making: Making) -> dict[str, File]:
    """Return the files by their logical names.

    Args:
        given: ``name=path``, a path whose name up to the first dot is the logical one, or a
            directory of such files. Behind ``name=``, a directory or pattern is one table in
            parts.
        making: Has the schemas, which say in which format a file is, and the limits.

    Raises:
        CommandLineError: A file has no schema.
        ETLConstructionError: A path leads nowhere, or a name is given twice.
    """
    items = named_paths(given)
    _check_schemas(items, making)
    manager = StatelessDataManager(making.factory, making.schemas, "json", making.data_class)
    files = manager.prepare_files(file_items_with_path=items)
    return {name: file.within(making.read_limits) for name, file in files.items()}


def named_paths(given: Iterable[str]) -> list[tuple[str, str]]:
    """Return the logical name and the path of each file.

    Raises:
        ValidationError: A directory has something else in it than files.
    """
    items: list[tuple[str, str]] = []
    for text in given:
        named = _NAMED.fullmatch(text)
        if named is not None:
            items.append((named["name"], named["path"]))
        elif Path(text).is_dir():
            items += raw_files(Path(text))
        else:
            items.append((file_name(text).partition(".")[0], text))
    return items


def has_names(given: Iterable[str]) -> bool:
    """Tell whether a file was given as ``name=path``."""
    return any(_NAMED.fullmatch(text) for text in given)


def _check_schemas(items: Iterable[tuple[str, str]], making: Making) -> None:
    declared = [schema.file_name() for schema in making.schemas]
    for name, path in items:
        if name not in declared:
            msg = (
                f"There is no schema for {path!r}: the schemas are about {', '.join(declared)}. "
                f"If it is one of these, write it as name={path}."
            )
            raise CommandLineError(msg)
