from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.schema import (
    DataType,
    FileExtension,
    SchemaType,
)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        (DataType.STRING, "string"),
        (DataType.DATETIME, "datetime64[ns]"),
        (DataType.INTEGER, "int64"),
        (DataType.FLOAT, "float64"),
        (DataType.BOOLEAN, "boolean"),
        (DataType.CATEGORICAL, "categorical"),
        (DataType.INTERVAL, "interval"),
        (FileExtension.CSV, "csv"),
        (FileExtension.XLSX, "xlsx"),
        (FileExtension.JSON, "json"),
        (SchemaType.SINGLE, "single"),
        (SchemaType.MULTI, "multi"),
    ],
)
def test_names_and_values_are_those_of_the_pandas_package(member, value):
    assert member == value
    assert str(member) == value


@pytest.mark.parametrize("declared", list(DataType))
def test_each_data_type_accepts_its_own_dtype_and_not_null(declared):
    assert declared.accepts(declared.polars_dtype)
    assert not declared.accepts(pl.Null())


@pytest.mark.parametrize(
    ("declared", "dtype", "accepted"),
    [
        (DataType.DATETIME, pl.Datetime("ns"), True),
        (DataType.DATETIME, pl.Datetime("us", "UTC"), False),
        (DataType.DATETIME, pl.Date(), False),
        (DataType.INTERVAL, pl.Duration("ms"), True),
        (DataType.CATEGORICAL, pl.Enum(["a"]), True),
        (DataType.CATEGORICAL, pl.String(), False),
        (DataType.INTEGER, pl.Int32(), False),
        (DataType.INTEGER, pl.Float64(), False),
    ],
)
def test_accepts_frees_the_time_unit_and_the_categories_only(declared, dtype, accepted):
    assert declared.accepts(dtype) is accepted
