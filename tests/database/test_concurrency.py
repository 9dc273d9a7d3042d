"""Several managers, threads and processes on one database."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from algomancy_data.database import reading
from algomancy_data.database.sqlite.log_sync import LogSync
from algomancy_data.database.sqlite.table_storage import SQLiteStorage
from algomancy_data.errors import StoreBusyError

ROWS = 2_000

WRITER = f"""
import sys
import polars as pl
from algomancy_data import DataClassification, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

path, *names = sys.argv[1:]
manager = DatabaseDataManager(SimpleETLFactory, [], f"sqlite:///{{path}}", "s", DataSource)
manager.startup()
print("ready", flush=True)
sys.stdin.readline()
for value, name in enumerate(names):
    source = DataSource(DataClassification.MASTER_DATA, name=name)
    source.tables = {{t: pl.DataFrame({{"x": [value] * {ROWS}}}) for t in "abc"}}
    manager.add_data_source(source)
manager.close()
"""

# Holds a lock until its input ends.
HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    connection.execute(statement)
print("ready", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
connection.close()
"""


@pytest.fixture
def start():
    """Start Python processes that wait for a line of input when they are ready."""
    processes = []

    def run(code, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def locked(start, path):
    """Let another process hold the write lock."""

    @contextmanager
    def lock(*statements):
        holder = start(HOLDER, path, "BEGIN IMMEDIATE", *statements)
        yield
        holder.communicate("\n", timeout=30)

    return lock


def frame(value: int) -> pl.DataFrame:
    return pl.DataFrame({"x": [value]})


def go(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0


def test_of_two_processes_both_win_and_of_one_dataset_that_both_write_one_wins_whole(
    start, path, new_manager, outside
):
    names = [[f"{process}{number}" for number in range(10)] for process in "pq"]
    go(*(start(WRITER, path, *own, *["d"] * 10) for own in names))
    manager = new_manager()
    assert sorted(manager.get_data_keys()) == sorted(["d", *names[0], *names[1]])
    for own in names:
        for value, name in enumerate(own):
            for table in "abc":
                assert manager.get_data(name).get_table(table)["x"].to_list() == [value] * ROWS
    read = manager.get_data("d")
    assert {tuple(read.get_table(table)["x"]) for table in "abc"} == {(19,) * ROWS}
    tables = "SELECT count(*) FROM sqlite_master WHERE name LIKE 'ds%'"
    assert outside(path, tables) == [[63]]
    assert outside(path, "PRAGMA integrity_check") == [["ok"]]


def test_a_reader_sees_one_dataset_whole_while_others_replace_it(start, path, new_manager):
    writer = start(WRITER, path, *["d"] * 40)
    writer.stdin.write("\n")
    writer.stdin.flush()
    reader, seen = new_manager(), set()
    while writer.poll() is None:
        if (read := reader.get_data("d")) is not None:
            values = {value for table in "abc" for value in read.get_table(table)["x"].unique()}
            assert len(values) == 1
            seen |= values
    assert writer.returncode == 0
    assert seen


def test_a_writer_waits_for_another_process(new_manager, dataset, locked):
    manager = new_manager()
    with ThreadPoolExecutor(1) as thread, locked("CREATE TABLE theirs (x)"):
        waiting = thread.submit(manager.add_data_source, dataset(tables={"t": frame(1)}))
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.3)
    waiting.result()
    assert new_manager().get_data("d").get_table("t").equals(frame(1))


def test_a_writer_that_waited_for_too_long_says_so(new_manager, dataset, locked, path):
    manager = new_manager(f"sqlite:///{path}?busy_timeout=0.2")
    manager.add_data_source(dataset(tables={"t": frame(1)}))
    with locked(), pytest.raises(StoreBusyError, match=r"busy_timeout.*\?busy_timeout=<seconds>"):
        manager.add_data_source(dataset(tables={"t": frame(2)}))
    assert new_manager().get_data("d").get_table("t").equals(frame(1))
    assert manager.get_data("d").get_table("t").equals(frame(1))


def test_readers_do_not_wait_for_a_writer(new_manager, dataset, locked, path):
    new_manager().add_data_source(dataset(tables={"t": frame(1)}))
    with locked():
        reader = new_manager(f"sqlite:///{path}?busy_timeout=0")
        assert reader.get_data("d").get_table("t").equals(frame(1))


def test_another_processs_commit_survives_whatever_we_do(new_manager, dataset, path, outside):
    # A second SQLite library in this process would drop our locks when it closes the file.
    manager = new_manager()
    for number in range(5):
        outside(path, f"CREATE TABLE theirs{number} AS SELECT {number} AS x")
        manager.add_data_source(dataset(tables={"t": frame(number)}))
        manager.derive_data("d", f"derived{number}")
        manager.close()
        new_manager().get_data("d")
    for number in range(5):
        assert outside(path, f"SELECT x FROM theirs{number}") == [[number]]
    assert outside(path, "PRAGMA integrity_check") == [["ok"]]


def test_a_manager_notices_what_another_manager_did(new_manager, dataset):
    one, other = new_manager(), new_manager()
    one.add_data_source(dataset(tables={"t": frame(1)}))
    assert other.get_data("d").get_table("t").item() == 1
    one.add_data_source(dataset(tables={"t": frame(2)}))
    assert other.get_data("d").get_table("t").item() == 2
    one.delete_data("d")
    assert other.get_data("d") is None
    assert other.get_data_keys() == []


def test_a_replaced_dataset_keeps_its_place(new_manager, dataset):
    manager = new_manager()
    for name in ("c", "a", "b", "a", "c"):
        manager.add_data_source(dataset(name, {"t": frame(1)}))
    assert manager.get_data_keys() == ["c", "a", "b"]
    assert new_manager().get_data_keys() == ["c", "a", "b"]


@pytest.mark.parametrize("memory", [True, False], ids=["memory", "file"])
def test_threads_share_a_database(new_manager, dataset, memory):
    engine = sa.create_engine("sqlite+adbc://") if memory else None
    managers = [new_manager(engine, session=session) for session in ("s", "r")]

    def work(number):
        manager = managers[number % 2]
        name = f"d{number}"
        manager.add_data_source(dataset(name, {"t": frame(number)}))
        manager.derive_data(name, f"{name} derived")
        assert name in manager.get_data_keys()
        return manager.get_data(f"{name} derived").get_table("t").item()

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(work, range(40))) == list(range(40))
    assert [len(manager.get_data_keys()) for manager in managers] == [40, 40]


class TestReadingOverSeveralConnections:
    """The further connections help only if they see what the transaction sees."""

    FRAME = pl.DataFrame({"x": range(100)})

    @pytest.fixture(autouse=True)
    def _small_tables_are_large(self, monkeypatch, new_manager, dataset):
        monkeypatch.setattr(reading.Readers, "fewest_rows", 2)
        monkeypatch.setattr(reading, "ROWS_PER_READ", 9)
        monkeypatch.setattr(pl, "thread_pool_size", lambda: 4)
        new_manager().add_data_source(dataset(tables={"t": self.FRAME}))

    @pytest.fixture
    def before_helping(self, monkeypatch):
        """Do something between the transaction's snapshot and that of the other connections."""

        def arrange(act):
            monkeypatch.setattr(
                SQLiteStorage, "help_reading", lambda _storage, connection: act(connection)
            )

        return arrange

    def test_a_snapshot_that_is_newer_is_not_used(
        self, new_manager, dataset, before_helping, outside, path
    ):
        verdicts = []

        def replace(connection):
            outside(
                path, "UPDATE algomancy_datasets SET version = 'new'", 'DELETE FROM "ds__s__d__t"'
            )
            verdicts.append(connection)

        before_helping(replace)
        assert new_manager().get_data("d").get_table("t").equals(self.FRAME)
        assert verdicts

    def test_a_connection_that_fails_is_done_without(self, new_manager, before_helping):
        def fail(connection):
            connection.exec_driver_sql("SELECT no_such_column")

        before_helping(fail)
        assert new_manager().get_data("d").get_table("t").equals(self.FRAME)

    def test_a_drifted_part_is_reported(self, new_manager, outside, path):
        outside(path, "UPDATE \"ds__s__d__t\" SET x = 'text' WHERE x = 60")
        with pytest.raises(RuntimeError, match="'x'"):
            new_manager().get_data("d")


def test_a_large_write_is_brought_into_the_file_by_the_time_the_manager_is_closed(
    new_manager, dataset, path, outside, monkeypatch
):
    synced = set()
    sync = os.fdatasync

    def spy(descriptor):
        sync(descriptor)
        synced.add(Path(f"/proc/self/fd/{descriptor}").readlink())

    monkeypatch.setattr(os, "fdatasync", spy)
    monkeypatch.setattr(LogSync.__init__, "__defaults__", (1 << 20,))
    manager = new_manager()
    frame = pl.select(x=pl.int_range(3_000_000))
    manager.add_data_source(dataset("d", {"t": frame}))
    assert manager.get_data_keys() == ["d"]
    with manager.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar() == 1_000
    manager.close()
    # On its way to the disk before the commit.
    assert synced == ({path.with_name(f"{path.name}-wal")} if sys.platform == "linux" else set())
    # The file alone, without its log, as a tool for copies would take it.
    copy = path.with_name("copy.db")
    copy.write_bytes(path.read_bytes())
    assert outside(copy, "SELECT count(*), sum(x) FROM ds__s__d__t") == [
        [3_000_000, 3_000_000 * 2_999_999 // 2]
    ]
