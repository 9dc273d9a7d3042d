"""Two frames are identical if nothing that can be seen tells them apart."""

from __future__ import annotations

import math

import polars as pl
import pytest

from algomancy_data.frames.identical import identical, identical_frames, identical_tables

PAIRS = {
    "signs of zeros": ([0.0], [-0.0], None),
    "signs of zeros in lists": ([[0.0]], [[-0.0]], None),
    "signs of zeros in structs": ([{"a": 0.0}], [{"a": -0.0}], None),
    "a null struct": ([None], [{"a": None}], pl.Struct({"a": pl.Int8})),
    "a null list": ([None], [[]], pl.List(pl.Int8)),
    "a null number": ([0], [None], pl.Int8),
    "a null text": ([""], [None], pl.String),
    "a null category": (["a"], [None], pl.Categorical),
    "a null item": ([[0, 1]], [[None, 1]], pl.List(pl.Int8)),
    "a null array": ([None], [[None, None]], pl.Array(pl.Int8, 2)),
    "lengths of lists": ([[1], [2, 3]], [[1, 2], [3]], pl.List(pl.Int8)),
    "a list in an array": ([[[1], []]], [[[], [1]]], pl.Array(pl.List(pl.Int8), 2)),
    "structs without fields": ([{}], [None], pl.Struct([])),
    "wide integers": ([2**100], [2**100 + 1], pl.Int128),
    "the widest integers": ([2**127], [2**127 + 1], pl.UInt128),
    "small floats": ([1.0], [1.5], pl.Float16),
    "wide integers in structs": (
        [{"^a.*$": 2**100}],
        [{"^a.*$": 1}],
        pl.Struct({"^a.*$": pl.Int128}),
    ),
    "objects": ([object()], [object()], pl.Object),
    "instants": ([0], [1], pl.Datetime("ns", "UTC")),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_a_difference_is_seen_in_every_dtype(pair):
    one, other, dtype = PAIRS[pair]
    left, right = (pl.Series("^x$", values, dtype=dtype) for values in (one, other))
    assert not identical(left, right)
    assert identical(left, left.clone())
    assert identical(right, pl.concat([right, right.clear()]))
    assert not identical_frames(left.to_frame(), right.to_frame())
    assert identical_tables({"t": left.to_frame()}, {"t": left.to_frame().clone()})


def test_nan_is_nan_and_names_and_their_order_count():
    frame = pl.DataFrame({"a": [math.nan, None], "b": [1, 2]})
    assert identical_frames(frame, frame.clone())
    assert not identical_frames(frame, frame.select("b", "a"))
    assert not identical_frames(frame, frame.rename({"a": "c"}))
    assert not identical_frames(frame, frame.head(1))
    assert not identical_tables({"a": frame, "b": frame}, {"b": frame, "a": frame})
