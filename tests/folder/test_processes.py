"""Several processes on one folder, full disks and little memory."""

from __future__ import annotations

import time

import polars as pl
import pytest

from algomancy_data.errors import StoreBusyError, StoreError
from algomancy_data.folder.reader import PRIVATE
from algomancy_data.testing import assert_identical

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")

HEAD = """
import sys
from pathlib import Path
import polars as pl
from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager

def open_manager(path, **options):
    manager = StatefulDataManager(SimpleETLFactory, [], path, "json", DataSource, **options)
    manager.startup()
    return manager

def save(manager, name, value):
    source = DataSource("master_data", name=name)
    rows = 2_000 + value % 10 * 100
    source.tables = {
        t: pl.DataFrame({"x": pl.repeat(value, rows, eager=True), "s": [f"text {value}"] * rows})
        for t in "abc"
    }
    manager.add_data_source(source)
"""
# Holds the writers' lock until its input ends.
HOLDER = f"""{HEAD}
from algomancy_data.folder.writer import FolderWriter
with FolderWriter(Path(sys.argv[1])).writing("waiting"):
    print("ready", flush=True)
    sys.stdin.readline()
"""
WRITER = f"""{HEAD}
path, *names = sys.argv[1:]
manager = open_manager(path)
print("ready", flush=True)
sys.stdin.readline()
for value, name in enumerate(names):
    save(manager, name, value)
"""
READER = f"""{HEAD}
manager = open_manager(sys.argv[1])
print("ready", flush=True)
seen = set()
while True:
    data = manager.get_data("d")
    ((value, rows),) = {{(f["x"].unique().item(), f.height) for f in data.tables.values()}}
    assert rows == 2_000 + value % 10 * 100
    seen.add(value)
    if value == 99:
        break
print(len(seen), flush=True)
"""


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def test_processes_that_write_at_the_same_time_all_win(start, folder, open_manager):
    names = [[f"{process}{number}" for number in range(8)] for process in "pq"]
    writers = [start(WRITER, folder, *its, "both") for its in names]
    for writer in writers:
        go(writer)
    for writer in writers:
        assert writer.wait(60) == 0
    manager = open_manager()
    assert manager.startup_errors == []
    assert set(manager.get_data_keys()) == {*names[0], *names[1], "both"}
    assert manager.verify() == []
    assert len(list((folder / PRIVATE).iterdir())) == 17 + 1


def test_a_writer_waits_for_another_one_only_so_long(start, folder, open_manager, source):
    open_manager().add_data_source(source())
    holder = start(HOLDER, folder)
    manager = open_manager(lock_timeout=0.2)
    began = time.monotonic()
    message = rf"Another process \(id {holder.pid}\) is writing .* within 0.2 s.*lock_timeout"
    with pytest.raises(StoreBusyError, match=message):
        manager.add_data_source(source("new"))
    assert 0.2 <= time.monotonic() - began < 10
    assert manager.get_data_keys() == ["d"]
    # Readers do not wait, startups neither.
    assert_identical(manager.get_data("d").get_table("t"), source().get_table("t"))
    holder.communicate("\n", timeout=30)
    manager.add_data_source(source("new"))
    assert open_manager().get_data_keys() == ["d", "new"]


def test_a_killed_writer_leaves_no_lock(start, folder, open_manager, source):
    holder = start(HOLDER, folder)
    holder.kill()
    holder.wait(30)
    open_manager(lock_timeout=0.2).add_data_source(source())


def test_leftovers_of_a_living_writer_are_not_cleared(start, folder, open_manager, source):
    open_manager().add_data_source(source())
    holder = start(HOLDER, folder)
    leftover = folder / PRIVATE / "d.00000000000000000000000000000000"
    leftover.mkdir()
    assert open_manager().startup_errors == []
    assert leftover.is_dir()
    holder.kill()
    holder.wait(30)
    assert open_manager().startup_errors == []
    assert not leftover.exists()


def test_a_reader_beside_a_writer_sees_whole_datasets_only(start, folder):
    writer = start(WRITER, folder, "d", *["other"] * 3, *["d"] * 96)
    go(writer)
    while not (folder / "d.json").exists():
        time.sleep(0.01)
    reader = start(READER, folder)
    assert writer.wait(120) == 0
    said, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0
    assert int(said) >= 1


FULL = f"""{HEAD}
import resource
from algomancy_data.errors import StoreError
manager = open_manager(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
big = DataSource("master_data", name="d")
big.tables = {{"small": pl.DataFrame({{"x": [1]}}), "big": pl.DataFrame({{"x": range(100_000)}})}}
before = manager.get_data("d")
for change in (
    lambda: manager.add_data_source(big),
    lambda: manager.set_data("new", big),
    lambda: manager.store_data("raw", big.tables),
):
    try:
        change()
    except StoreError as error:
        assert "File too large" in str(error), error
        assert "as it was before" in str(error), error
    else:
        raise AssertionError("it was stored")
assert manager.get_data("d") is before
assert manager.get_data_keys() == ["d"]
"""


def test_a_disk_without_room_leaves_the_old_state_and_nothing_else(
    start, folder, open_manager, source
):
    open_manager().add_data_source(source())
    before = sorted(folder.rglob("*"))
    process = start(FULL, folder)
    process.communicate("\n", timeout=60)
    assert process.returncode == 0
    assert sorted(folder.rglob("*")) == before
    assert_identical(open_manager().get_data("d").get_table("t"), source().get_table("t"))


MEMORY = f"""{HEAD}
def resident(kind):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(kind)) // 1024

import pyarrow
before = resident("VmRSS")
manager = open_manager(sys.argv[1])
frames = [manager.get_data(key).get_table("t") for key in manager.get_data_keys()]
rows = sum(frame.height for frame in frames)
print("ready", flush=True)
sys.stdin.readline()
mapped = resident("VmRSS") - before
total = frames[0]["a"].sum()
print(rows, mapped, resident("VmRSS") - before - mapped, flush=True)
"""


@pytest.mark.long
def test_a_folder_is_mapped_and_not_read(start, folder, open_manager):
    """5 GB of tables: 40 datasets that share the files of one of 128 MB."""
    rows = 4_000_000
    columns = {name: pl.int_range(rows, eager=True) for name in "abcd"}
    manager = open_manager()
    source = manager.data_object_type("master_data", name="d 0")
    source.add_table("t", pl.DataFrame(columns))
    manager.add_data_source(source)
    for number in range(1, 40):
        manager.derive_data("d 0", f"d {number}")
    process = start(MEMORY, folder)
    said, _ = process.communicate("\n", timeout=60)
    rows_mapped, mapped, column = map(int, said.split())
    assert rows_mapped * 4 * 8 > 5_000_000_000
    assert mapped < 100  # MB
    assert column < 64  # one column has 32 MB, all four 128 MB


def test_an_error_of_the_store_is_a_runtime_error(open_manager, folder, source):
    folder.write_text("a file where the folder should be")
    manager = open_manager()
    with pytest.raises(RuntimeError, match="failed while saving dataset 'd'"):
        manager.add_data_source(source())
    assert issubclass(StoreError, RuntimeError)
