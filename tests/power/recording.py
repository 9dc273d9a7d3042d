"""What a process asked of a disk: every call that changes it, in order and with its data."""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

_HERE = Path(__file__).parent
_HEAD = struct.Struct("=5q")
CREATE, MKDIR, WRITE, TRUNCATE, SYNC = "c", "m", "w", "t", "s"
LINK, RENAME, REMOVE, ACKNOWLEDGE = "l", "r", "u", "a"


@dataclass(frozen=True)
class Call:
    """A call that succeeded.

    Args:
        kind: One of the constants.
        path: Of what, below the directory that is watched; that itself is the empty path.
        other: The new path of what is renamed or linked.
        offset: Where is written; the new length of what is truncated.
        data: What is written.
    """

    kind: str
    path: str = ""
    other: str = ""
    offset: int = 0
    data: bytes = b""


def preloaded(home: Path) -> dict[str, str]:
    """Return the environment of a process that is recorded, and whose calls can be made to fail."""
    libraries = []
    for source in (_HERE.parent / "folder" / "faults.c", _HERE / "recorder.c"):
        libraries.append(home / f"{source.stem}.so")
        command = ["gcc", "-shared", "-fPIC", "-O1", "-o", libraries[-1], source, "-ldl"]
        subprocess.run(command, check=True)
    return {"LD_PRELOAD": ":".join(map(str, libraries))}


@contextmanager
def recording(root: Path, to: Path) -> Generator[None]:
    """Record the calls of this process, in which the recorder is preloaded.

    Args:
        root: The directory that is watched.
        to: The file that takes them.
    """
    library = ctypes.CDLL(None)
    library.record_start(os.fsencode(root.resolve()), os.fsencode(to))
    try:
        yield
    finally:
        library.record_stop()


def acknowledge() -> None:
    """Record that whoever asked for the operation has been told that it is done."""
    ctypes.CDLL(None).record_acknowledged()


def recorded_calls(to: Path, root: Path) -> list[Call]:
    """Return what was recorded."""
    data, at, calls = to.read_bytes(), 0, []
    home = str(root.resolve())
    while at < len(data):
        kind, *lengths, offset, size = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        pieces = []
        for length in (*lengths, size):
            pieces.append(data[at : at + length])
            at += length
        path, other = (os.fsdecode(one).removeprefix(home).strip("/") for one in pieces[:2])
        calls.append(Call(chr(kind), path, other, offset, pieces[2]))
    return calls
