"""Directories through which processes exchange files."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from algomancy_data.errors import ScratchError
from algomancy_data.frames.scratch import VARIABLE, scratch_directory

if TYPE_CHECKING:
    from collections.abc import Generator

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_PREFIX: Final = "algomancy-exchange-"
_LOCK: Final = "in-use"


@contextmanager
def exchange_directory() -> Generator[Path]:
    """Provide a directory for a block; it is removed afterwards with everything in it.

    Those of programs that were killed are removed as well: nobody has their lock any longer.

    Raises:
        ScratchError: It cannot be made.

    Example:
        >>> with exchange_directory() as directory:
        ...     _ = (directory / "part").write_bytes(b"rows")
        >>> directory.exists()
        False
    """
    above = scratch_directory()
    directory = Path(above).absolute() / f"{_PREFIX}{uuid4().hex}"
    try:
        _clear(Path(above))
        directory.mkdir(mode=0o700)
        lock = _lock(directory)
    except OSError as error:
        raise ScratchError.from_failure(above, VARIABLE, error) from error
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def remove_mapped(place: Path) -> None:
    """Remove a file whose memory may be in use.

    Windows refuses to: there the file goes with its directory, if nothing uses it by then.
    """
    with suppress(PermissionError):
        place.unlink()


def _lock(directory: Path) -> int | None:
    """Take the lock of a new directory; None if the system has no such locks."""
    if fcntl is None:
        return None
    mine = directory / uuid4().hex
    lock = os.open(mine, os.O_CREAT | os.O_RDWR, 0o600)
    _try_lock(lock)
    mine.rename(directory / _LOCK)  # others look for one that is taken already
    return lock


def _clear(above: Path) -> None:
    """Remove the directories whose programs have ended."""
    for directory in above.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # of another user, or gone meanwhile
            lock = os.open(directory / _LOCK, os.O_RDWR)
            try:
                if _try_lock(lock):
                    shutil.rmtree(directory, ignore_errors=True)
            finally:
                os.close(lock)


def _try_lock(descriptor: int) -> bool:
    """Take a lock that the system takes back when the process ends; tell whether it was free."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
