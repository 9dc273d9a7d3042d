"""Jobs from a TOML file, or from a folder with a folder for each job."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from algomancy_data.batch.job import Job
from algomancy_data.errors import AlgomancyDataError, BatchError
from algomancy_data.etl.settings import INHERIT
from algomancy_data.file.locations import has_parts, is_address
from algomancy_data.folder.raw import raw_files
from algomancy_data.messages import ValidationSeverity

if TYPE_CHECKING:
    import os

_KEYS: Final = {
    "dataset": str,
    "files": (dict, str),
    "mode": str,
    "repeated": str,
    "halt_on": str,
    "quarantine": bool,
    "version": str,
}
_TABLE: Final = "job"


def read_jobs(source: str | os.PathLike[str]) -> list[Job]:
    r"""Return the jobs that a file or folder describes.

    Args:
        source: A file in TOML with a table ``[[job]]`` for each, whose keys are the fields of
            :class:`Job`; ``files`` may also be the path of a folder. Relative paths begin in the
            folder of the file. Or an inbox: a folder that has a folder for each dataset, in which
            its files are. The name of a file up to its first dot is its logical name.

    Raises:
        BatchError: It cannot be read, or is written otherwise.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "jobs.toml")
        ...     _ = path.write_text('[[job]]\ndataset = "a"\nfiles = { t = "t.csv" }')
        ...     [job] = read_jobs(path)
        ...     job.dataset, job.paths == [("t", str(Path(folder, "t.csv").resolve()))]
        ('a', True)
    """
    path = Path(source)
    if path.is_dir():
        return _of_inbox(path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"The jobs in {str(path)!r} cannot be read: {error}."
        raise BatchError(msg) from error
    tables = document.pop(_TABLE, None)
    if document or not isinstance(tables, list):
        msg = f"{str(path)!r} must have a table [[{_TABLE}]] for each job, and nothing else."
        raise BatchError(msg)
    return [
        _job(path, number, table) for number, table in enumerate(cast("list[object]", tables), 1)
    ]


def _of_inbox(inbox: Path) -> list[Job]:
    folders = sorted(path for path in inbox.iterdir() if not path.name.startswith("."))
    for path in folders:
        if not path.is_dir():
            msg = f"{str(path)!r} is no folder: an inbox has a folder for each dataset."
            raise BatchError(msg)
    return [Job(path.name, _files_in(path)) for path in folders]


def _files_in(folder: Path) -> dict[str, str]:
    try:
        return dict(raw_files(folder.resolve()))
    except NotADirectoryError as error:
        msg = f"{str(folder)!r} is a file: give a folder, or files by name: {{ sales = '…' }}."
        raise BatchError(msg) from error
    except (AlgomancyDataError, OSError) as error:
        why = getattr(error, "strerror", None) or error
        msg = f"The files of {str(folder)!r} cannot be loaded: {why}"
        raise BatchError(msg) from error


def _job(path: Path, number: int, table: object) -> Job:
    where = f"Job {number} in {str(path)!r}"
    if not isinstance(table, dict):
        msg = f"{where} is no table."
        raise BatchError(msg)
    given = cast("dict[str, Any]", table)
    for key, value in given.items():
        if key not in _KEYS or not isinstance(value, _KEYS[key]):
            known = ", ".join(_KEYS)
            msg = f"{where}: {key} = {value!r} is not understood. Keys: {known}."
            raise BatchError(msg)
    for key in ("dataset", "files"):
        if key not in given:
            msg = f"{where} has no {key}."
            raise BatchError(msg)
    files = given["files"]
    if isinstance(files, dict):
        for name, file in cast("dict[str, object]", files).items():
            if not isinstance(file, str):
                msg = f"{where}: the file {name!r} must be a path, not {file!r}."
                raise BatchError(msg)
    halt_on = given.get("halt_on")
    if halt_on is not None and halt_on.upper() not in list(ValidationSeverity):
        known = ", ".join(one.lower() for one in ValidationSeverity)
        msg = f"{where}: halt_on must be one of {known}, not {halt_on!r}."
        raise BatchError(msg)
    home = path.resolve().parent
    try:
        return Job(
            given["dataset"],
            _files_in(home / files)
            if isinstance(files, str)
            else {name: _located(home, file) for name, file in files.items()},
            given.get("mode", "replace"),
            given.get("repeated", "refuse"),
            None if halt_on is None else ValidationSeverity(halt_on.upper()),
            given.get("quarantine", INHERIT),
            given.get("version", ""),
        )
    except ValueError as error:
        msg = f"{where}: {error}"
        raise BatchError(msg) from error


def _located(home: Path, file: str) -> str:
    """Return a path that means the same to workers in other working directories."""
    if is_address(file):
        return file
    return str(home / file) if has_parts(file) else str((home / file).resolve())
