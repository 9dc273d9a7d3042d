"""The most memory that the process ever had, asked for at the price of one system call."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

try:
    import resource
except ImportError:  # Windows
    resource = None

_STATUS: Final = Path("/proc/self/status")
_KIBIBYTE: Final = 1024
_UNIT: Final = 1 if sys.platform == "darwin" else _KIBIBYTE


def peak_memory() -> int | None:
    """Return the most memory, in bytes, that this process ever had resident at one time.

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
    """Return up to where ``getrusage`` speaks of the program that started this one.

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
