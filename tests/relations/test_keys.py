from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.relations.keys import (
    common_dtype,
    is_comparable,
    match_keys,
    pack_keys,
)
from algomancy_data.relations.lookup import matched_rows, rows_without_parent, unmatched


@pytest.mark.parametrize(
    ("dtype", "comparable"),
    [
        (pl.Object(), False),
        (pl.List(pl.Object()), False),
        (pl.Struct({"a": pl.Int64(), "b": pl.List(pl.Object())}), False),
        (pl.Struct({"a": pl.List(pl.String())}), True),
        (pl.Array(pl.Int64(), 2), True),
        (pl.Null(), True),
    ],
)
def test_python_objects_are_not_comparable_at_any_depth(dtype, comparable):
    assert is_comparable(dtype) is comparable


@pytest.mark.parametrize(
    ("left", "right", "common"),
    [
        (pl.Int64(), pl.Int64(), pl.Int64()),
        (pl.Int8(), pl.UInt32(), pl.Int64()),
        (pl.Int64(), pl.UInt64(), pl.Int128()),
        (pl.Int64(), pl.Float32(), pl.Int64()),
        (pl.Float32(), pl.Float64(), pl.Float64()),
        (pl.Decimal(10, 2), pl.Decimal(5, 4), pl.Decimal(38, 4)),
        (pl.Decimal(10, 2), pl.Int64(), pl.Decimal(38, 2)),
        (pl.Decimal(10, 2), pl.Float64(), None),
        (pl.String(), pl.Categorical(), pl.String()),
        (pl.Enum(["a"]), pl.Enum(["b"]), pl.String()),
        (pl.Datetime("ms"), pl.Datetime("ns"), pl.Datetime("ns")),
        (pl.Datetime("us", "Asia/Tokyo"), pl.Datetime("us", "UTC"), pl.Datetime("us", "UTC")),
        (pl.Datetime("us"), pl.Datetime("us", "UTC"), None),
        (pl.Duration("ms"), pl.Duration("us"), pl.Duration("us")),
        (pl.Date(), pl.Datetime("us"), None),
        (pl.Int64(), pl.String(), None),
        (pl.Boolean(), pl.Int64(), None),
        (pl.Null(), pl.String(), pl.String()),
        (pl.Object(), pl.Object(), None),
        (pl.Object(), pl.Null(), None),
        (pl.List(pl.Int64()), pl.List(pl.Int64()), pl.List(pl.Int64())),
        (pl.List(pl.Int64()), pl.List(pl.Int32()), None),
    ],
)
def test_two_dtypes_are_compared_in_one_that_keeps_the_values(left, right, common):
    assert common_dtype(left, right) == common
    assert common_dtype(right, left) == common


def orphans(child, parent):
    return rows_without_parent(pl.DataFrame({"c": child}), pl.DataFrame({"p": parent})).to_list()


@pytest.mark.parametrize(
    ("child", "parent", "expected"),
    [
        (pl.Series([1, 2]), pl.Series([1.0, 1.5]), [1]),
        (pl.Series([1.0, 1.5, float("nan"), float("inf")]), pl.Series([1, 0]), [1, 2, 3]),
        # 2**53 + 1 is no float: the two would be equal as floats.
        (pl.Series([2**53 + 1, 2**53]), pl.Series([2.0**53]), [0]),
        (pl.Series([2**63], dtype=pl.UInt64), pl.Series([-(2**63)]), [0]),
        (pl.Series([2**63], dtype=pl.UInt64), pl.Series([2.0**63]), []),
        (pl.Series([0.1], dtype=pl.Float32), pl.Series([0.1]), [0]),
        (pl.Series([Decimal("1.50"), Decimal("2.00")]), pl.Series([2]), [0]),
        (pl.Series(["a", "b"], dtype=pl.Categorical), pl.Series(["a"]), [1]),
        (pl.Series(["a"], dtype=pl.Enum(["a"])), pl.Series(["a"], dtype=pl.Categorical), []),
        (pl.Series(["1"]), pl.Series([1]), [0]),
        (pl.Series([dt.datetime(3000, 1, 1)]), pl.Series([0], dtype=pl.Datetime("ns")), [0]),
        (pl.Series([float("nan"), None, -0.0]), pl.Series([float("nan"), 0.0]), []),
        (pl.Series([1, None]), pl.Series([None, None], dtype=pl.Int64), [0]),
        (pl.Series([1, None]), pl.Series([None, None]), [0]),
        (pl.Series([None, None]), pl.Series([1]), []),
        (pl.Series([[1], [2], None]), pl.Series([[1]]), [1]),
        (pl.Series([True, False]), pl.Series([True]), [1]),
        (pl.Series([1]), pl.Series([], dtype=pl.Int64), [0]),
        (pl.Series([], dtype=pl.Int64), pl.Series(["x"]), []),
    ],
)
def test_a_key_is_found_where_an_equal_value_stands_whatever_the_dtypes(child, parent, expected):
    assert orphans(child, parent) == expected


def test_a_composite_key_is_found_as_a_whole_and_skipped_when_incomplete():
    child = pl.DataFrame({"a": [1, 1, 2, None], "b": ["x", "y", None, None]})
    parent = pl.DataFrame({"k": [2, 1], "l": ["y", "x"]})
    assert rows_without_parent(child, parent).to_list() == [1]


def test_names_that_swap_between_the_tables_do_not_confuse_the_columns():
    child = pl.DataFrame({"1": [1], "0": [2], "row": [3]})
    parent = pl.DataFrame({"0": [1], "1": [2], "row": [3]})
    assert rows_without_parent(child, parent).to_list() == []


def test_matched_keys_have_equal_dtypes_and_heights():
    matched = match_keys(pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"b": [1.5]}))
    assert matched is not None
    assert [frame.schema for frame in matched] == [{"0": pl.Int64()}] * 2
    assert matched[1].to_series().to_list() == [None]


numbers = st.one_of(st.none(), st.integers(0, 3), st.sampled_from([0.5, float("nan")]))


texts = st.one_of(st.none(), st.sampled_from(["a", "b", ""]))


@given(
    child=st.lists(st.tuples(numbers, texts), max_size=12),
    parent=st.lists(st.tuples(numbers, texts), max_size=12),
    columns=st.sampled_from([(0,), (1,), (0, 1)]),
    text_dtype=st.sampled_from([pl.String, pl.Categorical]),
)
def test_orphans_are_the_rows_whose_complete_key_no_parent_has(child, parent, columns, text_dtype):
    schema = {"n": pl.Float64, "t": pl.String}
    names = [list(schema)[column] for column in columns]
    child_frame = pl.DataFrame(child, schema=schema, orient="row", strict=False)
    parent_frame = pl.DataFrame(parent, schema=schema, orient="row", strict=False)

    def key(row):
        return tuple("nan" if row[column] != row[column] else row[column] for column in columns)

    known = {key(row) for row in parent}
    expected = [
        number for number, row in enumerate(child) if None not in key(row) and key(row) not in known
    ]
    found = rows_without_parent(
        child_frame.select(names), parent_frame.select(names).cast({pl.String: text_dtype})
    )
    assert found.to_list() == expected


HIGHEST, LOWEST = 2**63 - 1, -(2**63)


DAY = dt.date(2013, 1, 1)


dtypes_with_values = st.sampled_from(
    [
        (pl.Int8, [-128, 127, 0]),
        (pl.Int64, [0, 1, 2]),
        (pl.Int64, [LOWEST, HIGHEST, 0]),
        (pl.UInt64, [0, 2**64 - 1, 2**63]),
        (pl.Int128, [0, 2**127 - 1, -(2**127)]),
        (pl.Boolean, [True, False]),
        (pl.String, ["", "a", "\0"]),
        (pl.Date, [DAY, DAY + dt.timedelta(1)]),
        (pl.Datetime("ns"), [dt.datetime(1970, 1, 1), dt.datetime(2200, 1, 1)]),
        (pl.Float64, [0.0, 1.5]),
        (pl.Categorical, ["a", "b"]),
    ]
)


@given(data=st.data(), columns=st.lists(dtypes_with_values, min_size=1, max_size=4))
def test_rows_have_a_match_or_none_or_no_complete_key(data, columns):
    schema = {f"c{number}": dtype for number, (dtype, _) in enumerate(columns)}
    row = st.tuples(*(st.sampled_from([*values, None]) for _, values in columns))
    child, parent = (data.draw(st.lists(row, max_size=8)) for _ in range(2))
    frames = [pl.DataFrame(rows, schema=schema, orient="row") for rows in (child, parent)]
    known = {row for row in parent if None not in row}
    complete = [None not in row for row in child]
    found = [row in known for row in child]
    assert matched_rows(*frames).to_list() == found
    assert unmatched(*frames).to_list() == [
        whole and not match for whole, match in zip(complete, found, strict=True)
    ]


@pytest.mark.parametrize(
    "columns",
    [
        {"a": [1.0], "b": [1]},
        {"a": [LOWEST, HIGHEST], "b": [1, 1]},
        {"a": [0, 2**32], "b": [0, 2**31]},
        {"a": [str(number) for number in range(1000)], "b": [1] * 1000},
        # The many texts stand between the rows that a sample takes.
        {"a": [str(n) if n % 64 else "x" for n in range(2**16)], "b": [1] * 2**16},
    ],
)
def test_keys_that_would_not_fit_or_gain_are_not_packed(columns):
    frame = pl.DataFrame(columns)
    assert pack_keys(frame, frame) is None


def test_keys_at_the_edge_of_what_fits_are_packed_apart():
    frame = pl.DataFrame({"a": [0, 2**31 - 1, 0, 2**31 - 1], "b": [0, 0, 2**31, 2**31]})
    mine, its = pack_keys(frame, frame)
    assert mine.equals(its)
    assert mine.n_unique() == 4
    assert mine.null_count() == 0


def test_every_combination_of_values_has_a_number_of_its_own():
    grid = pl.DataFrame({"a": range(3)}).join(pl.DataFrame({"b": ["x", "y"]}), how="cross")
    grid = grid.join(pl.DataFrame({"c": range(-1, 3)}), how="cross")
    mine, its = pack_keys(grid.reverse(), grid)
    assert sorted(its) == list(range(24))
    assert mine.reverse().equals(its)


def test_columns_of_nulls_are_packed_as_nulls():
    nulls = pl.DataFrame({"a": [None], "b": [None]}, schema={"a": pl.Int64, "b": pl.String})
    packed = pack_keys(pl.DataFrame({"a": [0], "b": [""]}), nulls)
    assert [column.to_list() for column in packed] == [[None], [None]]
