"""Files and directories that are on the disk when a call returns, whole or not at all."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a directory, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_together(*paths: Path) -> None:
    """Wait until files and directories are on the disk: about as long as for one of them."""
    with ThreadPoolExecutor(len(paths), "algomancy-data-sync") as pool:
        list(pool.map(sync, paths))


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
        sync(target.parent)
    except OSError:
        if before is None:
            target.unlink()
        else:
            write_synced(temporary, before)
            temporary.replace(target)
        raise
