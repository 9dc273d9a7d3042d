"""Keys of large tables are looked up as those of small ones, in bounded memory."""

import datetime as dt
import itertools
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.relations import lookup
from algomancy_data.relations.lookup import rows_without_parent, unmatched
from algomancy_data.relations.partitions import KeyLimits, coded

LIMITS = st.builds(
    KeyLimits, large=st.just(1), slice_rows=st.integers(1, 7), part_rows=st.integers(1, 5)
)
DAY = dt.datetime(2024, 1, 1)
# Dtypes of one line are compared with each other.
VALUES = [
    {
        pl.Int64(): [0, 1, 2, 2**53 + 1, -(2**63), 2**63 - 1],
        pl.UInt8(): [0, 1, 2, 3],
        pl.UInt64(): [0, 1, 2**63, 2**64 - 1],
        pl.Int128(): [0, 1, 2**64, 2**100],
        pl.Float64(): [0.0, -0.0, 1.0, 1.5, 2.0**53, 2.0**63, float("nan"), float("inf")],
        pl.Float32(): [0.0, -0.0, 0.1, 1.0, float("nan")],
        pl.Decimal(10, 2): [Decimal("0.00"), Decimal("1.00"), Decimal("1.50")],
        pl.Decimal(20, 0): [Decimal(0), Decimal(1)],
    },
    {
        pl.String(): ["", "a", "b", "longer than twelve bytes", "longer than twelve bytes!"],
        pl.Categorical(): ["a", "b", "c"],
        pl.Enum(["x", "b", "a"]): ["x", "b", "a"],
        pl.Enum(["a", "b"]): ["a", "b"],
    },
    {
        pl.Datetime("ns"): [DAY, DAY + dt.timedelta(microseconds=1)],
        pl.Datetime("us"): [DAY, dt.datetime(3000, 1, 1)],
    },
    {pl.Date(): [dt.date(2024, 1, 1), dt.date(1, 1, 1)]},
    {pl.Time(): [dt.time(0), dt.time(12)]},
    {pl.Duration("ms"): [dt.timedelta(0), dt.timedelta(1)]},
    {pl.Boolean(): [True, False]},
    {pl.Binary(): [b"", b"a", b"\xff"]},
    {pl.List(pl.Int64()): [[], [1], [1, None]]},
    {pl.Struct({"a": pl.Float64()}): [{"a": 0.5}, {"a": None}, {"a": float("nan")}]},
    {pl.Null(): [None]},
]


@st.composite
def pairs_of_tables(draw):
    heights = draw(st.integers(0, 30)), draw(st.integers(0, 30))
    groups = [draw(st.sampled_from(VALUES)) for _ in range(draw(st.integers(1, 3)))]
    found = []
    for height in heights:
        columns = []
        for number, group in enumerate(groups):
            dtype = draw(st.sampled_from(list(group)))
            value = st.sampled_from(group[dtype])
            if draw(st.booleans()):
                value = st.one_of(st.none(), value)
            values = draw(st.lists(value, min_size=height, max_size=height))
            columns.append(pl.Series(str(2 - number), values, dtype=dtype))
        frame = pl.DataFrame(columns)
        cut = draw(st.integers(0, height))
        found.append(pl.concat([frame.head(cut), frame.slice(cut)], rechunk=False))
    return found


@given(tables=pairs_of_tables(), limits=LIMITS)
def test_keys_of_large_tables_are_found_as_those_of_small_ones(tables, limits) -> None:
    assert unmatched(*tables, limits).to_list() == unmatched(*tables).to_list()


@pytest.mark.parametrize("values", VALUES, ids=lambda values: str(next(iter(values))))
def test_equal_values_of_each_two_dtypes_are_found(values) -> None:
    for dtype, other in itertools.product(values, repeat=2):
        child = pl.Series("a", [*values[dtype], None], dtype=dtype)
        for number in range(len(values[other])):
            parent = pl.Series("b", [None, None, values[other][number]], dtype=other)
            tables = child.to_frame(), parent.to_frame()
            assert unmatched(*tables, KeyLimits(1, 2, 1)).to_list() == unmatched(*tables).to_list()


@pytest.mark.parametrize(
    "values",
    [
        pl.int_range(50_000, eager=True) * 7 % 50_000,  # close together
        pl.int_range(50_000, eager=True) * 2**44 + 3,  # far apart
        pl.int_range(50_000, eager=True).cast(pl.String),
        pl.int_range(50_000, eager=True) * 0.1,
    ],
)
@pytest.mark.parametrize("sizes", [(1000, 1000, 3000), (100, 1000, 60_000)])
def test_rows_without_parent_are_found_wherever_they_stand(values, sizes) -> None:
    gone = [0, 77, 25_000, 49_998]
    parent = values.to_frame("p").with_row_index("row").filter(~pl.col("row").is_in(gone))
    found = rows_without_parent(values.to_frame(), parent.select("p"), KeyLimits(*sizes))
    assert found.to_list() == gone


@pytest.mark.parametrize("limits", [KeyLimits(1, 1, 1), KeyLimits(1, 2, 9)])
def test_no_row_refers_to_or_is_found_in_an_empty_table(limits) -> None:
    some, none = pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": []}, schema={"a": pl.Int64})
    assert unmatched(none, some, limits).to_list() == []
    assert unmatched(some, none, limits).to_list() == [True, True]
    assert unmatched(none, none, limits).to_list() == []


def test_parents_that_repeat_one_key_and_children_of_one_parent_are_looked_up() -> None:
    child = pl.DataFrame({"a": ["x"] * 20_000 + ["y"] * 10, "b": ["z"] * 20_010})
    parent = pl.DataFrame({"a": ["x"] * 30_000, "b": ["z"] * 30_000})
    limits = KeyLimits(large=100, slice_rows=500, part_rows=700)
    assert rows_without_parent(child, parent, limits).to_list() == list(range(20_000, 20_010))


@given(tables=pairs_of_tables(), limits=LIMITS)
def test_values_decide_where_all_hashes_are_equal(tables, limits) -> None:
    def of_one_code(keys, first=0):
        return coded(keys, first).with_columns(pl.lit(1, pl.UInt64).alias("code"))

    expected = unmatched(*tables).to_list()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "is_exact", lambda _: False)
        patch.setattr(lookup, "coded", of_one_code)
        assert unmatched(*tables, limits).to_list() == expected


def test_no_name_stays_in_the_directory_for_scratch_files(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ALGOMANCY_SCRATCH", str(tmp_path))
    child, parent = pl.DataFrame({"a": ["x", "y", "z"]}), pl.DataFrame({"a": ["y", "z", "w"]})
    assert rows_without_parent(child, parent, KeyLimits(1, 1, 1)).to_list() == [0]
    assert list(tmp_path.iterdir()) == []
