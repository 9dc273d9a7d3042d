"""A machine that fails: a full disk, calls that fail, no descriptors, no memory, a wrong clock."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.soak.run import STORES
from tests.soak.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tests.soak.fork_server import ForkServer
    from tests.soak.outcome import Outcome
    from tests.soak.run import Setting

# Whose calls are made to fail, and whose clock is wrong: those of the process, not of a server.
_INJECTOR = Path(__file__).parents[2] / "folder" / "faults.c"
_OPERATIONS_A_TURN = 12
_PATIENCE = 30.0
_DISK = "96m"
# Ended, or hung: what Polars and the drivers do when they get no memory.
_CLEAN = (0, -signal.SIGABRT, -signal.SIGSEGV, None)


def disk_full(setting: Setting) -> Iterator[Outcome]:
    """Fill a small disk, but for very little, before each operation; where one can be mounted."""
    with _injected(setting) as forks:
        for store in STORES:
            with _small_disk(setting.home / store) as disk:
                if disk is not None:
                    there = setting.at(disk, setting.seconds / len(STORES))
                    files = setting.folder("files")
                    yield _work_under(there, forks, "disk full", store, "disk", disk, files)


def failing_calls(setting: Setting) -> Iterator[Outcome]:
    """Let calls that write fail, with EIO or ENOSPC: one, or all from one on."""
    with _injected(setting) as forks:
        here, files = setting.at(setting.home, setting.seconds / 2), setting.folder("files")
        for store, name in (("folder", "folder"), ("SQLite", "data.db")):
            where = setting.home / name
            yield _work_under(here, forks, "calls fail (EIO, ENOSPC)", store, "calls", where, files)


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
    with _injected(setting) as forks:
        for store in STORES:
            yield _work_under(here, forks, scenario, store, fault, setting.home, files)


def _injected(setting: Setting) -> ForkServer:
    """Start a process whose calls can be made to fail."""
    library = setting.home / "faults.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-o", library, _INJECTOR, "-ldl"]
    subprocess.run(command, check=True)
    return setting.forks({"LD_PRELOAD": str(library)})


def _work_under(
    setting: Setting,
    forks: ForkServer,
    scenario: str,
    store: str,
    fault: str,
    where: Path,
    files: Path,
) -> Outcome:
    with setting.store(store) as address:
        trial = Trial(setting, forks, scenario, store, address, files)
        until, deaths, hung = time.monotonic() + setting.seconds, 0, 0
        while time.monotonic() < until and trial.outcome.is_good:
            code = trial.turn(
                "work_under_faults",
                patience=_PATIENCE,
                fault=fault,
                folder=str(where),
                count=_OPERATIONS_A_TURN,
            )
            trial.outcome.faults = trial.begun
            deaths += code is not None and code < 0
            hung += code is None
            if code not in (_CLEAN if fault == "memory" else (0,)) and trial.outcome.is_good:
                trial.outcome.problems.append(f"a worker ended with {code}")
        if deaths or hung:
            trial.outcome.notes.append(
                f"Polars or the driver ended {deaths} processes (SIGABRT, SIGSEGV); {hung} were "
                f"killed in which Polars waited for a thread that there was no memory for."
            )
        return trial.outcome


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
