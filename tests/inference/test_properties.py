"""Random frames, written as files: what is inferred loads them, with every value as it was."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import polars.selectors as cs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

TRICKY = [
    *("007", "1,5", "1.5", "1,234", "1.234", "1 234", "+41791234567", "1e5", "12E3", "0", "1"),
    *("NA", "-", "NULL", "nan", "None", "?", "yes", "no", "true", "Y", "t", "inf"),
    *("01/02/2024", "2024-01-01", "10:30", "10:30:00", "P1D", "2024", "\u22125"),
    *('"', "'", '5" pipe', "a;b", "a,b", "a\tb", "a|b", "'quoted'", "#", "<html>", "sep=,", " x "),
]
COLUMNS = {
    pl.Int64(): st.integers(-(2**63), 2**63 - 1),
    pl.Float64(): st.floats(allow_nan=False, allow_infinity=False),
    pl.Boolean(): st.booleans(),
    pl.Datetime("us"): st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)),
    pl.String(): st.sampled_from(TRICKY)
    | st.text(
        st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=12
    ),
    pl.Duration("us"): st.timedeltas(dt.timedelta(days=-900), dt.timedelta(days=900)),
    pl.Date(): st.dates(dt.date(1700, 1, 1), dt.date(2200, 1, 1)),
    pl.Time(): st.times(),
    pl.Decimal(18, 2): st.decimals(-(10**9), 10**9, places=2),
}
NOT_IN_FILES = [pl.Object, pl.Unknown, pl.Extension, pl.Null, pl.Float16]
JSON = (str, int, float, bool, type(None))
# A letter first: a column that is named 1 above a 2 looks like a file without a header.
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20).map(
    "name {}".format
)


# What a workbook holds exactly: it has floats of 15 digits, and days since 1900.
IN_WORKBOOKS = COLUMNS | {
    pl.Int64(): st.integers(-(10**15), 10**15),
    pl.Float64(): st.integers(-(10**6), 10**6).map(lambda quarters: quarters / 4),
    pl.Datetime("us"): st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(2200, 1, 1)).map(
        lambda moment: moment.replace(microsecond=0)
    ),
    pl.Date(): st.dates(dt.date(1950, 1, 1), dt.date(2200, 1, 1)),
    pl.Time(): st.times().map(lambda time: time.replace(microsecond=0)),
}
del IN_WORKBOOKS[pl.Duration("us")]


@st.composite
def frames(draw, kinds=COLUMNS, unique_by=str):
    height = draw(st.integers(1, 12))
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique_by=unique_by))
    columns = []
    for name in names:
        dtype = draw(st.sampled_from(list(kinds)))
        values = st.none() | kinds[dtype] if draw(st.booleans()) else kinds[dtype]
        content = draw(st.lists(values, min_size=height, max_size=height))
        columns.append(pl.Series(name, content, dtype))
    return pl.DataFrame(columns)


@settings(max_examples=30)  # each one is inferred and loaded
@given(frame=frames(), separator=st.sampled_from(",;\t|"))
def test_a_csv_file_loads_with_its_values(frame, separator, load, check):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        frame.with_columns(cs.duration().dt.to_string("iso")).write_csv(
            path, separator=separator, quote_style="non_numeric"
        )
        loaded = load(path)
    check(loaded, frame)


@pytest.fixture(scope="session")
def check(means_the_same):
    def check(loaded, frame):
        found = loaded.tables["table"]
        assert found.columns == frame.columns
        assert found.height == frame.height
        for name in frame.columns:
            assert means_the_same(found[name], frame[name]), (found[name], frame[name])

    return check


@settings(max_examples=20)  # as above
@given(
    frame=dataframes(
        min_cols=1,
        max_cols=5,
        max_size=8,
        allow_time_zones=True,
        excluded_dtypes=NOT_IN_FILES,
    ),
    form=st.sampled_from(["parquet", "arrow"]),
)
def test_a_parquet_or_arrow_file_loads_with_its_values_and_types(frame, form, load):
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"table.{form}"
        (frame.write_parquet if form == "parquet" else frame.write_ipc)(path)
        loaded = load(path)
    assert_frame_equal(loaded.tables["table"], frame)


@settings(max_examples=20)  # as above
@given(frame=frames())
def test_a_json_file_loads_with_its_values(frame, load, check):
    texts = frame.with_columns(cs.duration().dt.to_string("iso"), cs.decimal().cast(pl.Float64))
    records = [
        {name: value if isinstance(value, JSON) else str(value) for name, value in row.items()}
        for row in texts.to_dicts()
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.json"
        path.write_text(json.dumps(records))
        loaded = load(path)
    check(loaded, frame)


@settings(max_examples=20)  # as above
@given(frame=frames(IN_WORKBOOKS, str.lower))  # a table of Excel knows no case
def test_a_workbook_loads_with_its_values(frame, load, check):
    frame = frame.with_row_index("row")  # a workbook does not count rows without values
    with TemporaryDirectory() as folder:
        frame.write_excel(Path(folder) / "table.xlsx")
        loaded = load(Path(folder) / "table.xlsx")
    check(loaded, frame)
