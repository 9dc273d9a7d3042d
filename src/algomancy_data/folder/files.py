"""Files and directories that are on the disk when a call returns, whole or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def sync_file(path: Path) -> None:
    """Wait until the content of a file is on the disk."""
    _sync(path, os.O_RDONLY)


def sync_directory(path: Path) -> None:
    """Wait until the names in a directory are on the disk."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file and wait until it is on the disk."""
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def replace_whole(temporary: Path, target: Path) -> None:
    """Put a synced file in the place of another one, if there is one, in one step.

    Whoever reads sees the old file or the new one. When this raises, the old one is there.
    """
    before = target.read_bytes() if target.exists() else None
    temporary.replace(target)
    try:
        sync_directory(target.parent)
    except OSError:
        if before is None:
            target.unlink()
        else:
            write_synced(temporary, before)
            temporary.replace(target)
        raise


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
