"""What the store asks of the machine's memory, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Writes a dataset of 100,000 x 40 and reads it twice, then says how much address space the
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

numbers = pl.select(x=pl.int_range(100_000)).to_series()
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
