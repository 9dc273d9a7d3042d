"""Check sums are those of the values, and one changed value is found."""

from __future__ import annotations

import hashlib
import struct

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing.parametric import series

from algomancy_data.database.block_sums import BLOCK_ROWS, block_sums, changed_rows
from tests.database.sample_columns import FRAME


def test_check_sums_are_the_same_with_every_version_and_in_every_layout_of_the_memory():
    """They are part of the storage format: other sums are other values."""
    plain = FRAME.drop("list", "record")
    plain.columns = [str(number) for number in range(plain.width)]
    noted = block_sums(plain)
    places_of_nulls, words = (1, 2, 4), (1 + 2, 1 * 2, 1 * 1 * 2)
    assert struct.unpack("<IIQQQQ", noted[0]) == (*places_of_nulls, *words)
    assert hashlib.sha256(b"".join(noted)).hexdigest() == (
        "371cf2320b02c94e45e0ecfecb1dbabb930975c21b8156b79f59270a303dc9a9"
    )
    longer = pl.concat([plain.reverse(), plain, plain.clear()], rechunk=False)
    assert block_sums(longer.slice(3, 3)) == noted


def sums_by_hand(values):
    """Plain Python, value by value."""
    nulls = [value is None for value in values]
    given = [0 if value is None else value for value in values]
    if any(isinstance(value, str) for value in values):
        texts = [(value or "").encode() for value in values]
        content = b"".join(texts)
        words = [content[at : at + 8].ljust(8, b"\0") for at in range(0, len(content), 8)]
        runs = [[*map(len, texts)], [int.from_bytes(word, "little") for word in words]]
    elif any(isinstance(value, float) for value in values):
        runs = [[int.from_bytes(struct.pack("<d", value), "little") for value in given]]
    else:
        runs = [[value % 2**64 for value in given]]
    found = struct.pack(
        "<IIQ", *(sum(row**power for row, one in enumerate(nulls) if one) for power in range(3))
    )
    for run in runs:
        folded = [word ^ word >> 32 for word in run]
        sums = [sum(at**power * one for at, one in enumerate(folded)) for power in range(3)]
        found += struct.pack("<QQQ", *(one % 2**64 for one in sums))
    return found


@pytest.mark.parametrize(
    "values",
    [
        ["a", None, "", "8 bytes!", "ß" * 9, "end"] * 500,
        [1.5, None, -0.0, 1e300] * 500,
        [2**40, None, -1, 7] * 500,
        [True, None, False, True] * 500,
        ["text", ""] * 60_000,
    ],
)
def test_sums_are_those_of_the_values_whichever_way_they_are_made(values):
    column = pl.Series("0", values[:BLOCK_ROWS])
    by_hand = sums_by_hand(column.to_list())
    assert block_sums(column.to_frame()) == [by_hand]
    short = pl.DataFrame({"0": column[:30], "1": column[:30], "2": column[30:60]})
    several = [sums_by_hand(one.to_list()) for one in short]
    assert block_sums(short) == several
    if column.dtype == pl.String():
        array = pl.concat([column[:3], column]).to_arrow().slice(3)
        assert block_sums(column.to_frame(), {0: array}) == [by_hand]


def test_what_lies_behind_a_null_is_no_part_of_a_text():
    texts = pa.array(["hidden", "b", "hidden too"], pa.large_string())
    hiding = pa.Array.from_buffers(texts.type, 3, [pa.py_buffer(b"\x02"), *texts.buffers()[1:]])
    block = pl.DataFrame({"0": [None, "b", None]})
    assert block_sums(block, {0: hiding}) == block_sums(block)
    assert block_sums(pl.DataFrame({"0": hiding})) == block_sums(block)


COLUMN = st.one_of(
    *(
        series(dtype=dtype, min_size=1, max_size=40, allow_null=True)
        for dtype in (
            pl.Int8,
            pl.UInt64,
            pl.Float32,
            pl.Float64,
            pl.Boolean,
            pl.String,
            pl.Binary,
            pl.Date,
            pl.Time,
            pl.Datetime("ns"),
            pl.Decimal(20, 3),
            pl.Int128,
        )
    )
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(column=COLUMN, data=st.data())
def test_one_changed_value_is_found_wherever_it_is(column, data):
    rows = st.integers(0, len(column) - 1)
    row, source = data.draw(rows), data.draw(rows)
    changed = pl.concat([column[:row], column[source : source + 1], column[row + 1 :]])
    (noted,) = block_sums(column.alias("0").to_frame())
    is_same = repr(changed[row]) == repr(column[row])
    assert changed_rows(changed, noted) == ([] if is_same else [row])
