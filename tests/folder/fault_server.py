"""Run operations on a folder in forked processes whose n-th system call on it fails or kills.

Started by test_faults.py with the injector preloaded. Reads lines of ``operation``, ``folder``,
``n`` and ``action`` with tabs between, prints one JSON line for each. It imports everything once,
and forks before Polars has threads.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import sys
import warnings

import polars as pl

from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager
from algomancy_data.errors import AlgomancyDataError

warnings.simplefilter("ignore", DeprecationWarning)
faults = ctypes.CDLL(None)
# What is imported only when rows are added or deleted, which takes longer than to do that.
LATER = ("cloudpickle", "numpy", "pyarrow.ipc")


def source(value: int) -> DataSource:
    made = DataSource("master_data", name="d")
    made.tables = {t: pl.DataFrame({"x": [value] * (1000 + value)}) for t in "ab"}
    return made


def more() -> DataSource:
    made = DataSource("master_data", name="d")
    made.tables = {t: pl.DataFrame({"x": [2]}) for t in "ab"}
    return made


OPERATIONS = {
    "prepare": lambda manager: manager.add_data_source(source(1)),
    "save": lambda manager: manager.set_data("new", source(3)),
    "overwrite": lambda manager: manager.add_data_source(source(2)),
    "append": lambda manager: manager.add_data_source(more(), mode="append"),
    "delete rows": lambda manager: manager.delete_rows("d", "a", pl.int_range(pl.len()) == 0),
    "derive": lambda manager: manager.derive_data("d", "derived"),
    "delete": lambda manager: manager.delete_data("d"),
    "store": lambda manager: manager.store_data("raw", source(4).tables),
}


def run(operation: str, folder: str, at: int, action: int) -> dict[str, object]:
    manager = StatefulDataManager(SimpleETLFactory, [], folder, "json", DataSource)
    manager.startup()
    faults.fault_arm(folder.encode(), at, action)
    said = {"error": None}
    try:
        OPERATIONS[operation](manager)
    except AlgomancyDataError as error:
        said["error"] = str(error)
    said["calls"] = faults.fault_disarm()
    said["keys"] = manager.get_data_keys()
    return said


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    for name in LATER:
        importlib.import_module(name)
    gc.freeze()  # no child looks through what is there already
    say("ready")
    for line in sys.stdin:
        operation, folder, at, action = line.rstrip("\n").split("\t")
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            said = run(operation, folder, int(at), int(action))
            os.write(writing, json.dumps(said).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as stream:
            said = stream.read()
        _, status = os.waitpid(child, 0)
        say(said or json.dumps({"killed": os.WTERMSIG(status)}))


if __name__ == "__main__":
    main()
