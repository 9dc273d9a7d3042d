"""A process that is killed while it writes leaves the old dataset or the new one, whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest

KILLS = 10

# Replaces one dataset, or adds to it, over and over, until it is told to stop: of version n, all
# tables hold or get n, and n x 1000 + 20000 rows. Each line of input starts a process that does so;
# it is forked, because importing takes longer than the test.
WRITER = """
import os
import pathlib
import signal
import sys
import polars as pl
from algomancy_data import DataClassification, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

def write(path, value, stop, mode):
    manager = DatabaseDataManager(SimpleETLFactory, [], f"sqlite:///{path}", "s", DataSource)
    manager.startup()
    print("ready", os.getpid(), flush=True)
    while not stop.exists():
        source = DataSource(DataClassification.MASTER_DATA, name="d")
        rows = 20_000 + value % 10 * 1_000
        columns = {"x": pl.repeat(value, rows, eager=True), "s": [f"text {value}"] * rows}
        source.tables = {t: pl.DataFrame(columns) for t in "abc"}
        manager.add_data_source(source, mode=mode)
        print(value, flush=True)
        value += 1

# What a shell starts in the background ignores Ctrl-C otherwise.
signal.signal(signal.SIGINT, signal.default_int_handler)
print("started", flush=True)
for line in sys.stdin:
    path, first, errors, stop, mode = line.split()
    if os.fork() == 0:
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
        write(path, int(first), pathlib.Path(stop), mode)
        break
    _, status = os.wait()
    print("ended", os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.fixture
def kill_at_random(path, tmp_path):
    """Start a writer, end it a moment after it began to write, and say how far it got."""
    server = subprocess.Popen(
        [sys.executable, "-c", WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout.readline() == "started\n"

    def run(
        first: int, how: signal.Signals, chance: random.Random, mode: str = "replace"
    ) -> tuple[int, str]:
        errors, stop = tmp_path / "errors", tmp_path / "stop"
        errors.unlink(missing_ok=True)
        stop.unlink(missing_ok=True)
        server.stdin.write(f"{path} {first} {errors} {stop} {mode}\n")
        server.stdin.flush()
        ready, pid = server.stdout.readline().split()
        assert ready == "ready", errors.read_text()
        time.sleep(chance.uniform(0, 0.5))
        os.kill(int(pid), how)
        stop.touch()
        said = []
        while not (line := server.stdout.readline()).startswith("ended "):
            said.append(int(line))
        # Python cannot raise what comes while it deletes an object, and says that it ignored it.
        assert line != "ended 0\n" or "Exception ignored" in errors.read_text()
        return max(said, default=first - 1), errors.read_text()

    yield run
    server.stdin.close()
    assert server.wait(60) == 0
    server.stdout.close()


@pytest.mark.long
def test_a_killed_writer_leaves_a_whole_dataset(kill_at_random, new_manager, outside, path):
    chance = random.Random(1)  # noqa: S311  only moments
    first = 0
    for _ in range(KILLS):
        reported, _ = kill_at_random(first, signal.SIGKILL, chance)
        # Looked at by another library first: it has to bring the file in order by itself.
        assert outside(path, "PRAGMA integrity_check") == [["ok"]]
        names = outside(path, "SELECT name FROM sqlite_master WHERE name LIKE 'ds%' ORDER BY 1")
        datasets = outside(path, "SELECT name FROM algomancy_datasets")
        if not datasets:
            assert names == []
            assert reported < 0
            continue
        assert names == [[f"ds__s__d__{table}"] for table in "abc"]
        found = {
            tuple(outside(path, f'SELECT count(*), min(x), max(x), min(s) FROM "{name}"')[0])
            for (name,) in names
        }
        ((rows, value, highest, text),) = found
        assert value == highest
        assert rows == 20_000 + value % 10 * 1_000
        assert text == f"text {value}"
        # What was reported as written is there; the next one may be.
        assert value in {reported, reported + 1}
        assert new_manager().get_data("d").get_table("a").height == rows
        first = value + 1


@pytest.mark.long
def test_a_writer_that_is_killed_while_it_adds_rows_leaves_all_of_an_addition_or_none(
    kill_at_random, new_manager, outside, path
):
    chance = random.Random(3)  # noqa: S311  only moments
    first = 0
    for _ in range(KILLS):
        reported, _ = kill_at_random(first, signal.SIGKILL, chance, "append")
        assert outside(path, "PRAGMA integrity_check") == [["ok"]]
        if not outside(path, "SELECT name FROM algomancy_datasets"):
            assert reported < 0
            continue
        ((last,),) = {
            tuple(outside(path, f'SELECT max(x) FROM "ds__s__d__{table}"')[0]) for table in "abc"
        }
        assert last in {reported, reported + 1}
        added = [[value, 20_000 + value % 10 * 1_000] for value in range(last + 1)]
        for table in "abc":
            counts = f'SELECT x, count(*) FROM "ds__s__d__{table}" GROUP BY x ORDER BY min(rowid)'
            assert outside(path, counts) == added
        manager = new_manager()
        assert manager.verify() == []
        info = manager.describe("d")
        assert info.tables["a"].rows == sum(rows for _, rows in added)
        assert len(info.provenance.loads) == last
        first = last + 1


@pytest.mark.long
def test_an_interrupted_writer_leaves_a_whole_dataset(kill_at_random, new_manager, outside, path):
    chance = random.Random(2)  # noqa: S311  only moments
    for _ in range(KILLS):
        _, errors = kill_at_random(0, signal.SIGINT, chance)
        assert "KeyboardInterrupt" in errors
        assert outside(path, "PRAGMA integrity_check") == [["ok"]]
        if (read := new_manager().get_data("d")) is not None:
            values = {value for frame in read.tables.values() for value in frame["x"].unique()}
            assert len(values) == 1
