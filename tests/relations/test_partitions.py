"""Codes of keys, their parts on disk, and rows of frames in many chunks."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.relations.partitions import (
    KEY_LIMITS,
    KeyLimits,
    Partitions,
    coded,
    dense_range,
    rows_at,
)

CODES = st.lists(st.integers(0, 2**64 - 1), max_size=20)


@given(slices=st.lists(CODES, max_size=4), part_rows=st.integers(1, 9))
def test_parts_have_all_rows_in_their_order_and_equal_codes_together(slices, part_rows) -> None:
    added = [
        pl.DataFrame(
            {"code": codes, "row": [100 * number + n for n in range(len(codes))]},
            schema={"code": pl.UInt64, "row": pl.get_index_type()},
        )
        for number, codes in enumerate(slices)
    ]
    rows = sum(map(len, slices))
    with Partitions(rows, KeyLimits(part_rows=part_rows), with_rows=True) as parts:
        for part in added:
            parts.add(part)
        found = list(parts)
    everything = pl.concat([pl.DataFrame(schema=found[0].schema), *added])
    assert pl.concat(found).sort("row").equals(everything)
    assert all(part["row"].is_sorted() for part in found)
    codes = [set(part["code"]) for part in found]
    assert sum(map(len, codes)) == len(set().union(*codes))


def test_the_parts_of_codes_that_differ_have_about_the_size_that_was_asked_for() -> None:
    keys = pl.DataFrame({"0": range(100_000)})
    with Partitions(100_000, KeyLimits(part_rows=10_000)) as parts:
        parts.add(coded(keys).select("code"))
        heights = [part.height for part in parts]
    assert len(heights) == 16
    assert max(heights) < 10_000


def test_different_numbers_have_different_codes_and_equal_ones_the_same() -> None:
    numbers = pl.Series("0", [0.0, -0.0, 1.0, -1.0, float("nan"), -float("nan"), 5e-324])
    assert coded(numbers.to_frame())["code"].n_unique() == 5
    for dtype in (pl.Int8, pl.UInt8, pl.Int64, pl.Date, pl.Time):
        keys = pl.DataFrame({"0": pl.int_range(100, eager=True).cast(dtype)})
        assert coded(keys)["code"].n_unique() == 100


def test_a_range_is_dense_if_most_of_its_values_may_be_there() -> None:
    low, far = pl.Series([3, None, 40]), pl.Series([10**12])
    assert dense_range([low, pl.Series([7])], KEY_LIMITS) == (3, 40)
    assert dense_range([low, far], KEY_LIMITS) is None
    assert dense_range([pl.Series([], dtype=pl.Int64)], KEY_LIMITS) is None
    assert dense_range([pl.Series(["a"])], KEY_LIMITS) is None


@given(rows=st.lists(st.integers(0, 99), max_size=30))
def test_rows_of_a_frame_in_many_chunks_are_those_of_one_chunk(rows) -> None:
    frame = pl.DataFrame({"a": range(100), "b": [str(n) for n in range(100)]})
    chunks = pl.concat([frame.slice(start, 7) for start in range(0, 100, 7)], rechunk=False)
    assert chunks.n_chunks() > 8
    wanted = pl.Series(rows, dtype=pl.get_index_type())
    assert rows_at(chunks, wanted).equals(frame[wanted])
