"""A machine that fails: a full disk, calls that fail, no descriptors, no memory, a wrong clock."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from soak.lane import Lane
from soak.run import STORES

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from soak.outcome import Outcome
    from soak.run import Setting
    from soak.warm import Warm

# Whose calls are made to fail, and whose clock is wrong: those of the process, not of a server.
_INJECTOR = Path(__file__).parents[2] / "tests" / "folder" / "faults.c"
_OPERATIONS_A_TURN = 12
_PATIENCE = 30.0
_DISK = "96m"
# Ended, or hung: what Polars and the drivers do when they get no memory.
_CLEAN = (0, -signal.SIGABRT, -signal.SIGSEGV, None)


def disk_full(setting: Setting) -> Iterator[Outcome]:
    """Fill a small disk, but for very little, before each operation; where one can be mounted."""
    with _injected(setting) as warm:
        for store in STORES:
            with _small_disk(setting.home / store) as disk:
                if disk is not None:
                    there = setting.at(disk, setting.seconds / len(STORES))
                    files = setting.folder("files")
                    yield _falter(there, warm, "disk full", store, "disk", disk, files)


def failing_calls(setting: Setting) -> Iterator[Outcome]:
    """Let calls that write fail, with EIO or ENOSPC: one, or all from one on."""
    with _injected(setting) as warm:
        here, files = setting.at(setting.home, setting.seconds / 2), setting.folder("files")
        for store, name in (("folder", "folder"), ("SQLite", "data.db")):
            where = setting.home / name
            yield _falter(here, warm, "calls fail (EIO, ENOSPC)", store, "calls", where, files)


def no_descriptors(setting: Setting) -> Iterator[Outcome]:
    """Allow a process only few descriptors more than it has."""
    yield from _everywhere(setting, "no descriptors left", "descriptors")


def no_memory(setting: Setting) -> Iterator[Outcome]:
    """Allow a process only little memory more than it has."""
    yield from _everywhere(setting, "no memory left", "memory")


def wrong_clock(setting: Setting) -> Iterator[Outcome]:
    """Let the clock of a process jump by up to ten years, back or forth."""
    yield from _everywhere(setting, "the clock jumps", "clock")


def _everywhere(setting: Setting, scenario: str, fault: str) -> Iterator[Outcome]:
    here, files = setting.at(setting.home, setting.seconds / len(STORES)), setting.folder("files")
    with _injected(setting) as warm:
        for store in STORES:
            yield _falter(here, warm, scenario, store, fault, setting.home, files)


def _injected(setting: Setting) -> Warm:
    """Start a process whose calls can be made to fail."""
    library = setting.home / "faults.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-o", library, _INJECTOR, "-ldl"]
    subprocess.run(command, check=True)
    return setting.warm({"LD_PRELOAD": str(library)})


def _falter(
    setting: Setting, warm: Warm, scenario: str, store: str, fault: str, where: Path, files: Path
) -> Outcome:
    with setting.store(store) as address:
        lane = Lane(setting, warm, scenario, store, address, files)
        until, deaths, hung = time.monotonic() + setting.seconds, 0, 0
        while time.monotonic() < until and lane.outcome.is_good:
            code = lane.turn(
                "falter",
                patience=_PATIENCE,
                fault=fault,
                folder=str(where),
                count=_OPERATIONS_A_TURN,
            )
            lane.outcome.faults = lane.begun
            deaths += code is not None and code < 0
            hung += code is None
            if code not in (_CLEAN if fault == "memory" else (0,)) and lane.outcome.is_good:
                lane.outcome.problems.append(f"a worker ended with {code}")
        if deaths or hung:
            lane.outcome.notes.append(
                f"Polars or the driver ended {deaths} processes (SIGABRT, SIGSEGV); {hung} were "
                f"killed in which Polars waited for a thread that there was no memory for."
            )
        return lane.outcome


@contextmanager
def _small_disk(place: Path) -> Generator[Path | None]:
    """Mount a file system of some megabytes; None where that is not allowed."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=755", "tmpfs", place]
    if subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode:
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)
