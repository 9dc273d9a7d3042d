"""What a column becomes, read back by rule, is what went in; or the value is reported."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal, localcontext
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

from algomancy_data import Column, ParquetFile, ParquetSingleExtractor, Schema, SimpleETLFactory
from algomancy_data.extractor import ConversionIssue, DataTypeConverter
from algomancy_data.inference import infer_schemas
from algomancy_data.schema import DataType

MAX64 = 2**63 - 1
EDGES = [0, 1, -1, 2**53, 2**53 + 1, -(2**53) - 1, MAX64, -MAX64 - 1]
ZONES = ["UTC", "Europe/Berlin", "Europe/Amsterdam", "Asia/Kolkata", "America/New_York"]
UNITS = {"ms": 10**3, "us": 10**6, "ns": 10**9}
DAY = 86_400
# The float next to it is a whole number, which multiplied by 100 is rounded to these digits again.
LONG_DECIMAL = Decimal("5212468363706234.88")


def integers(low: int, high: int) -> st.SearchStrategy[int]:
    edges = [edge for edge in (*EDGES, low, high) if low <= edge <= high]
    return st.sampled_from(edges) | st.integers(low, high)


INT64 = integers(-MAX64 - 1, MAX64)
ITEMS = st.lists(st.none() | INT64, max_size=2)
NESTED = st.fixed_dictionaries({"items": st.none() | ITEMS, "text": st.none() | st.text()})


@st.composite
def columns(draw: st.DrawFn) -> tuple[pl.Series, list[Any]]:
    """Draw a column, and its values: dates and times as the counts of a unit."""
    kind = draw(st.sampled_from(["int", "float", "decimal", "time", "binary", "bool", "text"]))
    match kind:
        case "int":
            dtype = draw(st.sampled_from([pl.Int8, pl.Int64, pl.UInt64, pl.Int128, pl.UInt128]))
            low, high = pl.select(dtype.min(), b=dtype.max()).row(0)
            values = draw(st.lists(integers(low, high), min_size=1, max_size=3))
        case "float":
            dtype = draw(st.sampled_from([pl.Float32, pl.Float64]))
            floats = st.floats(width=32 if dtype == pl.Float32 else 64)
            values = draw(st.lists(floats, min_size=1, max_size=3))
        case "decimal":
            precision = draw(st.integers(1, 38))
            scale = draw(st.integers(0, precision))
            dtype = pl.Decimal(precision, scale)
            digits = integers(1 - 10**precision, 10**precision - 1)
            with localcontext(prec=50):
                values = [
                    Decimal(number).scaleb(-scale)
                    for number in draw(st.lists(digits, min_size=1, max_size=3))
                ]
        case "time":
            unit = draw(st.sampled_from([*UNITS]))
            zone = draw(st.none() | st.sampled_from(ZONES))
            kinds = [pl.Date(), pl.Time(), pl.Datetime(unit, zone), pl.Duration(unit)]
            dtype = draw(st.sampled_from(kinds))
            bounds = {pl.Date: (-(2**31), 2**31 - 1), pl.Time: (0, DAY * 10**9 - 1)}
            low, high = bounds.get(type(dtype), (-MAX64 - 1, MAX64))
            near = st.integers(max(low, -(10**17)), min(high, 10**17))
            values = draw(st.lists(near | integers(low, high), min_size=1, max_size=3))
            physical = pl.Int32 if dtype == pl.Date else pl.Int64
            return pl.Series("c", [*values, None], physical).cast(dtype), values
        case "binary":
            dtype = pl.Binary
            values = draw(st.lists(st.binary(max_size=3), min_size=1, max_size=3))
        case "bool":
            dtype, values = pl.Boolean, draw(st.lists(st.booleans(), min_size=1, max_size=3))
        case _:
            dtype = draw(st.sampled_from([pl.String, pl.Categorical]))
            values = draw(st.lists(st.text(max_size=3), min_size=1, max_size=3))
    return pl.Series("c", [*values, None], dtype), values


@given(columns(), st.sampled_from([*DataType]))
@example(
    (pl.Series("c", [Decimal("5212468363706234.88")]), [Decimal("5212468363706234.88")]),
    DataType.FLOAT,
)
@example((pl.Series("c", [83_456_000_000]).cast(pl.Time), [83_456_000_000]), DataType.STRING)
def test_what_a_column_becomes_is_what_it_was(column, target) -> None:
    given, values = column
    issues: list[ConversionIssue] = []
    became = DataTypeConverter.convert_dtypes(given.to_frame(), {"c": target}, issues)["c"]
    if issues:
        assert became.dtype == given.dtype
        assert became.to_physical().equals(given.to_physical(), null_equal=True)
        assert issues[0].count > 0
        return
    if became.dtype == given.dtype:
        assert became.to_physical().equals(given.to_physical(), null_equal=True)
        return
    is_text = isinstance(given.dtype, pl.String | pl.Categorical)
    if is_text and target.name not in {"STRING", "CATEGORICAL"}:
        return  # how texts are read has tests of its own
    assert became.null_count() == given.null_count()
    found = became.drop_nulls()
    if found.dtype.is_temporal():
        assert isinstance(given.dtype, pl.Date)
        assert found.to_physical().to_list() == [value * DAY * 10**6 for value in values]
        return
    back = [read_back(value, given.dtype) for value in found.to_list()]
    if given.dtype.is_float() and not found.dtype.is_integer() and found.dtype != pl.Boolean:
        # NaN equals nothing, and -0.0 equals 0.0.
        assert [value.hex() for value in back] == [value.hex() for value in values]
    else:
        assert back == values


def read_back(value: Any, dtype: pl.DataType) -> Any:
    """Read a value by the rule of the dtype that it came from, by means of Python alone."""
    if not isinstance(value, str):
        reader = {pl.Decimal: lambda x: Decimal(repr(x + 0)), pl.Float32: float, pl.Float64: float}
        return reader.get(type(dtype), int)(value)
    readers: dict[Any, Any] = {
        pl.Time: nanoseconds,
        pl.Date: day_number,
        pl.Datetime: lambda text: instant(text) * UNITS[dtype.time_unit] // 10**9,
        pl.Duration: lambda text: length(text) * UNITS[dtype.time_unit] // 10**9,
        pl.Decimal: Decimal,
        pl.Float32: lambda text: pl.Series([float(text)]).cast(pl.Float32)[0],
        pl.Float64: float,
        pl.Boolean: {"true": True, "false": False}.get,
        pl.Binary: str.encode,
        pl.String: str,
        pl.Categorical: str,
    }
    return readers.get(type(dtype), int)(value)


def day_number(text: str) -> int:
    """Return the days since 1970 of any year; every 400 years the calendar repeats itself."""
    year, month, day = re.fullmatch(r"([+-]?\d{4,})-(\d\d)-(\d\d)", text).groups()
    cycles, year = divmod(int(year) - 1, 400)
    return dt.date(year + 1, int(month), int(day)).toordinal() - 719_163 + cycles * 146_097


def nanoseconds(clock: str) -> int:
    hours, minutes, seconds = clock.split(":")
    whole, _, fraction = seconds.partition(".")
    total = (int(hours) * 60 + int(minutes)) * 60 + int(whole)
    return total * 10**9 + int(fraction.ljust(9, "0") or 0)


def instant(text: str) -> int:
    day, clock, sign, offset = re.fullmatch(r"(.+)T([0-9:.]+)(?:([+-])(\d\d:\d\d))?", text).groups()
    total = day_number(day) * DAY * 10**9 + nanoseconds(clock)
    if offset is None:
        return total
    return total - (-1 if sign == "-" else 1) * nanoseconds(f"{offset}:00")


def length(text: str) -> int:
    pattern = r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?"
    sign, days, hours, minutes, seconds, fraction = re.fullmatch(pattern, text).groups("0")
    total = ((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds)
    total = total * 10**9 + int(fraction.ljust(9, "0"))
    return -total if sign == "-" else total


@given(st.lists(NESTED, min_size=1, max_size=3))
def test_nested_values_become_json_that_python_reads(values) -> None:
    dtype = pl.Struct({"items": pl.List(pl.Int64), "text": pl.String})
    given = pl.Series("c", values, dtype)
    issues: list[ConversionIssue] = []
    became = DataTypeConverter.convert_dtypes(given.to_frame(), {"c": DataType.STRING}, issues)
    assert issues == []
    assert [json.loads(text) for text in became["c"]] == values


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "Europe/Berlin", "Asia/Kolkata"])
def test_an_offset_of_seconds_does_not_shift_the_moment(zone) -> None:
    moment = pl.Series("c", [dt.datetime(1880, 1, 1), dt.datetime(2024, 7, 1)])
    moments = moment.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    texts = DataTypeConverter.convert_dtypes(moments.to_frame(), {"c": DataType.STRING})["c"]
    read = [dt.datetime.fromisoformat(text).astimezone(dt.UTC) for text in texts]
    assert [value.replace(tzinfo=None) for value in read] == moment.to_list()


class Laps(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "laps", "parquet", "single"
    LAP = Column("lap", DataType.STRING)
    LIMIT = Column("limit", DataType.FLOAT)


def test_times_and_large_decimals_of_a_parquet_file_come_in_whole(tmp_path) -> None:
    laps = pa.array([83_456, 83_789], pa.time32("ms"))
    limits = pa.array([Decimal("9999999999999999.99"), None], pa.decimal128(18, 2))
    path = tmp_path / "laps.parquet"
    parquet.write_table(pa.table({"lap": laps, "limit": limits}), path)

    files = {"laps": ParquetFile("laps", path)}
    result = SimpleETLFactory.build_pipeline("d", files, {"laps": Laps}).run()
    (failed,) = [found for found in result.messages if found.code == "CONVERSION_FAILED"]
    assert "not exact as FLOAT: Decimal('9999999999999999.99') (row 0)" in failed.message

    (inferred,) = infer_schemas([path]).schemas
    assert inferred.datatypes() == {"lap": pl.Time, "limit": pl.Decimal(18, 2)}
    frame = ParquetSingleExtractor(ParquetFile("laps", path), inferred).extract()["laps"]
    assert frame["lap"].to_list() == laps.to_pylist()
    assert frame["limit"].to_list() == limits.to_pylist()


def test_many_short_columns_become_what_each_becomes_alone() -> None:
    kinds = {
        "n": (DataType.INTEGER, ["1,234,567", None, " 7 "]),
        "x": (DataType.INTEGER, ["5%", "1", "x"]),
        "f": (DataType.FLOAT, ["1,5", "NaN", "2"]),
        "g": (DataType.FLOAT, ["1,234", None, "2"]),
        "d": (DataType.DATETIME, ["01/02/2024", None, "03/04/2024 9:30"]),
        "e": (DataType.DATETIME, ["2024-01-05T10:30Z", "2024-01-05", None]),
        "b": (DataType.BOOLEAN, ["y", "N", None]),
        "i": (DataType.INTERVAL, ["P1D", "1 day 02:30:00.1234567", None]),
        "0": (DataType.INTEGER, [None, None, None]),
    }
    columns = {f"{key}{at}": kinds[key] for at in range(10) for key in kinds}
    frame = pl.DataFrame({name: values for name, (_, values) in columns.items()})
    types = {name: declared for name, (declared, _) in columns.items()}
    issues: list[ConversionIssue] = []
    together = DataTypeConverter.convert_dtypes(frame, types, issues, "t")
    alone_issues: list[ConversionIssue] = []
    for name, declared in types.items():
        alone = frame.select(name)
        found = DataTypeConverter.convert_dtypes(alone, {name: declared}, alone_issues, "t")
        assert found[name].equals(together[name], check_dtypes=True), name
    assert issues == alone_issues
    assert len(issues) == 40
