"""A value that is written by a documented rule is read back as that value."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.extractor import ConversionIssue, DataTypeConverter, TextConventions
from algomancy_data.schema import DataType

INT64 = st.integers(-(2**63), 2**63 - 1)
NEUTRAL_MARKS = " \u00a0\u2009\u202f'\u2019_"


def read(texts: pl.Series | list[str], target: DataType, **conventions) -> pl.Series:
    issues: list[ConversionIssue] = []
    frame = pl.DataFrame({"c": pl.Series(texts, dtype=pl.String)})
    converted = DataTypeConverter.convert_dtypes(
        frame, {"c": target}, issues, conventions=TextConventions(**conventions)
    )["c"]
    assert issues == []
    return converted


@given(
    st.lists(INT64, min_size=1), st.sampled_from(NEUTRAL_MARKS), st.sampled_from(["-", "\u2212"])
)
def test_thousands_with_any_neutral_mark(values, mark, minus) -> None:
    texts = [f"{value:,}".replace(",", mark).replace("-", minus) for value in values]
    assert read(texts, DataType.INTEGER).to_list() == values


@given(st.lists(INT64, min_size=1))
def test_indian_groups(values) -> None:
    def grouped(value: int) -> str:
        digits = str(abs(value))
        head, tail = digits[:-3], digits[-3:]
        pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)]
        return ("-" if value < 0 else "") + ",".join([*reversed(pairs), tail])

    texts = [grouped(value) for value in values] + ["12,34,567"]
    assert read(texts, DataType.INTEGER).to_list() == [*values, 1234567]


@given(st.lists(INT64, min_size=1), st.integers(0, 5))
def test_whole_numbers_in_scientific_notation(values, shift) -> None:
    texts = [f"{Decimal(value).scaleb(-shift):f}e{shift}" for value in values]
    assert read(texts, DataType.INTEGER, decimal_mark=".").to_list() == values


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_floats_with_thousands(values) -> None:
    texts = [f"{Decimal(repr(value)):,f}" for value in values]
    assert read(texts, DataType.FLOAT, decimal_mark=".").to_list() == values


LARGE = st.integers(2**53, 2**63 - 1)


@given(st.lists(LARGE | LARGE.map(int.__neg__), min_size=1))
def test_a_whole_number_becomes_the_equal_float_or_none(values) -> None:
    frame = pl.DataFrame({"c": [str(value) for value in values]})
    issues: list[ConversionIssue] = []
    read_back = DataTypeConverter.convert_dtypes(frame, {"c": DataType.FLOAT}, issues)["c"]
    shortest = [Decimal(repr(float(value))) == value for value in values]
    exact = [int(float(value)) == value for value in values]
    fine = [any(pair) for pair in zip(shortest, exact, strict=True)]
    if all(fine):
        assert read_back.to_list() == [float(value) for value in values]
    else:
        assert issues[0].count == fine.count(False)


@given(st.lists(st.datetimes(), min_size=1), st.sampled_from("/-."))
def test_day_first_dates_where_that_is_declared(values, mark) -> None:
    texts = [f"{v:%d{mark}%m{mark}}{v.year:04} {v:%H:%M:%S.%f}" for v in values]
    assert read(texts, DataType.DATETIME, day_first=True).to_list() == values


OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda m: dt.timezone(dt.timedelta(minutes=m)))
AWARE = st.datetimes(dt.datetime(2, 1, 1), dt.datetime(9998, 12, 31), timezones=OFFSETS)


@given(st.lists(AWARE, min_size=1))
def test_mixed_offsets_are_the_same_instants(values) -> None:
    converted = read([value.isoformat() for value in values], DataType.DATETIME)
    assert converted.dtype == pl.Datetime("us", "UTC")
    assert converted.to_list() == values


@pytest.mark.parametrize("shape", ["%Y-%m-%d %H:%M:%S%.f", "%d.%m.%Y %H:%M:%S%.f"])
@given(nanoseconds=st.lists(st.integers(-9 * 10**18, 9 * 10**18), min_size=1))
def test_nanoseconds(shape, nanoseconds) -> None:
    # The first value has nine digits, so that all are nanoseconds.
    values = pl.Series([1, *nanoseconds]).cast(pl.Datetime("ns"))
    converted = read(values.dt.to_string(shape), DataType.DATETIME)
    assert converted.dtype == pl.Datetime("ns")
    assert converted.to_physical().to_list() == values.to_physical().to_list()


@given(st.lists(st.timedeltas(dt.timedelta(-(10**8)), dt.timedelta(10**8)), min_size=1))
def test_lengths_of_time_as_python_writes_them(values) -> None:
    assert read([str(value) for value in values], DataType.INTERVAL).to_list() == values


@pytest.mark.parametrize("unit", ["us", "ns"])
@given(counts=st.lists(st.integers(-(2**63) + 1, 2**63 - 1), min_size=1))
def test_lengths_of_time_as_iso_8601(unit, counts) -> None:
    values = pl.Series([*counts, 1]).cast(pl.Duration(unit))
    converted = read(values.dt.to_string("iso"), DataType.INTERVAL)
    assert converted.dtype == pl.Duration(unit)
    assert converted.to_physical().to_list() == values.to_physical().to_list()


WORDS = ("true", "Yes", " y ", "1", "T", "1.0"), ("FALSE", "no", "n", "0", "f\t", "0.0")


@given(st.lists(st.booleans(), min_size=1), st.data())
def test_truth_values(values, data) -> None:
    texts = [data.draw(st.sampled_from(WORDS[not value])) for value in values]
    assert read(texts, DataType.BOOLEAN).to_list() == values


@given(st.lists(st.booleans(), min_size=1))
def test_declared_truth_values_in_any_case(values) -> None:
    texts = ["\u00c9VIDEMMENT" if value else "Non" for value in values]
    words = {"true_words": ("\u00e9videmment",), "false_words": ("NON",)}
    assert read(texts, DataType.BOOLEAN, **words).to_list() == values


@given(st.lists(st.text()))
def test_text_and_categories_stay_what_they_are(texts) -> None:
    assert read(texts, DataType.STRING).to_list() == texts
    assert read(texts, DataType.CATEGORICAL).to_list() == texts


TYPED = {
    DataType.INTEGER: INT64,
    DataType.FLOAT: st.floats(allow_nan=False),
    DataType.BOOLEAN: st.booleans(),
    DataType.DATETIME: st.datetimes(),
    DataType.INTERVAL: st.timedeltas(dt.timedelta(-(10**8)), dt.timedelta(10**8)),
}


@pytest.mark.parametrize("target", TYPED)
@given(data=st.data())
def test_what_was_made_text_is_read_back(target, data) -> None:
    values = pl.Series("c", data.draw(st.lists(TYPED[target], min_size=1)), target.polars_dtype)
    texts = DataTypeConverter.convert_dtypes(values.to_frame(), {"c": DataType.STRING})["c"]
    assert read(texts, target).to_list() == values.to_list()
