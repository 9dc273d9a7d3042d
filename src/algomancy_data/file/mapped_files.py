"""Files that are looked at without being read: as bytes that the system fetches where needed."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def bytes_of(source: Path | bytes) -> memoryview:
    """Return what is in a file, or the bytes that were given.

    The mapping is not closed here but when nobody has a view of it any more: an error may hold on
    to one for a while.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is empty.

    Example:
        >>> bytes_of(b"ab")[:1] == b"a"
        True
    """
    if isinstance(source, bytes):
        return memoryview(source)
    with source.open("rb") as stream:
        return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
