"""Conversion from columns that are not text."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from algomancy_data.extractor import ConversionIssue, DataTypeConverter
from algomancy_data.schema import DataType

STRING, INTEGER, FLOAT = DataType.STRING, DataType.INTEGER, DataType.FLOAT
DATETIME, BOOLEAN, INTERVAL = DataType.DATETIME, DataType.BOOLEAN, DataType.INTERVAL
NAN = float("nan")


@pytest.mark.parametrize(
    ("given", "target", "expected"),
    [
        (pl.Series([1.0, None, -0.0]), INTEGER, [1, None, 0]),
        (pl.Series([True, None]), INTEGER, [1, None]),
        (pl.Series([Decimal("2.00")]), INTEGER, [2]),
        (pl.Series([2**53, None]), FLOAT, [2.0**53, None]),
        (pl.Series([1.5], dtype=pl.Float32), FLOAT, [1.5]),
        (pl.Series([True, False]), FLOAT, [1.0, 0.0]),
        (pl.Series([1, 0, None]), BOOLEAN, [True, False, None]),
        (pl.Series([1.0, 0.0]), BOOLEAN, [True, False]),
        (pl.Series([dt.date(2024, 1, 5)]), DATETIME, [dt.datetime(2024, 1, 5)]),
        (pl.Series([None, None]), DATETIME, [None, None]),
        (pl.Series([], dtype=pl.String), INTERVAL, []),
        (pl.Series(["7"], dtype=pl.Categorical), INTEGER, [7]),
        (pl.Series([1, None]), STRING, ["1", None]),
        (pl.Series([1.0, 0.1, 1e22]), STRING, ["1.0", "0.1", "1e+22"]),
        (pl.Series([dt.datetime(2024, 1, 5)]), STRING, ["2024-01-05T00:00:00.000000"]),
        (pl.Series([dt.timedelta(1)]), STRING, ["P1D"]),
        (pl.Series([b"x"]), STRING, ["x"]),
        (pl.Series([["a", None], None, []]), STRING, ['["a",null]', None, "[]"]),
        (pl.Series([{"k": [1.5]}]), STRING, ['{"k":[1.5]}']),
        (pl.Series([1, 1]), DataType.CATEGORICAL, ["1", "1"]),
    ],
)
def test_exact_conversions(given, target, expected) -> None:
    issues: list[ConversionIssue] = []
    frame = given.alias("c").to_frame()
    converted = DataTypeConverter.convert_dtypes(frame, {"c": target}, issues)["c"]
    assert issues == []
    assert target.accepts(converted.dtype)
    assert converted.to_list() == expected
    assert frame["c"].dtype == given.dtype


@pytest.mark.parametrize(
    ("given", "target"),
    [
        (pl.Series([1, 20240105]), DATETIME),
        (pl.Series([1.0, 1.5]), INTEGER),
        (pl.Series([1.0, NAN]), INTEGER),
        (pl.Series([1.0, 9.3e18]), INTEGER),
        (pl.Series([1, 2**63], dtype=pl.UInt64), INTEGER),
        (pl.Series([1, 2**53 + 1]), FLOAT),
        (pl.Series([1, 2]), BOOLEAN),
        (pl.Series([0.0, 0.5]), BOOLEAN),
        (pl.Series([b"x", b"\xff"]), STRING),
        (pl.Series([[1.0], [NAN]]), STRING),
        (pl.Series([[None], [b"x"]]), STRING),
        (pl.Series([[1], [2]]), INTEGER),
        (pl.Series([dt.date(2024, 1, 5)] * 2), INTEGER),
        (pl.Series([dt.time(1)] * 2), DATETIME),
    ],
)
def test_what_is_not_exact_stays_and_is_reported(given, target) -> None:
    issues: list[ConversionIssue] = []
    frame = given.alias("c").to_frame()
    converted = DataTypeConverter.convert_dtypes(frame, {"c": target}, issues, "t")
    assert converted.equals(frame)
    (issue,) = issues
    assert (issue.table, issue.column, issue.severity) == ("t", "c", "ERROR")
    assert 1 in issue.rows
    assert issue.count == len(issue.rows)


def test_acceptable_columns_are_left_alone() -> None:
    frame = pl.DataFrame({"d": pl.Series([1], dtype=pl.Datetime("ns")), "e": [1]})
    converted = DataTypeConverter.convert_dtypes(frame, {"d": DATETIME, "absent": FLOAT})
    assert converted.equals(frame)


def test_only_the_first_five_values_are_shown() -> None:
    issues: list[ConversionIssue] = []
    frame = pl.DataFrame({"c": ["1", *["x"] * 8]})
    DataTypeConverter.convert_dtypes(frame, {"c": INTEGER}, issues)
    assert (issues[0].count, issues[0].rows) == (8, (1, 2, 3, 4, 5))


def test_a_type_that_is_none_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="'float32'"):
        DataTypeConverter.convert_dtypes(pl.DataFrame({"c": [1]}), {"c": "float32"})


def test_long_columns_convert_side_by_side_to_the_same_values() -> None:
    size = 120_001
    day = dt.datetime(2020, 1, 1)
    minutes = pl.duration(minutes=pl.int_range(size))
    times = pl.select(pl.lit(day) + minutes).to_series()
    frame = pl.DataFrame({"d": times.dt.to_string("iso"), "i": pl.int_range(size, eager=True)})
    converted = DataTypeConverter.convert_dtypes(
        frame.with_columns(pl.col("i").cast(pl.String)), {"d": DATETIME, "i": INTEGER}
    )
    assert converted["d"].equals(times.alias("d"))
    assert converted["i"].equals(frame["i"])
