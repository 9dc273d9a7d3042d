"""Which rows are duplicates: of large tables the same ones as of small ones."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.relations.partitions import KeyLimits, coded
from algomancy_data.validator import duplicates
from algomancy_data.validator.duplicates import columns_with_duplicates, duplicate_rows

keys = st.one_of(st.none(), st.integers(0, 3))
floats = st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.5, float("nan")]))
texts = st.one_of(st.none(), st.sampled_from(["", "a", "b"]))
rows = st.lists(st.tuples(keys, floats, texts), max_size=15)


@given(
    rows=rows,
    columns=st.lists(st.sampled_from(["i", "f", "t"]), min_size=1, max_size=3, unique=True),
    category=st.booleans(),
    sort=st.booleans(),
)
def test_duplicates_are_the_rows_whose_complete_key_stands_in_another_row(
    rows, columns, category, sort
):
    frame = pl.DataFrame(
        rows, schema={"i": pl.Int64, "f": pl.Float64, "t": pl.String}, orient="row"
    )
    if sort:
        frame = frame.sort(columns)
    if category:
        frame = frame.with_columns(pl.col("t").cast(pl.Categorical))
    values = frame.select(columns)
    plain = [tuple("nan" if v != v else v for v in row) for row in values.rows()]  # noqa: PLR0124  only NaN differs from itself
    expected = [
        number for number, row in enumerate(plain) if None not in row and plain.count(row) > 1
    ]
    assert duplicate_rows(values).to_list() == expected
    single = [column for column in columns if len(duplicate_rows(frame.select(column)))]
    assert columns_with_duplicates(frame, columns) == single


LIMITS = st.builds(
    KeyLimits, large=st.just(1), slice_rows=st.integers(1, 7), part_rows=st.integers(1, 5)
)
DAY = dt.datetime(2024, 1, 1)
VALUES = {
    pl.Int64(): [0, 1, 2, -(2**63), 2**63 - 1],
    pl.Int8(): [0, 1, 2, 3, 4],
    pl.UInt64(): [0, 1, 2**64 - 1],
    pl.Int128(): [0, 2**64, 2**100],
    pl.Float64(): [0.0, -0.0, 1.5, float("nan"), float("inf")],
    pl.Float32(): [0.0, -0.0, 0.1, float("nan")],
    pl.Boolean(): [True, False],
    pl.String(): ["", "a", "b", "longer than twelve bytes", "longer than twelve bytes!"],
    pl.Binary(): [b"", b"a", b"\xff"],
    pl.Categorical(): ["a", "b", "c"],
    pl.Enum(["x", "y", "z"]): ["x", "y", "z"],
    pl.Date(): [dt.date(2024, 1, 1), dt.date(1, 1, 1)],
    pl.Datetime("us"): [DAY, DAY + dt.timedelta(microseconds=1)],
    pl.Datetime("ns", "UTC"): [DAY.replace(tzinfo=dt.UTC)],
    pl.Duration("ms"): [dt.timedelta(0), dt.timedelta(1)],
    pl.Time(): [dt.time(0), dt.time(12)],
    pl.Decimal(10, 2): [Decimal("0.00"), Decimal("1.50")],
    pl.List(pl.Int64()): [[], [1], [1, None]],
    pl.Struct({"a": pl.Int64(), "b": pl.String()}): [{"a": 1, "b": None}, {"a": 1, "b": "x"}],
    pl.Null(): [None],
}


@st.composite
def columns(draw, rows):
    dtype = draw(st.sampled_from(list(VALUES)))
    value = st.sampled_from(VALUES[dtype])
    if draw(st.booleans()):
        value = st.one_of(st.none(), value)
    values = draw(st.lists(value, min_size=rows, max_size=rows))
    if draw(st.booleans()) and dtype.is_integer():  # unique, sorted or not
        values = draw(st.permutations(range(rows))) if draw(st.booleans()) else list(range(rows))
    return pl.Series(values, dtype=dtype)


@st.composite
def tables(draw, most_columns=3):
    rows = draw(st.integers(0, 30))
    names = draw(st.permutations(["row", "code", "rows"]))[: draw(st.integers(1, most_columns))]
    frame = pl.DataFrame([draw(columns(rows)).alias(name) for name in names])
    cuts = sorted(draw(st.lists(st.integers(0, rows), max_size=3)))
    pieces = [frame.slice(a, b - a) for a, b in zip([0, *cuts], [*cuts, rows], strict=True)]
    return pl.concat(pieces, rechunk=False)


@given(keys=tables(), limits=LIMITS)
def test_duplicates_of_large_tables_are_those_of_small_ones(keys, limits) -> None:
    found = duplicate_rows(keys, limits)
    expected = duplicate_rows(keys)
    assert found.to_list() == expected.to_list()
    assert (found.name, found.dtype) == (expected.name, expected.dtype)


@pytest.mark.parametrize("dtype", VALUES, ids=str)
def test_equal_values_of_each_dtype_are_found_in_whatever_slices_they_are(dtype) -> None:
    values = pl.Series("a", VALUES[dtype], dtype=dtype)
    null = pl.Series("a", [None], dtype=dtype)
    for column in (values, pl.concat([values, null, values.reverse()]), null.extend(null)):
        for limits in (KeyLimits(1, 1, 1), KeyLimits(1, 2, 100)):
            keys = column.to_frame()
            assert duplicate_rows(keys, limits).to_list() == duplicate_rows(keys).to_list()


@given(keys=tables(), limits=LIMITS)
def test_values_decide_where_all_hashes_are_equal(keys, limits) -> None:
    def of_one_code(keys, first=0):
        return coded(keys, first).with_columns(pl.lit(1, pl.UInt64).alias("code"))

    expected = duplicate_rows(keys).to_list()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "is_exact", lambda _: False)
        patch.setattr(duplicates, "coded", of_one_code)
        assert duplicate_rows(keys, limits).to_list() == expected


@given(frame=tables(), limits=LIMITS)
def test_columns_with_duplicates_are_the_same_in_large_tables(frame, limits) -> None:
    assert columns_with_duplicates(frame, frame.columns, limits) == columns_with_duplicates(
        frame, frame.columns
    )


NUMBERS = pl.int_range(20_000, eager=True)


@pytest.mark.parametrize(
    "values",
    [
        NUMBERS * 7 % 20_000,  # close together
        NUMBERS * 2**44 + 3,  # far apart
        NUMBERS.cast(pl.String),
        NUMBERS * 0.1,
    ],
)
@pytest.mark.parametrize(
    "copies", [[0], [0, 7, 19_999], pytest.param(list(range(20_000)), marks=pytest.mark.long)]
)
def test_every_row_of_each_group_is_found_wherever_it_stands(values, copies) -> None:
    repeated = pl.concat([values, values.gather(copies)])
    limits = KeyLimits(large=1000, slice_rows=1000, part_rows=3000)
    expected = sorted({*copies, *range(20_000, 20_000 + len(copies))})
    assert duplicate_rows(repeated.to_frame(), limits).to_list() == expected
    assert duplicate_rows(values.to_frame(), limits).is_empty()


@pytest.mark.parametrize("value", [1, "x", 0.5, dt.date(2024, 1, 1)])
def test_a_table_of_one_key_only_is_all_duplicates(value) -> None:
    keys = pl.select(pl.repeat(value, 8_000).alias("a"), pl.lit("b").alias("b"))
    limits = KeyLimits(large=100, slice_rows=500, part_rows=700)
    for names in (["a"], ["a", "b"]):
        found = duplicate_rows(keys.select(names), limits)
        assert found.to_list() == list(range(8_000))


def test_no_name_stays_in_the_directory_for_scratch_files(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ALGOMANCY_SCRATCH", str(tmp_path))
    keys = pl.DataFrame({"a": ["x", "y", "x"]})
    assert duplicate_rows(keys, KeyLimits(1, 1, 1)).to_list() == [0, 2]
    assert list(tmp_path.iterdir()) == []
