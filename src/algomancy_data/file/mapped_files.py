"""Files that are looked at without being read: as bytes that the system fetches where needed."""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read_if_small(source: Path | bytes, largest: int) -> Path | bytes:
    """Return what is in a file of up to some bytes, and any other source as it is.

    What is read once costs less than what is mapped to be looked at, and opened again to be read.

    Raises:
        OSError: It cannot be read.

    Example:
        >>> from pathlib import Path
        >>> read_if_small(Path(__file__), largest=10) == Path(__file__)
        True
    """
    if isinstance(source, bytes):
        return source
    with source.open("rb", buffering=0) as stream:
        return source if os.fstat(stream.fileno()).st_size > largest else stream.read()


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
