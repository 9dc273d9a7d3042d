"""What the store asks of the machine's memory, measured in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import polars as pl
import pytest

from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

# Writes a dataset of 50,000 x 40 and reads it twice, then says how much address space the
# process had reserved at most, beyond what its imports had.
ROUND_TRIP = """
import re, sys
from pathlib import Path
import polars as pl
from polars.testing import assert_frame_equal
from algomancy_data import DataClassification, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

def reserved():
    return int(re.search(r"VmPeak:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

numbers = pl.select(x=pl.int_range(50_000)).to_series()
frame = pl.DataFrame({f"c{i}": numbers + i for i in range(40)})
before = reserved()
for _ in range(2):
    manager = DatabaseDataManager(SimpleETLFactory, [], sys.argv[1], "memory", DataSource)
    manager.startup()
    if not manager.get_data_keys():
        source = DataSource(DataClassification.MASTER_DATA, name="d")
        source.add_table("t", frame)
        manager.add_data_source(source)
    manager.refresh()
    assert_frame_equal(manager.get_data("d").get_table("t"), frame)
    manager.close()
print(reserved() - before)
"""

# Writes 3,000,000 rows of the mixed kinds that tables have, or reads them, and says how much memory
# the program took beyond what it had before, as a multiple of the frame.
PEAK = """
import re, sys
from datetime import datetime
from pathlib import Path
import polars as pl
from algomancy_data import DataClassification, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

def memory(what):
    return int(re.search(what + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

manager = DatabaseDataManager(SimpleETLFactory, [], sys.argv[2], "peak", DataSource)
manager.startup()
warm_up = DataSource(DataClassification.MASTER_DATA, name="small")
warm_up.add_table("t", pl.DataFrame({"x": [1.5], "t": [datetime(2020, 1, 1)]}))
manager.add_data_source(warm_up)  # so that imports do not count
manager.refresh()
manager.get_data("small")
source = DataSource(DataClassification.MASTER_DATA, name="d")
if sys.argv[1] == "write":
    row = pl.int_range(3_000_000)
    source.add_table("t", pl.select(
        id=row, other=row * 7919, text="text " + row.cast(pl.String),
        word=(row % 7).cast(pl.String),
        price=row / 7, weight=pl.when(row % 20 > 0).then(row * 1.5), even=row % 2 == 0,
        time=datetime(2020, 1, 1) + pl.duration(seconds=row),
    ))
Path("/proc/self/clear_refs").write_text("5")  # the peak is that of what follows
before = memory("VmRSS")
if sys.argv[1] == "write":
    manager.add_data_source(source)
else:
    source = manager.get_data("d")
frame = source.get_table("t")
print((memory("VmHWM") - before) / frame.estimated_size())
manager.close()
"""

# Reads 6,000,000 rows of 8 columns for code that works with frames, and sums a column.
LAZY = """
import sys
from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

manager = DatabaseDataManager(SimpleETLFactory, [], sys.argv[1], "s", DataSource)
manager.startup()
frame = manager.get_data("d", lazy=True).get_table("t")
print(frame.height, frame["id"].sum(), flush=True)
manager.close()
"""

# What is no longer used goes back at once, so that only what is used counts; and each thread that
# a library keeps memory for costs something, on any machine.
STEADY = {
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0",  # Polars
    "MIMALLOC_PURGE_DELAY": "0",  # Arrow
    "POLARS_MAX_THREADS": "8",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data.db'}"
    return request.getfixturevalue("postgresql")


def test_no_more_memory_is_reserved_than_a_small_machine_has(url):
    """A machine that does not overcommit must be able to give what is asked for."""
    done = subprocess.run(
        [sys.executable, "-c", ROUND_TRIP, url], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2 * 1024**3


@pytest.mark.long
def test_writing_and_reading_take_little_more_memory_than_the_data(url):
    beyond = {}
    for doing in ("write", "read"):
        done = subprocess.run(
            [sys.executable, "-c", PEAK, doing, url],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | STEADY,
        )
        assert done.returncode == 0, done.stderr
        beyond[doing] = float(done.stdout)
    assert beyond["write"] < 0.25
    assert beyond["read"] < 1 + 1.3


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_dataset_is_read_without_being_in_memory(url, watched, tmp_path):
    rows = 6_000_000
    row = pl.int_range(rows)
    numbers = {f"n{number}": row * number for number in range(2, 8)}
    source = DataSource("master_data", name="d")
    source.add_table("t", pl.select(id=row, text="text " + row.cast(pl.String), **numbers))
    manager = DatabaseDataManager(SimpleETLFactory, [], url, "s", DataSource)
    manager.startup()
    manager.add_data_source(source)
    manager.close()
    said, most = watched(LAZY, url, scratch=tmp_path)
    assert said == [str(rows), str(rows * (rows - 1) // 2)]
    assert most < 350 * 1024 * 1024, most  # and the table has 420 MB
