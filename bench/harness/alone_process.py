"""Run one operation in this process, and print what it asked of the machine.

Started by `harness.alone`. A module may have ``warm_up(scratch)``, which runs before: code that is
used for the first time takes some 20 MB, whatever the data. The peak is ``VmHWM`` of
``/proc/self/status``, set back before the operation begins; ``getrusage`` would tell that of the
process which started this one, if larger.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import json
import re
import sys
import tempfile
from pathlib import Path

import polars as pl
import pyarrow as pa

STATUS, CLEAR, IO = (Path("/proc/self") / name for name in ("status", "clear_refs", "io"))


def figure(path: Path, name: str) -> int:
    match = re.search(rf"^{name}:\s+(\d+)", path.read_text(), re.MULTILINE)
    assert match is not None, name
    return int(match[1])


def calls() -> dict[str, int]:
    """Return the calls so far, or nothing where the counter is not preloaded."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "calls_syncs"):
        return {"syncs": 0, "allocations": 0}
    return {name: getattr(library, f"calls_{name}")() for name in ("syncs", "allocations")}


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
    if hasattr(module, "warm_up"):
        with tempfile.TemporaryDirectory() as scratch:
            module.warm_up(Path(scratch))
    operation = getattr(module, asked["way"])(frames, Path(asked["place"]))
    gc.collect()
    counts, written = calls(), figure(IO, "wchar")
    CLEAR.write_text("5")
    before = figure(STATUS, "VmRSS")
    kept = operation()
    figures = {
        "peak": (figure(STATUS, "VmHWM") - before) * 1024,
        "written": figure(IO, "wchar") - written,
        **{name: number - counts[name] for name, number in calls().items()},
    }
    del kept
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
