"""``to_pandas()``: views in Arrow's types, on purpose, and an error where there can be none."""

from __future__ import annotations

import math
import subprocess
import sys

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import assume, given
from polars.testing import assert_frame_equal

from algomancy_data import DataSource
from algomancy_data.errors import FrameError
from algomancy_data.testing import any_frame, sample_frames

WIDE = {pl.Int128, pl.UInt128}


def source_of(**tables):
    source = DataSource("master_data", "d")
    source.tables = tables
    return source


def has_wide_integers(dtype):
    inner = [dtype, *(field.dtype for field in getattr(dtype, "fields", ()))]
    inner += [dtype.inner] if isinstance(dtype, pl.List | pl.Array) else []
    return any(kind in WIDE or (kind != dtype and has_wide_integers(kind)) for kind in inner)


def without_enums(frame):
    """Arrow has one type for enumerations and categories."""
    return frame.cast({pl.Enum: pl.Categorical})


@pytest.mark.parametrize(
    "case",
    [
        name
        for name in sample_frames()
        if name not in {"integers", "declared dtypes", "no columns but rows"}
    ],
)
def test_what_goes_to_pandas_and_back_is_the_same(case):
    frame = sample_frames()[case]
    view = source_of(t=frame).to_pandas()["t"]
    assert isinstance(view, pd.DataFrame)
    assert list(view.columns) == frame.columns
    assert len(view) == frame.height
    assert_frame_equal(source_of(t=view).get_table("t"), without_enums(frame))


@given(any_frame())
def test_any_frame_goes_to_pandas_and_back(frame):
    assume(frame.width and not any(map(has_wide_integers, frame.dtypes)))
    assume(not any("Enum" in str(dtype) and dtype.is_nested() for dtype in frame.dtypes))
    view = source_of(t=frame).to_pandas()["t"]
    assert_frame_equal(source_of(t=view).get_table("t"), without_enums(frame))


def test_a_view_of_all_tables_keeps_their_order_and_what_numpy_loses():
    source = source_of(b={"id": [2**60 + 1, None]}, a={"x": [math.nan, None]})
    views = source.to_pandas()
    assert list(views) == ["b", "a"]
    assert views["b"]["id"][0] == 2**60 + 1
    assert views["b"]["id"].isna().tolist() == [False, True]
    numpy_backed = source.get_table("b").to_pandas()["id"]
    assert int(numpy_backed[0]) != 2**60 + 1


def test_a_view_shares_the_memory_of_the_table():
    frame = pl.DataFrame({"x": range(1000)})
    view = source_of(t=frame).to_pandas()["t"]
    ours, theirs = (
        pa.chunked_array(column).chunk(0).buffers()[1].address
        for column in (frame["x"].to_arrow(), pa.array(view["x"].array))
    )
    assert ours == theirs


@pytest.mark.parametrize(
    "dtype", [pl.Int128, pl.UInt128, pl.List(pl.Int128), pl.Struct({"a": pl.UInt128}), pl.Object]
)
def test_what_pandas_cannot_hold_is_refused_by_name(dtype):
    source = source_of(fits={"x": [1]}, t=pl.DataFrame(schema={"ok": pl.Int8, "wide": dtype}))
    with pytest.raises(FrameError, match=r"Table 't' has columns .*'wide' \(.*Cast them") as error:
        source.to_pandas()
    assert "'ok'" not in str(error.value)


WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
from algomancy_data import DataSource
from algomancy_data.errors import MissingExtraError
source = DataSource("master_data", "d")
source.add_table("t", {{"x": [1]}})
"""


def run_without(package, code):
    program = WITHOUT.format(package=package) + code
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_pandas_the_error_says_what_to_install():
    code = """
try:
    source.to_pandas()
except MissingExtraError as error:
    print(error)
"""
    assert run_without("pandas", code) == (
        "DataSource.to_pandas() needs pandas, which is not installed. Run: pip install pandas\n"
    )


def test_pandas_is_imported_only_when_it_is_asked_for():
    code = """
print("pandas" in sys.modules)
source.to_pandas()
print("pandas" in sys.modules)
"""
    assert run_without("none", code).split() == ["False", "True"]
