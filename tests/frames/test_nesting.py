"""What is nested without measure is refused before anything recurses into it."""

import subprocess
import sys

import polars as pl
import pytest

from algomancy_data.errors import FrameError
from algomancy_data.frames.tabular import to_frame

FROM_TYPE = {
    "a table": "pa.Table.from_batches([], pa.schema({'a': dtype}))",
    "a reader": "pa.RecordBatchReader.from_batches(pa.schema({'a': dtype}), [])",
    "a dictionary": "pa.Table.from_batches([], pa.schema({'a': pa.dictionary(pa.int8(), dtype)}))",
    "pandas": "pd.DataFrame({'a': pd.Series([], dtype=pd.ArrowDtype(dtype))})",
}


# At 1,000 levels pandas gives up by itself.
@pytest.mark.parametrize(
    ("kind", "levels"),
    [(kind, [100] if kind == "pandas" else [100, 1_000, 100_000]) for kind in FROM_TYPE],
)
def test_types_that_are_nested_without_measure_are_refused(kind, levels):
    code = f"""
import os, sys
import pandas as pd, pyarrow as pa
from algomancy_data.errors import FrameError
from algomancy_data.frames.tabular import to_frame
kept = []  # Arrow recurses when it forgets such a type
for levels in {levels}:
    dtype = pa.int8()
    for level in range(levels):
        dtype = pa.list_(dtype) if level % 2 else pa.struct({{"x": dtype}})
    table = {FROM_TYPE[kind]}
    kept += [dtype, table]
    try:
        to_frame(table, "t")
    except FrameError as error:
        print(error, flush=True)
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    said = "Taking table 't' failed: it is nested too deeply. Take out some of the levels."
    assert (done.returncode, done.stdout.splitlines()) == (0, [said] * len(levels)), done.stderr[
        -500:
    ]


def test_frames_of_polars_are_taken_to_as_many_levels_as_json_files_have():
    dtype = pl.Int8()
    for _ in range(128):
        dtype = pl.List(dtype)
    frame = pl.DataFrame(schema={"a": dtype})
    assert to_frame(frame) is frame
    deeper = pl.DataFrame(schema={"a": pl.Struct({"x": dtype})})
    for table in (deeper, deeper.lazy()):
        with pytest.raises(FrameError, match="it is nested too deeply"):
            to_frame(table)
