"""Run one operation in this process and print how many bytes it grew at most.

Started by `harness.memory`. The peak is ``VmHWM`` of ``/proc/self/status``, set back before the
operation begins; ``getrusage`` would tell that of the process which started this one, if larger.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import re
import sys
from pathlib import Path

import polars as pl
import pyarrow as pa

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def bytes_of(name: str) -> int:
    match = re.search(rf"^{name}:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    assert match is not None, name
    return int(match[1]) * 1024


def read(path: str) -> pl.DataFrame:
    """Read a frame into memory once: no mapped pages, and nothing left of the reading."""
    with pa.OSFile(path) as file:
        frame = pl.from_arrow(pa.ipc.open_file(file).read_all())
    assert isinstance(frame, pl.DataFrame)
    return frame


def main() -> None:
    asked = json.loads(sys.argv[1])
    sys.path.insert(0, str(Path(asked["path"]).parent))
    spec = importlib.util.spec_from_file_location("operations", asked["path"])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    frames = {name: read(path) for name, path in asked["frames"].items()}
    operation = getattr(module, asked["way"])(frames, Path(asked["place"]))
    gc.collect()
    CLEAR.write_text("5")
    before = bytes_of("VmRSS")
    kept = operation()
    peak = bytes_of("VmHWM")
    del kept
    sys.stdout.write(f"{peak - before}\n")


if __name__ == "__main__":
    main()
