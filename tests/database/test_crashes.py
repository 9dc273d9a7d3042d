"""A process that is killed while it writes leaves the old dataset or the new one, whole."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

import pytest

KILLS = 10

# Replaces one dataset over and over: all tables of version n hold n, and n x 1000 + 20000 rows.
WRITER = """
import signal
import sys
import polars as pl
from algomancy_data import DataClassification, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

# What a shell starts in the background ignores Ctrl-C otherwise.
signal.signal(signal.SIGINT, signal.default_int_handler)
path, first = sys.argv[1], int(sys.argv[2])
manager = DatabaseDataManager(SimpleETLFactory, [], f"sqlite:///{path}", "s", DataSource)
manager.startup()
print("ready", flush=True)
for value in range(first, first + 200):
    source = DataSource(DataClassification.MASTER_DATA, name="d")
    rows = 20_000 + value % 10 * 1_000
    source.tables = {
        t: pl.DataFrame({"x": pl.repeat(value, rows, eager=True), "s": [f"text {value}"] * rows})
        for t in "abc"
    }
    manager.add_data_source(source)
    print(value, flush=True)
"""


@pytest.fixture
def kill_at_random(path):
    """Start the writer, end it a moment after it began to write, and say how far it got."""

    def run(first: int, how: signal.Signals, chance: random.Random) -> tuple[int, str]:
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(first)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 0.5))
        writer.send_signal(how)
        said, errors = writer.communicate(timeout=60)
        # Python cannot raise what comes while it deletes an object, and says that it ignored it.
        assert writer.returncode != 0 or "Exception ignored" in errors
        return max([int(line) for line in said.split()], default=first - 1), errors

    return run


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
def test_an_interrupted_writer_leaves_a_whole_dataset(kill_at_random, new_manager, outside, path):
    chance = random.Random(2)  # noqa: S311  only moments
    for _ in range(KILLS):
        _, errors = kill_at_random(0, signal.SIGINT, chance)
        assert "KeyboardInterrupt" in errors
        assert outside(path, "PRAGMA integrity_check") == [["ok"]]
        if (read := new_manager().get_data("d")) is not None:
            values = {value for frame in read.tables.values() for value in frame["x"].unique()}
            assert len(values) == 1
