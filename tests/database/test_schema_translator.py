import polars as pl
import pytest
import sqlalchemy as sa
from polars.testing import assert_frame_equal

from algomancy_data import Column, DataType, Schema
from algomancy_data.database import column_to_sa, dtype_to_sa_type
from algomancy_data.database.schema_translator import (
    coerce_dataframe_to_schema,
    schema_to_sa_columns,
)
from algomancy_data.errors import FrameError


class Items(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "items", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    PRICE = Column("price", DataType.FLOAT, nullable=True, description="in euros")
    NOTE = Column("note", DataType.STRING, optional=True)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (DataType.STRING, sa.String),
        (DataType.DATETIME, sa.DateTime),
        (DataType.INTEGER, sa.BigInteger),
        (DataType.FLOAT, sa.Float),
        (DataType.BOOLEAN, sa.Boolean),
        (DataType.CATEGORICAL, sa.String),
        (DataType.INTERVAL, sa.String),
    ],
)
def test_every_declared_type_has_an_sql_type(dtype, expected):
    assert type(dtype_to_sa_type(dtype)) is expected


def test_a_column_may_be_null_when_it_is_nullable_or_optional():
    columns = {column.name: column for column in schema_to_sa_columns(Items)}
    assert {name: column.nullable for name, column in columns.items()} == {
        "id": False,
        "price": True,
        "note": True,
    }
    assert columns["price"].comment == "in euros"
    assert column_to_sa(Items.ID).comment is None


def test_a_frame_is_brought_to_its_declared_types_and_others_stay():
    frame = pl.DataFrame({"id": ["1", "2"], "other": [1, 2]})
    expected = pl.DataFrame({"id": [1, 2], "other": [1, 2]})
    assert_frame_equal(coerce_dataframe_to_schema(frame, Items), expected)


def test_a_value_that_does_not_fit_its_declared_type_is_named():
    with pytest.raises(FrameError, match="'Items'"):
        coerce_dataframe_to_schema(pl.DataFrame({"id": ["x"]}), Items)


def test_decimals_and_zones_are_told_to_sql():
    price, at = dtype_to_sa_type(pl.Decimal(18, 4)), dtype_to_sa_type(pl.Datetime("us", "UTC"))
    assert (price.precision, price.scale, at.timezone) == (18, 4, True)
    assert dtype_to_sa_type(pl.Datetime("us")).timezone is False
