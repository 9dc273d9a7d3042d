"""What another tool sees in the file: readable values under readable names."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

MOMENT = datetime(2013, 1, 2, 6, 5, 4, 123_456)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
TABLE = '"ds__s__d__t"'


@pytest.mark.parametrize(
    ("values", "dtype", "stored"),
    [
        ([1, None], pl.Int8, [["integer", 1], ["null", None]]),
        ([True, False], pl.Boolean, [["integer", 1], ["integer", 0]]),
        ([0.5, 3.0], pl.Float32, [["real", 0.5], ["real", 3.0]]),
        ([-0.0, math.inf], pl.Float64, [["real", -0.0], ["real", math.inf]]),
        (["12", "a\0b"], pl.String, [["text", "12"], ["text", "a\0b"]]),
        (["b", "a"], pl.Enum(["a", "b"]), [["text", "b"], ["text", "a"]]),
        ([b"\xff\0"], pl.Binary, [["blob", "hex:ff00"]]),
        ([date(2013, 1, 2)], pl.Date, [["text", "2013-01-02"]]),
        ([date(2013, 1, 2)], pl.Datetime("ms"), [["text", "2013-01-02 00:00:00.000"]]),
        ([MOMENT], pl.Datetime("us"), [["text", "2013-01-02 06:05:04.123456"]]),
        ([MOMENT], pl.Datetime("ns"), [["text", "2013-01-02 06:05:04.123456000"]]),
        (
            [MOMENT.replace(tzinfo=AMSTERDAM)],
            pl.Datetime("us", "Europe/Amsterdam"),
            [["text", "2013-01-02 05:05:04.123456Z"]],
        ),
        ([time(6, 5, 4)], pl.Time, [["text", "06:05:04.000000000"]]),
        ([timedelta(seconds=1)], pl.Duration("ms"), [["integer", 1000]]),
        ([None], pl.Null, [["null", None]]),
    ],
)
def test_a_value_is_stored_readably(manager, dataset, outside, path, values, dtype, stored):
    manager.add_data_source(dataset(tables={"t": pl.DataFrame({"x": values}, {"x": dtype})}))
    assert outside(path, f"SELECT typeof(x), x FROM {TABLE} ORDER BY rowid") == stored


def test_a_year_that_has_no_text_is_stored_as_a_number(manager, dataset, outside, path):
    far = pl.DataFrame({"x": pl.Series([2**63 - 1, None]).cast(pl.Datetime("us"))})
    manager.add_data_source(dataset(tables={"t": far}))
    assert outside(path, f"SELECT x FROM {TABLE}") == [[2**63 - 1], [None]]


def test_nan_is_null_with_a_mark_in_a_second_column(manager, dataset, outside, path):
    frame = pl.DataFrame({"x": [1.5, math.nan, None], "y": [1.0, 2.0, None]})
    manager.add_data_source(dataset(tables={"t": frame}))
    assert outside(path, f"SELECT x, x__is_nan, y FROM {TABLE}") == [
        [1.5, 0, 1.0],
        [None, 1, 2.0],
        [None, None, None],
    ]
    assert outside(path, f"SELECT name FROM pragma_table_info({TABLE})") == [
        ["x"],
        ["x__is_nan"],
        ["y"],
    ]


def test_the_sign_of_zero_is_stored(manager, dataset, outside, path):
    manager.add_data_source(dataset(tables={"t": pl.DataFrame({"x": [-0.0, 0.0]})}))
    signs = [math.copysign(1, zero) for (zero,) in outside(path, f"SELECT x FROM {TABLE}")]
    assert signs == [-1, 1]


def test_dates_work_in_sqlites_own_date_functions(manager, dataset, outside, path):
    frame = pl.DataFrame({"x": [MOMENT], "z": [MOMENT.replace(tzinfo=AMSTERDAM)]})
    manager.add_data_source(dataset(tables={"t": frame}))
    assert outside(path, f"SELECT datetime(x, '+1 day'), datetime(z) FROM {TABLE}") == [
        ["2013-01-03 06:05:04", "2013-01-02 05:05:04"]
    ]


def test_the_catalogue_has_one_readable_row_per_dataset(manager, dataset, outside, path):
    source = dataset(tables={"t": pl.DataFrame({"x": [1]}), "u": pl.DataFrame()})
    manager.add_data_source(source)
    rows = outside(
        path,
        "SELECT session_id, name, id, ds_type, creation_datetime, payload,"
        " json_extract(sub_tables, '$[0].physical'), json_extract(sub_tables, '$[1].name')"
        " FROM algomancy_datasets",
    )
    created = source.creation_datetime.isoformat(sep=" ", timespec="microseconds")
    assert rows == [
        ["s", "d", source.id, "master_data", created, None, "ds__s__d__t", "u"],
    ]
