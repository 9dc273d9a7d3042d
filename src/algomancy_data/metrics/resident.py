"""What of the memory of this process is its own, and what is mapped from files."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

try:
    from resource import getpagesize
except ImportError:  # Windows
    getpagesize = None

_STATM: Final = Path("/proc/self/statm")
_TICK: Final = 0.01  # seconds


class ResidentMemory:
    """The most memory that the process has while a block runs.

    It is looked at when the block ends and, if somebody wants to know, 100 times a second.

    Args:
        often: Whether somebody wants to know.

    Attributes:
        anonymous: Bytes that no file has; None where the system does not say.
        mapped: Bytes of mapped files, which the system takes back when it needs the room.

    Example:
        >>> with ResidentMemory() as memory:
        ...     pass
        >>> memory.anonymous is None or memory.anonymous > 1_000_000
        True
    """

    def __init__(self, *, often: bool = False) -> None:
        self.anonymous: int | None = None
        self.mapped: int | None = None
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None
        if often and getpagesize is not None and _STATM.exists():
            self._thread = threading.Thread(
                target=self._look_again, name="algomancy-data-memory", daemon=True
            )

    @classmethod
    def now(cls) -> Self:
        """Return what the process has now."""
        memory = cls()
        memory._look()
        return memory

    def _look_again(self) -> None:
        while not self._is_over.wait(_TICK):
            self._look()

    def _look(self) -> None:
        if getpagesize is None:
            return
        with suppress(OSError):
            _, resident, shared, *_ = map(int, _STATM.read_bytes().split())
            page = getpagesize()
            self.anonymous = max(self.anonymous or 0, (resident - shared) * page)
            self.mapped = max(self.mapped or 0, shared * page)

    def __enter__(self) -> Self:
        """Begin to look."""
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Look once more."""
        if self._thread is not None:
            self._is_over.set()
            self._thread.join()
        self._look()
