from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from algomancy_data.errors import InvalidSchemaError
from algomancy_data.schema import Column, ColumnGroup, DataType, Schema
from algomancy_data.transformer import OptionalColumnGuard


def schema(*columns):
    members = {f"C{number}": column for number, column in enumerate(columns)}
    members |= {"_FILENAME": "t", "_EXTENSION": "csv", "_SCHEMA_TYPE": "single"}
    return type("Table", (Schema,), members)


def guarded(column, frame=None):
    data = {"t": pl.DataFrame({"id": [1, 2]}) if frame is None else frame}
    OptionalColumnGuard([schema(Column("id", DataType.INTEGER), column)]).transform(data)
    return data["t"]


@pytest.mark.parametrize("dtype", list(DataType))
def test_a_column_without_default_is_null_in_the_declared_dtype(dtype):
    out = guarded(Column("x", dtype, optional=True))
    assert out.schema["x"] == dtype.polars_dtype
    assert out["x"].to_list() == [None, None]


@pytest.mark.parametrize(
    ("dtype", "default", "value"),
    [
        (DataType.STRING, "-", "-"),
        (DataType.STRING, 5, "5"),
        (DataType.INTEGER, 5, 5),
        (DataType.INTEGER, "7", 7),
        (DataType.INTEGER, 5.0, 5),
        (DataType.FLOAT, 5, 5.0),
        (DataType.FLOAT, "1.5", 1.5),
        (DataType.BOOLEAN, False, False),
        (DataType.CATEGORICAL, "a", "a"),
        (DataType.DATETIME, dt.datetime(2024, 1, 31), dt.datetime(2024, 1, 31)),
        (DataType.DATETIME, dt.date(2024, 1, 31), dt.datetime(2024, 1, 31)),
        (DataType.DATETIME, "2024-01-31", dt.datetime(2024, 1, 31)),
        (DataType.INTERVAL, dt.timedelta(hours=1), dt.timedelta(hours=1)),
    ],
)
def test_a_default_is_cast_to_the_declared_dtype(dtype, default, value):
    out = guarded(Column("x", dtype, optional=True, default=default))
    assert out.schema["x"] == dtype.polars_dtype
    assert out["x"].to_list() == [value, value]


@pytest.mark.parametrize(
    ("dtype", "default"),
    [
        (DataType.INTEGER, "many"),
        (DataType.INTEGER, 1.5),
        (DataType.INTEGER, float("nan")),
        (DataType.INTEGER, 2**70),
        (DataType.INTEGER, [1]),
        (DataType.INTEGER, object()),
        (DataType.BOOLEAN, "yes"),
        (DataType.BOOLEAN, 5),
        (DataType.STRING, True),
        (DataType.DATETIME, "2024-01-31T00:00:00+01:00"),
        (DataType.DATETIME, dt.datetime(2024, 1, 31, tzinfo=dt.UTC)),
        (DataType.DATETIME, "31/01/2024"),
        (DataType.STRING, [1]),
    ],
)
def test_a_default_that_is_no_value_of_the_type_is_refused_with_schema_and_column(dtype, default):
    columns = schema(Column("x", dtype, optional=True, default=default))
    with pytest.raises(InvalidSchemaError, match=rf"Table.*'x'.* {dtype.name}: "):
        OptionalColumnGuard([columns])


def test_columns_that_are_there_or_required_are_left_alone():
    frame = pl.DataFrame({"x": ["as it is"], "id": [1]})
    assert guarded(Column("x", DataType.INTEGER, optional=True, default=1), frame) is frame
    assert guarded(Column("y", DataType.INTEGER), frame) is frame


def test_new_columns_come_last_in_the_order_of_declaration():
    data = {"t": pl.DataFrame({"z": [1]})}
    columns = schema(
        Column("b", DataType.INTEGER, optional=True), Column("a", DataType.STRING, optional=True)
    )
    OptionalColumnGuard({"t": columns}).transform(data)
    assert data["t"].columns == ["z", "b", "a"]


def test_tables_that_are_absent_stay_so():
    data = {}
    OptionalColumnGuard([schema(Column("x", DataType.INTEGER, optional=True))]).transform(data)
    assert data == {}


@pytest.mark.parametrize("frame", [pl.DataFrame(), pl.DataFrame(schema={"id": pl.Int64})])
def test_a_frame_without_rows_gets_none(frame):
    out = guarded(Column("x", DataType.INTEGER, optional=True, default=1), frame)
    assert out.height == 0
    assert out.schema["x"] == pl.Int64


def test_groups_of_a_multi_schema_are_guarded_too():
    class Orders(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "json", "multi"
        HEAD = ColumnGroup("head", [Column("note", DataType.STRING, optional=True, default="-")])

    data = {"orders.head": pl.DataFrame({"id": [1]})}
    OptionalColumnGuard([Orders]).transform(data)
    assert data["orders.head"].rows() == [(1, "-")]
