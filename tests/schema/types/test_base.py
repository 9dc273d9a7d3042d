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


# Two values and a null of each dtype, and what they become. Every other type is refused.
NIGHT = dt.datetime(2024, 1, 5)
PAIRS: dict[str, tuple[pl.Series, dict[DataType, list]]] = {
    **{
        str(dtype): (
            pl.Series([1, 0, None], dtype=dtype),
            {INTEGER: [1, 0], FLOAT: [1.0, 0.0], BOOLEAN: [True, False], STRING: ["1", "0"]},
        )
        for dtype in (
            *(pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64(), pl.Int128()),
            *(pl.UInt8(), pl.UInt16(), pl.UInt32(), pl.UInt64(), pl.UInt128()),
        )
    },
    **{
        str(dtype): (
            pl.Series([1.0, 0.0, None], dtype=dtype),
            {INTEGER: [1, 0], FLOAT: [1.0, 0.0], BOOLEAN: [True, False], STRING: ["1.0", "0.0"]},
        )
        for dtype in (pl.Float16(), pl.Float32(), pl.Float64())
    },
    "Decimal": (
        pl.Series([Decimal("1.00"), Decimal("0.00"), None]),
        {INTEGER: [1, 0], FLOAT: [1.0, 0.0], BOOLEAN: [True, False], STRING: ["1.00", "0.00"]},
    ),
    "Boolean": (
        pl.Series([True, False, None]),
        {INTEGER: [1, 0], FLOAT: [1.0, 0.0], BOOLEAN: [True, False], STRING: ["true", "false"]},
    ),
    "String": (
        pl.Series(["1", "0", None]),
        {INTEGER: [1, 0], FLOAT: [1.0, 0.0], BOOLEAN: [True, False], STRING: ["1", "0"]},
    ),
    "Categorical": (
        pl.Series(["1", "0", None], dtype=pl.Categorical),
        {INTEGER: [1, 0], FLOAT: [1.0, 0.0], BOOLEAN: [True, False], STRING: ["1", "0"]},
    ),
    "Enum of lengths": (
        pl.Series(["P1D", "PT2S", None], dtype=pl.Enum(["P1D", "PT2S"])),
        {INTERVAL: [dt.timedelta(1), dt.timedelta(seconds=2)], STRING: ["P1D", "PT2S"]},
    ),
    "Enum of dates": (
        pl.Series(["2024-01-05", "2024-01-06", None], dtype=pl.Enum(["2024-01-05", "2024-01-06"])),
        {DATETIME: [NIGHT, dt.datetime(2024, 1, 6)], STRING: ["2024-01-05", "2024-01-06"]},
    ),
    "Date": (
        pl.Series([NIGHT.date(), dt.date(1, 1, 1), None]),
        {DATETIME: [NIGHT, dt.datetime(1, 1, 1)], STRING: ["2024-01-05", "0001-01-01"]},
    ),
    **{
        f"Datetime {unit}": (
            pl.Series([NIGHT, dt.datetime(2024, 1, 5, 6), None], dtype=pl.Datetime(unit)),
            {
                DATETIME: [NIGHT, dt.datetime(2024, 1, 5, 6)],
                STRING: [f"2024-01-05T00:00:00.{zeros}", f"2024-01-05T06:00:00.{zeros}"],
            },
        )
        for unit, zeros in (("ms", "000"), ("us", "000000"), ("ns", "000000000"))
    },
    "Datetime with a zone": (
        pl.Series([NIGHT, dt.datetime(2024, 1, 5, 6), None], dtype=pl.Datetime("us", "UTC")),
        {
            DATETIME: [NIGHT.replace(tzinfo=dt.UTC), dt.datetime(2024, 1, 5, 6, tzinfo=dt.UTC)],
            STRING: ["2024-01-05T00:00:00.000000+00:00", "2024-01-05T06:00:00.000000+00:00"],
        },
    ),
    "Time": (pl.Series([dt.time(1), dt.time(2), None]), {STRING: ["01:00:00", "02:00:00"]}),
    "Duration": (
        pl.Series([dt.timedelta(1), dt.timedelta(0), None]),
        {INTERVAL: [dt.timedelta(1), dt.timedelta(0)], STRING: ["P1D", "PT0S"]},
    ),
    "Binary": (pl.Series([b"1", b"0", None]), {STRING: ["1", "0"]}),
    "List": (pl.Series([[1], [], None], dtype=pl.List(pl.Int64)), {STRING: ["[1]", "[]"]}),
    "Array": (
        pl.Series([[1, 2], [3, None], None], dtype=pl.Array(pl.Int8, 2)),
        {STRING: ["[1,2]", "[3,null]"]},
    ),
    "Struct": (
        pl.Series([{"a": ["x"]}, {"a": None}, None], dtype=pl.Struct({"a": pl.List(pl.String)})),
        {STRING: ['{"a":["x"]}', '{"a":null}']},
    ),
    "Object": (pl.Series([object(), {1, 2}, None], dtype=pl.Object), {}),
}


@pytest.mark.parametrize("target", [*DataType])
@pytest.mark.parametrize("kind", PAIRS)
def test_every_dtype_to_every_type(kind, target) -> None:
    given, expected = PAIRS[kind]
    if STRING in expected:  # the categories are the texts
        expected = expected | {DataType.CATEGORICAL: expected[STRING]}
    issues: list[ConversionIssue] = []
    converted = DataTypeConverter.convert_dtypes(
        given.alias("c").to_frame(), {"c": target}, issues
    )["c"]
    if target in expected:
        assert issues == []
        assert converted.to_list() == [*expected[target], None]
        assert target.accepts(converted.dtype) or converted.dtype.time_zone is not None
    else:
        assert converted.dtype == given.dtype
        assert converted.to_list() == given.to_list()
        assert [(issue.count, issue.rows) for issue in issues] == [(2, (0, 1))]


def test_long_values_are_cut_in_messages() -> None:
    issues: list[ConversionIssue] = []
    frame = pl.DataFrame({"c": ["x" * 10**6], "l": [["y" * 10**6]]})
    DataTypeConverter.convert_dtypes(frame, {"c": INTEGER, "l": INTEGER}, issues)
    assert [len(issue.reason) < 200 for issue in issues] == [True, True]
    assert "…" in issues[0].reason


def test_years_that_python_lacks_are_shown() -> None:
    issues: list[ConversionIssue] = []
    frame = pl.DataFrame({"c": pl.Series([10**7]).cast(pl.Date)})
    assert DataTypeConverter.convert_dtypes(frame, {"c": DATETIME}, issues).equals(frame)
    assert "outside the years 1 to 9999 in UTC: '+29349-01-26' (row 0)" in issues[0].reason


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
