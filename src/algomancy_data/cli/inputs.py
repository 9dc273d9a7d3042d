"""The files given at the prompt, and whether they can be read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from algomancy_data.cli.extras import require_reader
from algomancy_data.datamanager import StatelessDataManager
from algomancy_data.display.words import meant, nearest
from algomancy_data.errors import CommandLineError, ValidationError
from algomancy_data.file.locations import exists, has_parts, is_address
from algomancy_data.folder.raw import raw_files
from algomancy_data.inference.schemas import logical_name
from algomancy_data.provenance import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from algomancy_data.cli.declarations import Declarations
    from algomancy_data.file import File

# A name has nothing in it that a path or an address has before its first "=".
_NAMED: Final = re.compile(r"(?P<name>[^=/\\:?*]+)=(?P<path>.+)", re.DOTALL)
_HIDDEN: Final = (".", "_")

Files: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="FILES",
        help="Files, name=FILE for those not named like their table, name=PATTERN for tables in "
        "parts, or a directory of files.",
    ),
]


Only: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="TABLE",
        help="Leave out all files but this one; again for more. Else: all.",
        show_default=False,
    ),
]
Rows: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--rows",
        metavar="N",
        min=1,
        help="A sample: the first N rows of each table, and the rows that they refer to.",
        show_default=False,
    ),
]
Seed: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--random",
        metavar="SEED",
        min=0,
        help="With --rows: random rows instead, which ones a number says.",
        show_default=False,
    ),
]


def sample_of(rows: int | None, seed: int | None) -> Sample | None:
    """Return the sample that the command line asks for, if any.

    Raises:
        CommandLineError: It does not say of how many rows.
    """
    if rows is None:
        if seed is not None:
            msg = "--random goes with --rows: say how many rows."
            raise CommandLineError(msg)
        return None
    return Sample(rows, seed)


def input_files(
    given: Iterable[str], declared: Declarations, only: Sequence[str] | None = None
) -> dict[str, File]:
    """Return the files by their logical names.

    Args:
        given: What the command line names.
        declared: What the files hold.
        only: Names of those that are wanted; None for all.

    Raises:
        CommandLineError: A path leads nowhere, or a file has no schema or is wanted and not there.
        ETLConstructionError: A name is given twice.
        MissingExtraError: A package is not installed that reading a file needs.
    """
    items = named_paths(given)
    known = [schema.file_name() for schema in declared.schemas]
    if only:
        _check_only(only, known, items)
        items = [item for item in items if item[0] in only]
    for name, path in items:
        if name not in known:
            raise CommandLineError(_without_schema(name, path, known))
    manager = StatelessDataManager(declared.factory, declared.schemas, "json", declared.data_class)
    files = manager.prepare_files(file_items_with_path=items)
    for name, file in files.items():
        require_reader(name, "" if file.path is None else file.path, str(file.extension))
    return {name: file.within(declared.read_limits) for name, file in files.items()}


def named_paths(given: Iterable[str]) -> list[tuple[str, str]]:
    """Return the logical name and the path of each file; the paths exist.

    Args:
        given: ``name=path``, a path whose name up to the first dot is the logical one, or a
            directory of such files. Behind ``name=``, a directory or pattern is one table in
            parts.

    Raises:
        CommandLineError: A path leads nowhere, or a directory has something else in it than files.
    """
    items: list[tuple[str, str]] = []
    for text in given:
        named = _NAMED.fullmatch(text)
        path = text if named is None else named["path"]
        if problem := _problem_of_path(path):
            raise CommandLineError(problem)
        if named is not None:
            items.append((named["name"], path))
        elif Path(text).is_dir():
            items += _files_in(text)
        else:
            items.append((logical_name(text), text))
    return items


def paths_by_name(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return paths by their logical names.

    Raises:
        CommandLineError: Two files have one name.
    """
    paths: dict[str, str] = {}
    for name, path in items:
        if name in paths:
            msg = (
                f"{paths[name]!r} and {path!r} are both named {name!r}. Write one of them as "
                f"another_name={path}."
            )
            raise CommandLineError(msg)
        paths[name] = path
    return paths


def check_dataset_name(name: str) -> None:
    """Refuse a file's name where the dataset's name was probably forgotten.

    Raises:
        CommandLineError: There is such a file.
    """
    named = _NAMED.fullmatch(name)
    path = Path(name if named is None else named["path"])
    if path.is_file():
        msg = f"{name!r} is a file. The name of the dataset comes first: load DATASET {name} …"
        raise CommandLineError(msg)


def _check_only(
    only: Sequence[str], known: Sequence[str], items: Sequence[tuple[str, str]]
) -> None:
    names = [name for name, _ in items]
    for name in only:
        if name not in known:
            msg = f"--only {name}: the schemas are about {', '.join(known)}.{meant(name, known)}"
            raise CommandLineError(msg)
        if name not in names:
            msg = f"--only {name}: there is no such file among {', '.join(names)}."
            raise CommandLineError(msg)


def _without_schema(name: str, path: str, known: list[str]) -> str:
    return (
        f"There is no schema of the name {name!r} for {path!r}: the schemas are about "
        f"{', '.join(known)}.{meant(name, known)} If it is one of these, write it as name={path}."
    )


def _problem_of_path(path: str) -> str | None:
    """Return why there is nothing to read at a path, or None; addresses are not checked."""
    if not path:
        return "A file is given as '': name its path."
    if is_address(path):
        return None
    there = Path(path)
    if there.is_dir():
        if any(not entry.name.startswith(_HIDDEN) for entry in there.iterdir()):
            return None
        return f"There are no files in the directory {path!r}."
    if has_parts(path):
        return None if exists(path) else f"No file matches the pattern {path!r}. Check the path."
    if there.exists():
        return None
    return f"There is no file at {path!r}.{_near_path(there)} Check the path."


def _near_path(path: Path) -> str:
    """Return the question whether another file in the folder is meant."""
    if not path.parent.is_dir():
        return f" There is no folder {str(path.parent)!r} either."
    suffix = path.suffix
    stems = [
        entry.stem for entry in path.parent.iterdir() if entry.suffix == suffix and entry.is_file()
    ]
    near = nearest(path.stem, stems)
    return near and f" Is {near + suffix!r} meant?"


def _files_in(directory: str) -> list[tuple[str, str]]:
    try:
        return raw_files(Path(directory))
    except ValidationError as error:
        msg = f"{error} If its files are parts of one table, write it as name={directory}."
        raise CommandLineError(msg) from error
