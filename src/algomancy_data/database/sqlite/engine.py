"""Engines on SQLite files, which may be moved, replaced, or opened by another library.

POSIX locks belong to the process, so when one of two SQLite libraries in it closes the file, the
locks of the other are gone and commits can vanish: https://www.sqlite.org/howtocorrupt.html, 2.2.1.
So it is noticed when Python's ``sqlite3`` opens a file that ADBC's SQLite has open.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
import weakref
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import event

from algomancy_data.database.adbc.dialect import pooled_engine
from algomancy_data.errors import SecondLibraryWarning

if TYPE_CHECKING:
    import sqlalchemy as sa


_open_files: Final[Counter[tuple[int, int]]] = Counter()
_lock: Final = threading.Lock()
_EVENT: Final = "sqlite3.connect"


def file_opened(path: str) -> tuple[int, int] | None:
    """Note that ADBC has opened a file; return what to pass on when it is closed."""
    found = identity(path)
    if found is not None:
        with _lock:
            _open_files[found] += 1
    return found


def file_closed(closed: tuple[int, int] | None) -> None:
    """Note that ADBC has closed a file once."""
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
    """Return the identity of a file, whatever its name: device and inode."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


sys.addaudithook(_watch)


class _OpenedFile(NamedTuple):
    """The file that an engine's last new connection is on."""

    path: str
    file: tuple[int, int] | None


_opened_files: Final[weakref.WeakKeyDictionary[sa.Engine, _OpenedFile]] = (
    weakref.WeakKeyDictionary()
)


def file_engine(url: sa.URL) -> sa.Engine:
    """Return an engine on a file, which is noted when it is opened."""
    engine = pooled_engine(url)
    reference = weakref.ref(engine)

    @event.listens_for(engine, "connect")
    def note_file(connection: Any, record: Any) -> None:
        del record
        if (own := reference()) is not None:
            _opened_files[own] = _OpenedFile(connection.path, connection.file)

    del note_file  # the engine has it
    return engine


def is_replaced(engine: sa.Engine) -> bool:
    """Tell whether the file that an engine has open has been replaced."""
    opened = _opened_files.get(engine)
    return opened is not None and identity(opened.path) != opened.file


def why_unopened(path: Path) -> str:
    """Return why a file cannot be opened, and what to do; nothing if its path is as it should be.

    Example:
        >>> why_unopened(Path("/nowhere/data.db"))
        "there is no folder '/nowhere'. Make it first."
    """
    try:
        if path.is_dir():
            return "it is a folder. Give the path of a file."
        if not path.parent.exists():
            return f"there is no folder {str(path.parent)!r}. Make it first."
        if not path.parent.is_dir():
            return f"{str(path.parent)!r} is a file, not a folder. Give another path."
        with path.open("rb"):
            return ""
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{error.strerror}. Check the permissions of the file and of its folder."
