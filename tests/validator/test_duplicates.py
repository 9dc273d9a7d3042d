from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

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
