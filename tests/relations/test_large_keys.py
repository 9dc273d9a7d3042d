"""Checks of keys in bounded memory: the anonymous memory of a process, seen from outside."""

import select
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = 10_000_000
# Makes a mapped table of texts and numbers in no order, and checks it when it is told to.
CHILD = """
import sys
import polars as pl
from algomancy_data.frames.mapped import MappedFrames
from algomancy_data.relations.lookup import rows_without_parent
from algomancy_data.validator.duplicates import duplicate_rows
with MappedFrames() as frames:
    for first in range(0, 10_000_000, 200_000):
        number = pl.int_range(first, first + 200_000, eager=True) * 7_654_321 % 10_000_000
        text = pl.select(pl.format("customer-{{}}", number)).to_series()
        far = number * 2**32
        frames.write(pl.DataFrame({{"text": text, "far": far, "few": far % 10}}))
    table = frames.mapped()
print("ready", flush=True)
sys.stdin.readline()
print(len({check}), flush=True)
sys.stdin.readline()
"""


def anonymous_mib(process) -> int:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) // 1024


@pytest.mark.long
@pytest.mark.parametrize(
    ("check", "failing", "most"),
    [
        ("duplicate_rows(table.select('text'))", 0, 100),
        ("duplicate_rows(table.select('far'))", 0, 100),
        ("duplicate_rows(table.select('text', 'far'))", 0, 100),
        ("duplicate_rows(table.select('few'))", ROWS, 150),
        ("rows_without_parent(table.select('text'), table.select('text'))", 0, 250),
        ("rows_without_parent(table.select('far'), table.select('far').tail(-3))", 3, 150),
    ],
)
def test_keys_of_ten_million_rows_are_checked_in_bounded_memory(check, failing, most) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(check=check)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout.readline() == "ready\n"
        before = peak = anonymous_mib(child)
        child.stdin.write("\n")
        child.stdin.flush()
        while not select.select([child.stdout], [], [], 0.005)[0]:
            peak = max(peak, anonymous_mib(child))
        assert int(child.stdout.readline()) == failing
        child.stdin.close()
    assert peak - before < most
