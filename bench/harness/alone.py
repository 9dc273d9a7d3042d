"""One operation in a process of its own, and what it asks of the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

HERE = Path(__file__).parent
Frames = dict[str, pl.DataFrame]
Prepare = Callable[[Frames, Path], Callable[[], object]]
"""Is given the frames and a place, prepares, and returns the operation."""


@dataclass(frozen=True)
class Figures:
    """What an operation asked for.

    Args:
        peak: Bytes by which the process grew at most.
        written: Bytes handed to the system in writes, to files and elsewhere.
        syncs: How many times it waited for the disk; 0 if calls were not counted.
        allocations: How many pieces of memory were asked of the C library; likewise.
    """

    peak: int
    written: int
    syncs: int
    allocations: int


class Alone:
    """The fixture ``alone``: runs operations in processes of their own.

    Args:
        folder: For the frames, on their way there, and the library that counts calls.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(
        self, way: Prepare, frames: Frames, place: Path, *, counting: bool = False
    ) -> Figures:
        """Run what ``way`` prepares, and return its figures.

        Args:
            way: A function at the top of a module of ``bench``; the process imports the module.
            frames: What the process has in memory before the operation begins.
            place: A folder or file of the caller's.
            counting: Count calls, which takes a little time.
        """
        for name, frame in frames.items():
            if not self._path(name).exists():
                frame.write_ipc(self._path(name))
        asked = json.dumps(
            {
                "path": sys.modules[way.__module__].__file__,
                "way": way.__name__,
                "frames": {name: str(self._path(name)) for name in frames},
                "place": str(place),
            }
        )
        done = subprocess.run(  # noqa: S603  our own interpreter and file
            [sys.executable, HERE / "alone_process.py", asked],
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            env=os.environ | (counted(self._folder) if counting else {}),
        )
        return Figures(**json.loads(done.stdout.splitlines()[-1]))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.arrow"


def counted(folder: Path) -> dict[str, str]:
    """Return the environment in which calls are counted, as many on any number of cores."""
    library = folder / "calls.so"
    if not library.exists():
        command = ["gcc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "calls.c", "-ldl"]
        subprocess.run(command, check=True)  # noqa: S603  our own file
    return {"LD_PRELOAD": str(library), "POLARS_MAX_THREADS": "2"}
