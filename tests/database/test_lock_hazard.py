"""What SQLite's locks keep apart, whatever this process does with the file besides.

Two SQLite libraries with one file open in one process void each other's locks: see
https://www.sqlite.org/howtocorrupt.html, section 2.2.1. The package uses one library only.
"""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys

import polars as pl
import pytest
import sqlalchemy as sa

from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import SecondLibraryWarning, StoreError

FRAME = pl.select(x=pl.int_range(200_000))  # large enough to be read over several connections

# Tries to write at once, and says whether it could.
INTRUDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    connection.execute("CREATE TABLE IF NOT EXISTS intruder (x)")
    connection.execute("INSERT INTO intruder VALUES (1)")
    print("written")
except sqlite3.OperationalError as error:
    print(error)
"""

# Commits numbers one by one with Python's library, and says which.
OTHER_WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
connection.execute("CREATE TABLE IF NOT EXISTS theirs (x INTEGER)")
print("ready", flush=True)
for number in range(1_000_000):
    connection.execute("INSERT INTO theirs VALUES (?)", (number,))
    print(number, flush=True)
"""

OUR_WRITER = """
import sys
import polars as pl
from algomancy_data import DataClassification, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

while True:
    manager = DatabaseDataManager(SimpleETLFactory, [], f"sqlite:///{sys.argv[1]}", "s", DataSource)
    manager.startup()
    for number in range(5):
        source = DataSource(DataClassification.MASTER_DATA, name=f"d{number}")
        source.add_table("t", pl.select(x=pl.repeat(number, 50_000)))
        manager.add_data_source(source)
        manager.refresh()
        manager.get_data(f"d{number}")
        print(number, flush=True)
    manager.close()
"""


def intrude(path):
    done = subprocess.run(
        [sys.executable, "-c", INTRUDER, str(path)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def open_and_close(path):
    manager = DatabaseDataManager(SimpleETLFactory, [], f"sqlite:///{path}", "s", DataSource)
    manager.startup()
    manager.close()


def read_and_close(path):
    manager = DatabaseDataManager(SimpleETLFactory, [], f"sqlite:///{path}", "s", DataSource)
    manager.startup()
    assert manager.get_data("d").get_table("t").equals(FRAME)
    manager.close()


def fail_to_write(path):
    manager = DatabaseDataManager(
        SimpleETLFactory, [], f"sqlite:///{path}?busy_timeout=0", "s", DataSource
    )
    manager.startup()
    with pytest.raises(StoreError, match="locked"):
        manager.delete_data("d")
    manager.close()


def reflect(path):
    engine = sa.create_engine(f"sqlite+adbc:///{path}")
    assert "algomancy_datasets" in sa.inspect(engine).get_table_names()
    engine.dispose()


@pytest.mark.parametrize("action", [open_and_close, read_and_close, fail_to_write, reflect])
def test_the_lock_of_a_write_holds_whatever_else_this_process_does(
    new_manager, dataset, path, outside, action
):
    manager = new_manager()
    manager.add_data_source(dataset("d", {"t": FRAME}))
    immediate = manager.engine.execution_options(isolation_level="IMMEDIATE")
    with immediate.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE ours AS SELECT 1 AS x")
        action(path)
        assert intrude(path) == "database is locked"
    assert intrude(path) == "written"
    assert outside(path, "SELECT x FROM ours") == [[1]]
    assert outside(path, "SELECT x FROM intruder") == [[1]]
    assert outside(path, "PRAGMA integrity_check") == [["ok"]]


@pytest.mark.long
def test_another_processs_commits_survive_our_writes_reads_closes_and_crashes(path, outside):
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER_WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout.readline() == "ready\n"
        for _ in range(3):
            ours = subprocess.Popen(
                [sys.executable, "-c", OUR_WRITER, str(path)], stdout=subprocess.PIPE, text=True
            )
            with ours:
                for _ in range(7):
                    ours.stdout.readline()
                ours.send_signal(signal.SIGKILL)
        other.send_signal(signal.SIGKILL)
        said, _ = other.communicate()
    committed = [int(line) for line in said.split("\n")[:-1]]
    assert committed
    found = [x for (x,) in outside(path, "SELECT x FROM theirs ORDER BY x")]
    # What was reported is there; the one after it may be.
    assert found in (committed, [*committed, len(committed)])
    assert outside(path, "PRAGMA integrity_check") == [["ok"]]


def test_another_library_in_this_process_would_give_the_lock_away(new_manager, path):
    """The hazard is real: if this fails, SQLite has found a remedy, and the warning can go."""
    manager = new_manager()
    immediate = manager.engine.execution_options(isolation_level="IMMEDIATE")
    with immediate.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE ours AS SELECT 1 AS x")
        assert intrude(path) == "database is locked"
        with pytest.warns(SecondLibraryWarning):
            second = sqlite3.connect(path)
        second.execute("SELECT count(*) FROM sqlite_master").fetchall()
        second.close()
        assert intrude(path) == "written"
        connection.rollback()
