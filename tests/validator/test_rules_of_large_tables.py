"""Rules of a table that memory would not hold keep to a memory that does not grow with it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.long

ROWS = 12_000_000
MEBIBYTE = 1 << 20

# Prints the most memory of its own that checking took, and how many rows break each rule.
WORKER = """
import json, sys, threading, time
import polars as pl
from algomancy_data import Column, DataType, RuleValidator, Schema, rule
from algomancy_data.frames.mapped import MappedFrames

class Events(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "events", "csv", "single"
    ID = Column("id", DataType.INTEGER, min=1)
    NAME = Column("name", DataType.STRING, regex="^name-[0-9]+$", max_length=20)
    PRICE = Column("price", DataType.FLOAT, min=0, max=999.98)

    @rule()
    def is_cheap(cls):
        return cls.PRICE.col <= cls.ID.col + 1000

    @rule(group_by=["order"])
    def has_three(cls):
        return pl.len() == 3

    ORDER = Column("order", DataType.INTEGER)

def own_memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) * 1024

rows, step = int(sys.argv[1]), 500_000
with MappedFrames() as frames:
    for start in range(0, rows, step):
        number = pl.int_range(start, start + step)
        frames.write(pl.select(
            number.alias("id"),
            ("name-" + number.cast(pl.String)).alias("name"),
            (number * 7919 % 100_000 / 100).alias("price"),
            (number // 3).alias("order"),
        ))
    events = frames.mapped()
before, most, done = own_memory(), [0], threading.Event()

def watch():
    while not done.is_set():
        most[0] = max(most[0], own_memory())
        time.sleep(0.005)

watcher = threading.Thread(target=watch)
watcher.start()
check = RuleValidator([Events])
check.validate({"events": events})
done.set()
watcher.join()
broken = check.failing_rows()["key"].value_counts().rows()
print(json.dumps([most[0] - before, dict(broken)]))
"""


def test_rules_on_rows_and_millions_of_groups_take_little_of_a_table_into_memory():
    given = [sys.executable, "-c", WORKER, str(ROWS)]
    run = subprocess.run(given, capture_output=True, text=True, check=True)
    taken, broken = json.loads(run.stdout)
    assert broken == {"min": 1, "max": ROWS // 100_000}
    assert taken < 300 * MEBIBYTE
