"""Scratch files: room on disk for what is larger than memory.

A scratch file has no name: it is unlinked while it is open, so that the system takes it back when
the process ends, however it ends. What was written is read by mapping it: pages that are needed
come into memory, and the system may drop them again, since they are on disk.
"""

from __future__ import annotations

import io
import os
import sys
import weakref
from bisect import bisect_right
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import Any, Final, Self

from algomancy_data.errors import ScratchError

VARIABLE: Final = "ALGOMANCY_SCRATCH"
_MAPS: Final = Path("/proc/self/maps")


def scratch_directory() -> str:
    """Return where scratch files are made.

    That is what the environment variable ``ALGOMANCY_SCRATCH`` says, else Python's directory for
    temporary files. A directory in memory (``tmpfs``) defeats the purpose.

    Example:
        >>> import os, tempfile
        >>> scratch_directory() == os.environ.get("ALGOMANCY_SCRATCH", tempfile.gettempdir())
        True
    """
    return os.environ.get(VARIABLE) or gettempdir()


_DESCRIPTORS: Final = Path("/proc/self/fd")
"""Where Linux has the open files of the process. Those in ``/dev/fd`` elsewhere will not do:
to open one goes on where the last reader or writer stopped."""
_HAS_PATHS: Final = _DESCRIPTORS.is_dir()


class ScratchFile:
    """A file which is written from its beginning to its end and then mapped.

    It has what pyarrow asks of a file to write to.

    Args:
        place: Where another process will look for it; None for a file without a name.

    Raises:
        ScratchError: The directory cannot be used.

    Example:
        >>> with ScratchFile() as file:
        ...     _ = file.write(b"rows")
        ...     bytes(file.mapped())
        b'rows'
    """

    def __init__(self, place: Path | None = None) -> None:
        self._directory = scratch_directory() if place is None else str(place.parent)
        try:
            self._file: Any = (
                TemporaryFile(buffering=0, dir=self._directory)  # noqa: SIM115  ours to close
                if place is None
                else place.open("w+b", buffering=0)
            )
        except OSError as error:
            raise ScratchError.from_failure(self._directory, VARIABLE, error) from error
        self.size = 0
        # Whoever has it may not know when nobody needs it any more.
        weakref.finalize(self, self._file.close)

    @property
    def path(self) -> Path:
        """A path that opens the file on Linux, until it is closed."""
        return _DESCRIPTORS / str(self.fileno())

    @property
    def closed(self) -> bool:
        """Whether the file is closed; mapped memory stays valid."""
        return self._file.closed

    def fileno(self) -> int:
        """Return the descriptor of the open file."""
        return self._file.fileno()

    def write(self, data: Any) -> int:
        """Append all bytes of anything that has a buffer, and return how many they are.

        Raises:
            ScratchError: There is no room for them.
        """
        left = memoryview(data).cast("B")
        count = len(left)
        try:
            while left:  # a write may stop where the disk is full, and says so at the next one
                left = left[self._file.write(left) :]
        except OSError as error:
            raise ScratchError.from_failure(self._directory, VARIABLE, error) from error
        self.size += count
        return count

    def flush(self) -> None:
        """Do nothing, since writes are not buffered."""

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.size

    def mapped(self) -> memoryview:
        """Map what was written into memory, which stays valid when the file is closed.

        Raises:
            ScratchError: There are no addresses left for it.
        """
        if not self.size:  # an empty file cannot be mapped
            return memoryview(b"")
        try:
            return memoryview(mmap(self.fileno(), self.size, access=ACCESS_READ))
        except OSError as error:
            raise ScratchError.from_failure(self._directory, VARIABLE, error) from error

    def close(self) -> None:
        """Close the file; its space is freed once nothing maps it."""
        self._file.close()

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()


class Spool:
    """Bytes that are kept in memory up to a size, else in a scratch file.

    Args:
        most: How many bytes are kept in memory; None for all, as on systems other than Linux.

    Attributes:
        spills: Whether there is a size from which on they go to a file.

    Example:
        >>> spool = Spool(3)
        >>> spool.write(b"ab")
        >>> spool.content()
        b'ab'
        >>> spool.write(b"cd")
        >>> content = spool.content()
        >>> isinstance(content, ScratchFile) and content.path.read_bytes()
        b'abcd'
    """

    def __init__(self, most: int | None) -> None:
        self._most = most if _HAS_PATHS else None
        self.spills = self._most is not None
        self._memory = io.BytesIO()  # hands out its content without a copy
        self._file: ScratchFile | None = None
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Append bytes.

        Raises:
            ScratchError: There is no room for them.
        """
        self.size += len(piece)
        if self._file is None and self._most is not None and self.size > self._most:
            self._file = ScratchFile()
            self._file.write(self._memory.getbuffer())
            self._memory = io.BytesIO()
        if self._file is None:
            self._memory.write(piece)
        else:
            self._file.write(piece)

    def content(self) -> bytes | ScratchFile:
        """Return what was written."""
        return self._memory.getvalue() if self._file is None else self._file


class FilePages:
    """The addresses at which this process has files mapped now; none if the system does not tell.

    Example:
        >>> id(object()) in FilePages()
        False
    """

    def __init__(self) -> None:
        try:
            lines = _MAPS.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:  # not Linux
            lines = []
        # Address range, permissions, offset, device, inode (0 for memory), path.
        found = (line.split(maxsplit=5) for line in lines)
        ranges = (one[0].split("-") for one in found if one[4] != "0")
        self._ranges = [(int(start, 16), int(end, 16)) for start, end in ranges]

    def __contains__(self, address: int) -> bool:
        """Tell whether a file is mapped at an address."""
        place = bisect_right(self._ranges, (address, sys.maxsize)) - 1
        return place >= 0 and address < self._ranges[place][1]
