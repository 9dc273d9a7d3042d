"""What cannot be kept exactly is refused by name, and nothing has changed afterwards."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest

from algomancy_data.errors import AlgomancyDataError, UnstorableError

REFUSED = {
    "Object": ([object()], pl.Object),
    "Categorical": (["x"], pl.Categorical(pl.Categories("own"))),
    "Categories": ([["x"]], pl.List(pl.Categorical(pl.Categories("own")))),
}


@pytest.fixture
def state(manager, dataset, outside, path):
    """A database with a dataset in it; returns how to look at all that is there."""
    manager.add_data_source(dataset(tables={"t": pl.DataFrame({"x": [1, 2]})}))

    def look():
        tables = outside(path, "SELECT name, sql FROM sqlite_master ORDER BY name")
        rows = outside(path, "SELECT * FROM algomancy_datasets")
        return tables, rows, outside(path, 'SELECT x FROM "ds__s__d__t"')

    return look


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("name", ["d", "new"])
def test_a_dtype_that_cannot_be_kept_is_refused(manager, dataset, state, what, name):
    values, dtype = REFUSED[what]
    good, bad = pl.DataFrame({"x": [3]}), pl.DataFrame({"wrong": values}, {"wrong": dtype})
    before, in_memory = state(), manager.get_data("d")
    with pytest.raises(UnstorableError, match=r"'wrong'.*'second'") as refusal:
        manager.add_data_source(dataset(name, {"first": good, "second": bad}))
    assert what in str(refusal.value)
    assert state() == before
    assert manager.get_data("d") is in_memory
    assert manager.get_data_keys() == ["d"]


def test_a_decimal_of_more_digits_than_its_dtype_has_is_refused(manager, dataset, state):
    buffers = [None, pa.py_buffer((10**9).to_bytes(16, "little"))]
    wrong = pl.Series("wrong", pa.Array.from_buffers(pa.decimal128(5), 1, buffers))
    before = state()
    with pytest.raises(UnstorableError, match=r"'second'.*'wrong'.*more than 5 digits"):
        manager.add_data_source(dataset("d", {"second": wrong.to_frame()}))
    assert state() == before


@pytest.mark.parametrize("dtype", [dtype for _, dtype in REFUSED.values()], ids=REFUSED)
def test_a_dtype_is_refused_without_any_value_as_well(manager, dataset, dtype):
    with pytest.raises(UnstorableError, match="'x'"):
        manager.add_data_source(dataset(tables={"t": pl.DataFrame(schema={"x": dtype})}))


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({f"c{number}": [1] for number in range(2001)}),
        # A column that marks NaN counts as well.
        pl.DataFrame({f"c{number}": [float("nan")] for number in range(1001)}),
    ],
    ids=["2001 columns", "1001 columns with NaN"],
)
def test_more_columns_than_a_table_has_are_refused(manager, dataset, state, frame):
    before = state()
    with pytest.raises(UnstorableError, match=r"'wide' needs 2,00\d columns"):
        manager.add_data_source(dataset(tables={"wide": frame}))
    assert state() == before


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800"])
def test_a_name_that_no_store_can_keep_is_refused(manager, dataset, state, name):
    before = state()
    frame = pl.DataFrame({"x": [1]})
    for source, key in ((dataset(), name), (dataset(tables={name: frame}), "new")):
        with pytest.raises(AlgomancyDataError, match="name"):
            manager.set_data(key, source)
    assert state() == before
