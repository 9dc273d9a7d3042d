"""The memory of this process: its peak, and what is anonymous or mapped."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, Self

try:
    import resource
except ImportError:  # Windows
    resource = None

_STATUS: Final = Path("/proc/self/status")
_STATM: Final = Path("/proc/self/statm")
_KIBIBYTE: Final = 1024
_UNIT: Final = 1 if sys.platform == "darwin" else _KIBIBYTE
_TICK: Final = 0.01  # seconds


def peak_memory() -> int | None:
    """Return the peak resident memory of this process, in bytes.

    Pages of mapped files count. None where the platform does not say.

    Example:
        >>> (peak_memory() or 0) > 1_000_000
        True
    """
    if resource is None:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT
    return peak if peak > _inherited() else _from_status()


@cache
def _inherited() -> int:
    """Return the peak that ``getrusage`` inherited from the program that started this one.

    Linux keeps the peak when a process runs another program, so a small program that a large one
    started seems as large. Its ``/proc`` knows better, and takes 25 times as long to ask.
    """
    own = _from_status()
    if own is None or resource is None:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT
    return peak if peak > own else 0


def _from_status() -> int | None:
    with suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * _KIBIBYTE
    return None


class ResidentMemory(NamedTuple):
    """The resident memory of the process.

    Args:
        anonymous: Bytes that no file has; None where the system does not say.
        mapped: Bytes of mapped files, which the system takes back when it needs the room.
    """

    anonymous: int | None = None
    mapped: int | None = None


def resident_memory() -> ResidentMemory:
    """Return the resident memory of the process now.

    Example:
        >>> memory = resident_memory()
        >>> memory.anonymous is None or memory.anonymous > 1_000_000
        True
    """
    if resource is not None:
        with suppress(OSError):
            _, resident, shared, *_ = map(int, _STATM.read_bytes().split())
            page = resource.getpagesize()
            return ResidentMemory((resident - shared) * page, shared * page)
    return ResidentMemory()


class MemoryWatch:
    """Samples the resident memory 100 times a second, and at the end of its block.

    Attributes:
        most: The most that it had.
    """

    def __init__(self) -> None:
        self.most = resident_memory()
        self._is_over = threading.Event()
        self._thread = threading.Thread(
            target=self._look_again, name="algomancy-data-memory", daemon=True
        )

    def _look_again(self) -> None:
        while not self._is_over.wait(_TICK):
            self._look()

    def _look(self) -> None:
        now, most = resident_memory(), self.most
        self.most = ResidentMemory(
            max(now.anonymous or 0, most.anonymous or 0), max(now.mapped or 0, most.mapped or 0)
        )

    def __enter__(self) -> Self:
        """Begin to sample, if the system reports memory."""
        if self.most.anonymous is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Sample once more."""
        if self.most.anonymous is not None:
            self._is_over.set()
            self._thread.join()
            self._look()
