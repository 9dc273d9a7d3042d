"""What a LazyFrame gives, in memory or in a scratch file: the same to the last bit."""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from algomancy_data.errors import FrameError, ScratchError
from algomancy_data.frames import lazy
from algomancy_data.frames.lazy import collected, kept_rows
from algomancy_data.frames.mapped import mapped_frame
from algomancy_data.frames.tabular import to_frame
from algomancy_data.testing.comparison import assert_identical
from algomancy_data.testing.samples import any_frame, any_named_frame, sample_frames
from algomancy_data.transformer import TransformationSequence, Transformer

# Makes a table of 1.3 GB of a file, as a query.
CHILD = """
import sys
import polars as pl
from algomancy_data import DataSource
source = DataSource("master_data", name="d")
query = pl.scan_parquet(sys.argv[1]).with_columns(
    more=pl.col("id") / 7, text="text " + pl.col("id").cast(pl.String)
)
source.add_table("t", query)
frame = source.get_table("t")
print(frame.height, frame["id"].sum(), flush=True)
"""


@pytest.mark.parametrize("kind", sample_frames())
def test_any_frame_comes_out_of_a_scratch_file_as_it_was(kind) -> None:
    query = pl.concat([sample_frames()[kind].lazy()] * 3)
    assert_identical(collected(query, 0), query.collect())


def test_any_query_gives_what_it_gives_in_memory() -> None:
    @given(any_frame() | any_named_frame())
    def gives_the_same(frame: pl.DataFrame) -> None:
        query = pl.concat([frame.lazy(), frame.lazy().reverse(), frame.lazy().clear()])
        assert_identical(collected(query, 0), query.collect())

    gives_the_same()


NUMBERS = pl.LazyFrame({"a": range(300_000)}).with_columns(b=pl.col("a") % 7)
QUERIES = {
    "filter": NUMBERS.filter(pl.col("a") % 1000 == 3),
    "sort": NUMBERS.sort("b", "a", descending=True),
    "left join": NUMBERS.join(
        NUMBERS.head(5).select("a", c="b"), on="a", how="left", maintain_order="left"
    ),
    "groups": NUMBERS.group_by("b", maintain_order=True).agg("a"),
    "explode": NUMBERS.group_by("b", maintain_order=True).agg("a").explode("a"),
    "rows with numbers": NUMBERS.filter(pl.col("b") > 3).with_row_index(),
    "two tables": pl.concat([NUMBERS.head(10), NUMBERS.tail(10)]),
    "nothing": NUMBERS.filter(pl.col("a") < 0),
}


@pytest.mark.parametrize("query", QUERIES)
def test_rows_are_in_the_order_of_the_query(query) -> None:
    assert_frame_equal(collected(QUERIES[query], 0), QUERIES[query].collect())


def test_rows_without_columns_are_counted() -> None:
    assert collected(pl.LazyFrame(height=3), 0).shape == (3, 0)


def test_what_memory_holds_does_not_go_to_a_file(monkeypatch) -> None:
    monkeypatch.setenv("ALGOMANCY_SCRATCH", "/nowhere")
    assert collected(pl.LazyFrame({"a": [1, 2]})).rows() == [(1,), (2,)]


def test_few_rows_of_many_batches_become_few_chunks() -> None:
    query = NUMBERS.filter(pl.col("a") % 50_000 == 3).select("a")
    batches = [*query.collect_batches()]
    assert len(batches) > 1
    assert mapped_frame(batches, 6400).n_chunks() == 1


def test_a_query_runs_once() -> None:
    seen: list[int] = []

    def count(frame: pl.DataFrame) -> pl.DataFrame:
        seen.append(frame.height)
        return frame

    assert to_frame(NUMBERS.map_batches(count), "t", 0).height == 300_000
    assert sum(seen) == 300_000


def test_a_query_that_fails_is_said_by_the_name_of_the_table() -> None:
    late = pl.when(pl.col("a") > 250_000).then(pl.lit("x")).otherwise(pl.lit("1"))
    with pytest.raises(FrameError, match=r"Table 'orders' is a polars.LazyFrame whose query fails"):
        to_frame(NUMBERS.with_columns(c=late.str.to_integer()), "orders", 0)


def test_a_full_disk_is_said_as_such(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ALGOMANCY_SCRATCH", str(tmp_path))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        with pytest.raises(ScratchError, match="no room left"):
            to_frame(NUMBERS, "t", 0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, heard)


class Doubles(Transformer):
    """Gives back a LazyFrame."""

    def transform(self, data):
        data["t"] = data["t"].lazy().with_columns(pl.col("b") * 2, word=pl.col("a").cast(pl.String))


class Needs(Transformer):
    """Works with a frame."""

    def transform(self, data):
        data["u"] = data["t"].filter(pl.col("b") == 12)


def test_a_transformer_may_give_back_a_lazyframe_and_the_next_one_gets_a_frame() -> None:
    sequence = TransformationSequence([Doubles("Doubles"), Needs("Needs")])
    sequence.in_memory_bytes = 160
    tables = sequence.run_transformation({"t": NUMBERS})
    expected = NUMBERS.with_columns(pl.col("b") * 2, word=pl.col("a").cast(pl.String)).collect()
    assert_frame_equal(tables["t"], expected)
    assert tables["u"].height == expected.filter(pl.col("b") == 12).height


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_table_of_a_datasource_is_made_without_being_in_memory(watched, tmp_path) -> None:
    rows = 20_000_000
    path = tmp_path / "t.parquet"
    wide = [(pl.col("id") * number).alias(f"n{number}") for number in range(2, 5)]
    pl.LazyFrame({"id": pl.int_range(rows, eager=True)}).with_columns(wide).sink_parquet(path)
    said, most = watched(CHILD, path, scratch=tmp_path)
    assert said == [str(rows), str(rows * (rows - 1) // 2)]
    assert most < 900 * 1024 * 1024, most  # and the table has 1.3 GB


@given(frame=any_frame(), data=st.data())
def test_rows_that_are_kept_in_a_file_are_those_that_are_kept_in_memory(frame, data) -> None:
    mask = data.draw(st.lists(st.booleans(), min_size=frame.height, max_size=frame.height))
    kept = pl.Series(mask, dtype=pl.Boolean)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lazy, "_SLICE_ROWS", 3)
        found = kept_rows(frame, kept, in_memory_bytes=0)
    assert_identical(found, frame.filter(kept))


def test_the_rows_of_a_large_table_that_are_kept_are_in_a_file(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ALGOMANCY_SCRATCH", str(tmp_path))
    frame = pl.select(a=pl.int_range(600_000), b=pl.int_range(600_000).cast(pl.String))
    kept = kept_rows(frame, frame["a"] % 2 == 1, in_memory_bytes=1000)
    assert kept["a"].to_list() == list(range(1, 600_000, 2))
    maps = Path("/proc/self/maps").read_text()
    assert str(tmp_path) in maps
