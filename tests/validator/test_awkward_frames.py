from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.schema import Column, DataType, Schema
from algomancy_data.validator import (
    ConstraintValidator,
    DefaultValidator,
    ExtractionSuccessVerification,
    ForeignKeyValidator,
    MissingValueValidator,
    PrimaryKeyValidator,
    RequiredColumnsValidator,
    SchemaValidator,
    UniqueValueValidator,
)


class Single(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
    A = Column("a", DataType.INTEGER, primary_key=True)
    B = Column("b", DataType.INTEGER, unique=True)


class Composite(Single):
    B = Column("b", DataType.INTEGER, unique=True, primary_key=True)


COLUMNS = {
    "null": pl.Series([None, None]),
    "objects": pl.Series([object(), None], dtype=pl.Object),
    "lists": pl.Series([[1], [1]]),
    "empty lists": pl.Series([[], []]),
    "lists with a null": pl.Series([[1], None], dtype=pl.List(pl.Int64)),
    "structs": pl.Series([{"k": 1}, {"k": None}]),
    "empty structs": pl.Series([{}, {}]),
    "arrays": pl.Series([[1, 2], [1, 2]], dtype=pl.Array(pl.Int64, 2)),
    "binary": pl.Series([b"x", b"x"]),
    "categories": pl.Series(["x", "x"], dtype=pl.Categorical),
    "enum": pl.Series(["x", None], dtype=pl.Enum(["x"])),
    "decimals": pl.Series(["1.5", "1.5"]).cast(pl.Decimal(38, 2)),
    "wide integers": pl.Series([2**100, 2**100], dtype=pl.Int128),
    "booleans": pl.Series([True, True]),
    "times": pl.Series([0, 0], dtype=pl.Time),
    "durations": pl.Series([0, None], dtype=pl.Duration("ns")),
    "zoned": pl.Series([0, 0], dtype=pl.Datetime("ms", "Asia/Tokyo")),
    "nan": pl.Series([float("nan"), float("nan")]),
}
FRAMES = {
    "no columns": pl.DataFrame(),
    **{name: pl.DataFrame({"a": column, "b": column}) for name, column in COLUMNS.items()},
    **{
        f"no rows of {name}": pl.DataFrame({"a": column.clear(), "b": column.clear()})
        for name, column in COLUMNS.items()
    },
}
VALIDATORS = [
    ConstraintValidator([Single]),
    ConstraintValidator([Composite]),
    DefaultValidator(),
    ExtractionSuccessVerification(),
    MissingValueValidator("t", ["a", "b"]),
    PrimaryKeyValidator([Composite]),
    PrimaryKeyValidator([Single]),
    RequiredColumnsValidator([Single]),
    SchemaValidator([Single]),
    UniqueValueValidator("t", ["a", "b"]),
]


@pytest.mark.parametrize("name", FRAMES)
def test_no_frame_crashes_a_validator(name):
    for validator in VALIDATORS:
        validator.validate({"t": FRAMES[name]})


@pytest.mark.parametrize("child", FRAMES)
def test_no_pair_of_frames_crashes_the_foreign_key_check(child):
    for parent in FRAMES.values():
        for columns in (["a"], ["a", "b"]):
            check = ForeignKeyValidator("child", columns, "parent", columns)
            check.validate({"child": FRAMES[child], "parent": parent})


@pytest.mark.parametrize(
    "name", [name for name in COLUMNS if name not in {"null", "objects", "lists with a null"}]
)
@pytest.mark.parametrize("columns", [["a"], ["a", "b"]], ids=len)
def test_every_key_is_found_in_its_own_table(name, columns):
    check = ForeignKeyValidator("t", columns, "t", columns)
    assert check.validate({"t": FRAMES[name]}) == []


def test_python_objects_are_reported_as_not_comparable():
    frame = FRAMES["objects"]
    [message] = UniqueValueValidator("t", ["a"]).validate({"t": frame})
    assert (message.code, message.column) == ("NOT_COMPARABLE", "a")
    codes = [m.code for m in PrimaryKeyValidator([Composite]).validate({"t": frame})]
    assert codes == ["PK_NULL", "NOT_COMPARABLE"]
