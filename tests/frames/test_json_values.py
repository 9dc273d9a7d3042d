"""Values go through JSON unharmed in the form that they need, for tables and documents alike."""

from __future__ import annotations

import datetime as dt
import math

import polars as pl
import pytest
from hypothesis import given
from polars.testing.parametric import series

from algomancy_data.frames.identical import identical
from algomancy_data.frames.json_values import (
    JSONForm,
    from_json_values,
    has_iso_years,
    json_dtype,
    to_json_values,
)

ANY = JSONForm(text_floats=True, number_dates=True)


def there_and_back(column: pl.Series, form: JSONForm) -> pl.Series:
    values = column.to_frame().select(to_json_values(pl.col(column.name), column.dtype, form))
    assert values.dtypes == [json_dtype(column.dtype, form)]
    texts = pl.DataFrame({"x": values.to_series()}).select(pl.struct("x").struct.json_encode())
    read = texts.to_series().str.json_decode(pl.Struct({"x": json_dtype(column.dtype, form)}))
    back = read.struct.field("x").to_frame()
    return back.select(from_json_values(pl.col("x"), column.dtype, form)).to_series()


@given(
    series(
        name="x",
        max_size=8,
        allow_time_zones=True,
        excluded_dtypes=[pl.Extension, pl.Object, pl.Int128, pl.UInt128, pl.Categorical],
    )
)
def test_any_column_comes_back_in_the_form_that_has_words_for_all(column) -> None:
    assert identical(there_and_back(column, ANY), column)


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("x", [1.5, None, -0.0]),
        pl.Series("x", [dt.datetime(2024, 2, 29, 23, 59, 59, 999_999), None]),
        pl.Series("x", [[b"\0\xff"], [], None]),
        pl.Series("x", [{"*": 1, "^a$": dt.date(1, 1, 1)}, None]),
        pl.Series("x", [dt.timedelta(days=-1), None]),
    ],
    ids=str,
)
def test_usual_columns_need_no_other_form(column) -> None:
    assert identical(there_and_back(column, JSONForm()), column)


def test_what_json_and_iso_8601_lack_is_known() -> None:
    days = pl.Series([2_932_896, 2_932_897]).cast(pl.Int32).cast(pl.Date)
    assert [has_iso_years(days.head(1)), has_iso_years(days)] == [True, False]
    assert identical(there_and_back(days.alias("x"), ANY), days.alias("x"))
    floats = pl.Series("x", [math.nan, math.inf, None])
    assert identical(there_and_back(floats, ANY), floats)
