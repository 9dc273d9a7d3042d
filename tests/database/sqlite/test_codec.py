"""What another tool sees in the file: readable values under readable names."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from algomancy_data.database.codec import ForeignValueError
from algomancy_data.database.sqlite import codec
from algomancy_data.testing import assert_identical

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


@pytest.mark.parametrize("first", [date(2013, 1, 2), date(1, 1, 1), date(9999, 12, 1)])
def test_the_text_of_a_date_does_not_depend_on_how_many_there_are(
    manager, dataset, outside, path, first
):
    # Also of years with more than four digits; the last one is far from all others.
    start = (first - date(1970, 1, 1)).days
    days = [*(start + number % 50 for number in range(500)), None]
    frames = {
        "t": pl.DataFrame({"x": pl.Series(days, dtype=pl.Int32).cast(pl.Date)}),
        "few": pl.DataFrame({"x": pl.Series(days[:50], dtype=pl.Int32).cast(pl.Date)}),
        "far": pl.DataFrame({"x": pl.Series([*days, 0], dtype=pl.Int32).cast(pl.Date)}),
    }
    manager.add_data_source(dataset(tables=frames))
    expected = [["text", text] for text in frames["few"]["x"].dt.to_string("%Y-%m-%d")]
    rows = "SELECT typeof(x), x FROM {} ORDER BY rowid"
    assert outside(path, rows.format(TABLE)) == [*expected * 10, ["null", None]]
    assert outside(path, rows.format(TABLE.replace('t"', 'few"'))) == expected
    manager.refresh()
    for name, frame in frames.items():
        assert_identical(manager.get_data("d").get_table(name), frame)


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


def test_integers_without_a_sign_and_nulls_are_given_as_the_integers_that_sqlite_has():
    frame = pl.DataFrame({"u": pl.Series([2**63 - 1], dtype=pl.UInt64), "n": [None]})
    encoded = codec.encode(frame, codec.plan(frame, "t"))
    assert encoded.equals(pl.DataFrame({"u": [2**63 - 1], "n": pl.Series([None], dtype=pl.Int64)}))
    assert encoded.dtypes == [pl.Int64, pl.Int64]


@pytest.mark.parametrize(
    ("written", "values", "said", "row"),
    [
        (True, ["1", None], "type String where boolean was written.", None),
        (True, [0, None, 2], "type other than 0 and 1 where boolean was written, in ", 2),
        ("text", [1, None], "type Int64 where text was written.", None),
        (0.5, ["1.5"], "type String where real was written.", None),
    ],
)
def test_values_of_another_type_are_said_with_their_table(written, values, said, row):
    (layout,) = codec.plan(pl.DataFrame({"x": [written]}), "t")
    with pytest.raises(ForeignValueError) as caught:
        codec.decode(pl.DataFrame({"x": values}), [layout], "t")
    assert str(caught.value).startswith(f"Column 'x' of table 't' holds values of {said}")
    assert caught.value.row == row


def test_whole_numbers_that_sqlite_made_of_floats_are_floats():
    layouts = codec.plan(pl.DataFrame({"x": [0.5]}), "t")
    read = codec.decode(pl.DataFrame({"x": [1, None]}), layouts, "t")
    assert read.equals(pl.DataFrame({"x": [1.0, None]}))
    assert read.dtypes == [pl.Float64]


@pytest.mark.parametrize("zone", [None, "Europe/Amsterdam"])
def test_a_text_that_is_no_datetime_is_said_with_its_row(zone):
    frame = pl.DataFrame({"x": pl.Series([MOMENT, MOMENT], dtype=pl.Datetime("us", zone))})
    layouts = codec.plan(frame, "t")
    stored = codec.encode(frame, layouts)
    assert codec.decode(stored, layouts, "t").equals(frame)
    with pytest.raises(ForeignValueError) as caught:
        codec.decode(stored.with_columns(x=pl.Series([*stored["x"].head(1), "soon"])), layouts, "t")
    assert caught.value.row == 1
    assert "'soon', which is no Datetime(" in str(caught.value)


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
