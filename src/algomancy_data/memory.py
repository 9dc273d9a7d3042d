"""How much memory is available, and how much of it may be used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from algomancy_data.display.words import size_text
from algomancy_data.errors import MemoryLimitError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "MemoryBudget",
    "available_memory",
]

IN_MEMORY_BYTES: Final = 1 << 28
"""What is larger than this goes to a scratch file, unless a limit says that less should."""

_MIB: Final = 1 << 20
# What a process takes that has loaded nothing: Python, Polars, Arrow, SQLAlchemy and its driver.
_PROCESS_BYTES: Final = 128 * _MIB
_SMALLEST: Final = 256 * _MIB
# A table in memory is there a second time, as text or encoded, while it is read or written.
_SHARE: Final = 4
# What any computer has to spare; whether there is more takes a look at files of the system.
_ALWAYS_THERE: Final = 1 << 28

_SIZE: Final = re.compile(r"\s*(?P<number>\d+(\.\d+)?)\s*(?P<unit>[KMGT]i?B|B)\s*", re.IGNORECASE)
_KILO: Final = {"": 1000, "i": 1024}
_UNITS: Final = "BKMGT"


@dataclass(frozen=True)
class MemoryBudget:
    """How much memory a process should take, and what follows from that for one table.

    Args:
        limit: Bytes of anonymous memory of the process; None if not set.

    Example:
        >>> MemoryBudget.of("300MiB").in_memory_bytes, MemoryBudget().in_memory_bytes
        (45088768, 268435456)
    """

    limit: int | None = None

    @classmethod
    def of(cls, memory_limit: int | str | None) -> Self:
        """Return the budget for a given limit.

        Args:
            memory_limit: A number of bytes, a text such as ``"2GiB"`` or ``"500 MB"``, or None.

        Raises:
            ValueError: It is not written like that, or too small to work with.
        """
        if memory_limit is None:
            return cls()
        limit = _bytes_of(memory_limit)
        if limit < _SMALLEST:
            msg = (
                f"memory_limit must be at least '{_SMALLEST // _MIB}MiB', not {memory_limit!r}: "
                f"Python and the libraries alone take about half of that."
            )
            raise ValueError(msg)
        return cls(limit)

    @property
    def in_memory_bytes(self) -> int:
        """Size up to which a table is made in memory; the size of writes follows from it."""
        if self.limit is None:
            return IN_MEMORY_BYTES
        return min((self.limit - _PROCESS_BYTES) // _SHARE, IN_MEMORY_BYTES)

    @property
    def room(self) -> int | None:
        """The bytes that the limit leaves for data, or else those that are available.

        None where the system does not say.
        """
        return available_memory() if self.limit is None else self.limit - _PROCESS_BYTES

    def processes(self, input_bytes: int | None = None) -> int | None:
        """Return how many processes with this budget fit into memory, at least one.

        None where the system does not say.

        Args:
            input_bytes: What each reads at most; None if that is unknown.
        """
        there = available_memory()
        if there is None:
            return None
        largest = IN_MEMORY_BYTES if input_bytes is None else min(input_bytes, IN_MEMORY_BYTES)
        each = _PROCESS_BYTES + _SHARE * largest if self.limit is None else self.limit
        return max(there // each, 1)

    def check(self, what: str, size: int | None) -> None:
        """Refuse to make something in memory that certainly does not fit.

        Args:
            what: What it is, for the message.
            size: How many bytes it takes, at least; None if that is unknown.

        Raises:
            MemoryLimitError: It does not fit.
        """
        if size is None or (self.limit is None and size <= _ALWAYS_THERE):
            return
        room = self.room
        if room is not None and size > room:
            left = f"{size_text(room)} are available"
            if self.limit is not None:
                left = f"memory_limit={self.limit:,} leaves {size_text(room)}"
            raise MemoryLimitError.from_sizes(what, size_text(size), left)


def available_memory(root: Path = Path("/")) -> int | None:
    """Return how many bytes this process can still take, including swap; None if unknown.

    That is the least of what the system has and of what the limits of its control groups leave
    (versions 1 and 2). None where there is no ``/proc``.

    Args:
        root: Where the files of the system are.

    Example:
        >>> (available_memory() or 0) >= 0
        True
    """
    try:
        system = _numbers(root / "proc/meminfo")
        available = system["MemAvailable:"] * 1024
    except (OSError, KeyError):
        return None
    swap = system.get("SwapFree:", 0) * 1024
    return max(min([available, *_left_by_groups(root)]), 0) + swap


def _left_by_groups(root: Path) -> Iterator[int]:
    """Yield what each limited control group leaves: this process's own and the outer ones."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    mount = root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in {"", "memory"}:
            base = mount / controllers
            # In a container the path may be the host's, and only the topmost group is seen.
            inner = base / path.lstrip("/")
            for group in (inner, *inner.parents):
                if group.is_relative_to(base):
                    yield from _left_by_group(group)


def _left_by_group(group: Path) -> Iterator[int]:
    for most, used, cached in (
        ("memory.max", "memory.current", ("inactive_file", "active_file")),
        (
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            ("total_inactive_file", "total_active_file"),
        ),
    ):
        try:
            limit = (group / most).read_text(encoding="ascii").strip()
            usage = int((group / used).read_text(encoding="ascii"))
            found = _numbers(group / "memory.stat")
        except OSError:
            continue
        if limit.isdigit():  # else "max"
            # Files in memory count, and make room when it is needed.
            yield int(limit) - usage + sum(found.get(name, 0) for name in cached)


def _numbers(path: Path) -> dict[str, int]:
    lines = (line.split() for line in path.read_text(encoding="ascii").splitlines())
    return {line[0]: int(line[1]) for line in lines if len(line) > 1 and line[1].isdigit()}


def _bytes_of(memory_limit: object) -> int:
    if isinstance(memory_limit, int) and not isinstance(memory_limit, bool):
        return memory_limit
    found = _SIZE.fullmatch(memory_limit) if isinstance(memory_limit, str) else None
    if found is None:
        msg = (
            f"memory_limit is a number of bytes, a text such as '2GiB' or '500MB', or None, not "
            f"{memory_limit!r}."
        )
        raise ValueError(msg)
    unit = found["unit"].upper()
    kilo = _KILO["i" if "I" in unit else ""]
    return int(float(found["number"]) * kilo ** _UNITS.index(unit[0]))
