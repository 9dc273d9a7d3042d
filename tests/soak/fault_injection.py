"""A process under which the machine fails: its disk, its memory, its descriptors, its clock."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import resource
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from algomancy_data.errors import AlgomancyDataError
from tests.soak.model import Operation, State, draw, outcomes
from tests.soak.operations import prepared
from tests.soak.recovery import Log, retried, state_after_failure
from tests.soak.stores import open_manager

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

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
    log: Log,
    *,
    address: str,
    session: str,
    place: str,
    state: State,
    seed: int,
    version: int,
    fault: str,
    folder: str,
    count: int,
) -> None:
    """Do operations, each while something fails; see after each that did not succeed what is there.

    Args:
        log: Takes what is said.
        address: The store.
        session: The session.
        place: A folder for files.
        state: What the store holds.
        seed: Decides what is done.
        version: That of the first operation; each has its own.
        fault: What fails.
        folder: Where it does.
        count: How many operations.
    """
    manager = retried(lambda: open_manager(address, session))
    chance = random.Random(seed)  # noqa: S311  no secrets
    for number in range(version, version + count):
        operation = draw(chance, state, number, in_turn="://" not in address)
        possible = outcomes(state, operation)
        log(begun=operation)
        do = prepared(manager, operation, Path(place), (address, session))
        began = time.monotonic()
        try:
            with FAULTS[fault](folder, chance):
                do()
        except (AlgomancyDataError, RuntimeError) as error:
            if not (isinstance(error, AlgomancyDataError) or _is_of_executor(error, operation)):
                raise
            said = str(error)
            log(failed=type(error).__name__, said=said, seconds=time.monotonic() - began)
            if any(word in said for word in _FOREIGN):
                log(problem=f"in no words of ours: {said}")
        else:
            log(done=number, seconds=time.monotonic() - began)
            state = possible[-1]
            continue
        found = state_after_failure(manager, possible, log)
        log(settled=found)
        if found is None:
            return
        if found and _is_whole(operation) and "The change is there" not in said:
            log(problem=f"it failed and was done: {operation}: {said}")
        state = possible[found]
    manager.close()
    log(ended=True)


def _is_of_executor(error: Exception, operation: Operation) -> bool:
    """Tell whether an error is that of the executor which we gave to a batch."""
    return operation["kind"] == "batch" and str(error) == "can't start new thread"


def _is_whole(operation: Operation) -> bool:
    """Tell whether an operation that failed must leave the old state."""
    return operation["kind"] != "batch" and "in turn" not in operation
