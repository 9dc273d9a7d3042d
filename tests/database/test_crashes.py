"""A process that is interrupted while it writes leaves the old dataset or the new one, whole.

Those that are killed are in `tests/soak/scenarios/kills.py`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest

TIMES = 10

# Replaces one dataset, over and over, until it is told to stop: of version n, all tables hold n.
# Each line of input starts a process that does so; it is forked, because importing takes longer.
WRITER = """
import os
import pathlib
import signal
import sys
import polars as pl
from algomancy_data import DataClassification, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

def write(path, stop):
    manager = DatabaseDataManager(SimpleETLFactory, [], f"sqlite:///{path}", "s", DataSource)
    manager.startup()
    print("ready", os.getpid(), flush=True)
    value = 0
    while not stop.exists():
        source = DataSource(DataClassification.MASTER_DATA, name="d")
        columns = {"x": pl.repeat(value, 20_000, eager=True), "s": [f"text {value}"] * 20_000}
        source.tables = {t: pl.DataFrame(columns) for t in "abc"}
        manager.add_data_source(source)
        value += 1

# What a shell starts in the background ignores Ctrl-C otherwise.
signal.signal(signal.SIGINT, signal.default_int_handler)
print("started", flush=True)
for line in sys.stdin:
    path, errors, stop = line.split()
    if os.fork() == 0:
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
        write(path, pathlib.Path(stop))
        break
    _, status = os.wait()
    print("ended", os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.fixture
def interrupt(path, tmp_path):
    """Start a writer, interrupt it a moment after it began to write; return what it complained."""
    server = subprocess.Popen(
        [sys.executable, "-c", WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout.readline() == "started\n"

    def run(seconds: float) -> str:
        errors, stop = tmp_path / "errors", tmp_path / "stop"
        errors.unlink(missing_ok=True)
        stop.unlink(missing_ok=True)
        server.stdin.write(f"{path} {errors} {stop}\n")
        server.stdin.flush()
        ready, pid = server.stdout.readline().split()
        assert ready == "ready", errors.read_text()
        time.sleep(seconds)
        os.kill(int(pid), signal.SIGINT)
        stop.touch()
        # Python cannot raise what comes while it deletes an object, and says that it ignored it.
        assert server.stdout.readline() != "ended 0\n" or "Exception ignored" in errors.read_text()
        return errors.read_text()

    yield run
    server.stdin.close()
    assert server.wait(60) == 0
    server.stdout.close()


@pytest.mark.long
def test_an_interrupted_writer_leaves_a_whole_dataset(interrupt, new_manager, outside, path):
    chance = random.Random(2)  # noqa: S311  only moments
    for _ in range(TIMES):
        assert "KeyboardInterrupt" in interrupt(chance.uniform(0, 0.5))
        assert outside(path, "PRAGMA integrity_check") == [["ok"]]
        if (read := new_manager().get_data("d")) is not None:
            values = {value for frame in read.tables.values() for value in frame["x"].unique()}
            assert len(values) == 1
