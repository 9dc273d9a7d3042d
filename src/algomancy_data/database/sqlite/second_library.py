"""Notices when Python's ``sqlite3`` opens a file that ADBC's SQLite has open in this process.

POSIX locks belong to the process, so when one of two SQLite libraries closes the file, the locks
of the other are gone, and commits can vanish: https://www.sqlite.org/howtocorrupt.html, 2.2.1.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections import Counter
from pathlib import Path
from typing import Final

from algomancy_data.errors import SecondLibraryWarning

_open_files: Final[Counter[tuple[int, int]]] = Counter()
_lock: Final = threading.Lock()
_EVENT: Final = "sqlite3.connect"


def file_opened(path: str) -> tuple[int, int] | None:
    """Remember that ADBC has a file open; return what to say when it is closed."""
    found = identity(path)
    if found is not None:
        with _lock:
            _open_files[found] += 1
    return found


def file_closed(closed: tuple[int, int] | None) -> None:
    """Remember that ADBC has closed a file once."""
    if closed is None:
        return
    with _lock:
        _open_files[closed] -= 1
        if not _open_files[closed]:
            del _open_files[closed]


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    """Warn when the file that ``sqlite3`` is about to open is open here (an audit hook)."""
    if event != _EVENT or not _open_files or not arguments:
        return
    path = arguments[0]
    if isinstance(path, str | bytes | os.PathLike):
        name = os.fsdecode(path)
        if identity(name.removeprefix("file:").partition("?")[0]) in _open_files:
            msg = (
                f"Python's sqlite3 opens {name!r}, which algomancy-data has open in this process "
                f"through another SQLite library. When one of them closes the file, the other "
                f"loses its locks, and commits can vanish. Use the manager's engine, or close() "
                f"the manager first, or open the file in another process."
            )
            warnings.warn(msg, SecondLibraryWarning, stacklevel=3)


def identity(path: str) -> tuple[int, int] | None:
    """Return what a file is whatever its name: device and inode."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


sys.addaudithook(_watch)
