"""Optional packages that a command needs, checked before any work is done."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from algomancy_data.errors import MissingExtraError
from algomancy_data.file import SUFFIXES
from algomancy_data.file.locations import check_readable
from algomancy_data.schema import FileExtension

if TYPE_CHECKING:
    from pathlib import Path

_PACKAGES: Final = {
    "batch": "tenacity",
    "dask": "distributed",
    "report": "great_tables",
    "xlsx": "fastexcel",
}


def require_extra(extra: str, what: str) -> None:
    """Make sure that an extra is installed.

    Args:
        extra: Its name.
        what: What needs it.

    Raises:
        MissingExtraError: It is not; the message says how to install it.

    Example:
        >>> require_extra("report", "--report page.html")
    """
    if find_spec(_PACKAGES[extra]) is None:
        raise MissingExtraError.from_extra(what, extra)


def require_reader(name: str, path: str | Path, extension: str) -> None:
    """Make sure that the packages for a file's location and format are installed.

    Args:
        name: What to call the file.
        path: Where it is.
        extension: Its format, as its schema or its name says it.

    Raises:
        MissingExtraError: It is not.
    """
    check_readable(path)
    if SUFFIXES.get(extension) == FileExtension.XLSX:
        require_extra("xlsx", f"Reading {name!r}, an XLSX workbook,")
