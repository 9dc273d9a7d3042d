"""A process under which the machine fails: its disk, its memory, its descriptors, its clock."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from algomancy_data.errors import AlgomancyDataError
from tests.soak.worker import Assignment, Worker

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from tests.soak.model import Operation
    from tests.soak.recovery import Log

_MOST_CALLS = 60
_LEAST_ROOM, _MOST_ROOM = 0, 1_500_000
_MOST_DESCRIPTORS = 8
_MOST_MEMORY = 512 << 20
_DECADE = 315_360_000
# What an error of ours never says: words of Rust, C and Python.
_FOREIGN = ("panicked", "unwrap()", "Traceback", "std::", "0x")


@contextmanager
def _failing_calls(folder: str, chance: random.Random) -> Generator[None]:
    """Let one call of the system that writes fail, or all from it on; of others than PostgreSQL."""
    library = ctypes.CDLL(None)
    at = chance.randint(1, _MOST_CALLS) * chance.choice((1, -1))
    library.fault_arm(folder.encode(), at, chance.choice((errno.EIO, errno.ENOSPC)))
    try:
        yield
    finally:
        library.fault_disarm()


@contextmanager
def _full_disk(folder: str, chance: random.Random) -> Generator[None]:
    """Leave hardly any room on the disk of a folder."""
    ballast = Path(folder) / "ballast"
    found = os.statvfs(folder)
    size = found.f_bavail * found.f_frsize - chance.randint(_LEAST_ROOM, _MOST_ROOM)
    with ballast.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(size, 1))
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def _limited(what: int, most: int) -> Generator[None]:
    soft, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(what, (soft, hard))


def _no_descriptors(_folder: str, chance: random.Random) -> AbstractContextManager[None]:
    lowest = os.dup(0)  # of those that are free: none above a limit is given
    os.close(lowest)
    return _limited(resource.RLIMIT_NOFILE, lowest + chance.randint(0, _MOST_DESCRIPTORS))


def _no_memory(_folder: str, chance: random.Random) -> AbstractContextManager[None]:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + chance.randint(0, _MOST_MEMORY)
    return _limited(resource.RLIMIT_AS, most)


@contextmanager
def _wrong_clock(_folder: str, chance: random.Random) -> Generator[None]:
    """Let the clock be wrong by up to ten years; it stays so until it is wrong otherwise."""
    ctypes.CDLL(None).fault_clock(ctypes.c_long(chance.randint(-_DECADE, _DECADE)))
    yield


FAULTS: dict[str, Callable[[str, random.Random], AbstractContextManager[None]]] = {
    "calls": _failing_calls,
    "disk": _full_disk,
    "descriptors": _no_descriptors,
    "memory": _no_memory,
    "clock": _wrong_clock,
}


def work_under_faults(
    log: Log, *, fault: str, folder: str, count: int, **told: Unpack[Assignment]
) -> None:
    """Do operations, each while something fails; see after each that did not succeed what is there.

    Args:
        log: Takes what is said.
        fault: What fails.
        folder: Where it does.
        count: How many operations.
        told: The store, and what is to be done.
    """
    worker = Worker(log, told)
    for _ in range(count):
        do = worker.begin()
        try:
            with FAULTS[fault](folder, worker.chance):
                do()
        except (AlgomancyDataError, RuntimeError) as error:
            ours = isinstance(error, AlgomancyDataError)
            if not (ours or _is_of_executor(error, worker.operation)):
                raise
            said = str(error)
            worker.failed(error)
        else:
            worker.succeeded()
            continue
        if any(word in said for word in _FOREIGN):
            log(problem=f"in no words of ours: {said}")
        found = worker.settle()
        if found is None:
            return
        is_done = found and worker.changes_something and _is_whole(worker.operation)
        if is_done and "The change is there" not in said:
            log(problem=f"it failed and was done: {worker.operation}: {said}")
    worker.end()


def _is_of_executor(error: Exception, operation: Operation) -> bool:
    """Tell whether an error is that of the executor which we gave to a batch."""
    return operation["kind"] == "batch" and str(error) == "can't start new thread"


def _is_whole(operation: Operation) -> bool:
    """Tell whether an operation that failed must leave the old state."""
    return operation["kind"] != "batch" and "in turn" not in operation
