"""Values for people: every value of every dtype has a text, and Python objects where there are."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing.parametric import dataframes

from algomancy_data import (
    Column,
    DataType,
    ForeignKeyValidator,
    MissingValueValidator,
    PrimaryKeyValidator,
    Relation,
    Schema,
)
from algomancy_data.errors import ValidationError
from algomancy_data.frames.values import python_rows, python_values
from algomancy_data.testing.samples import makeable
from algomancy_data.transformer import CascadeSnapshot, fill_empty

FAR = 2_933_297  # 10001-02-05, in days since 1970


def days(*numbers: int | None) -> pl.Series:
    return pl.Series("day", numbers, dtype=pl.Int32).cast(pl.Date)


def test_dates_that_python_has_are_its_own():
    assert python_values(days(0, None)) == [dt.date(1970, 1, 1), None]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (days(2_932_897), "+10000-01-01"),
        (days(-719_163), "0000-12-31"),
        (days(-719_529), "-0001-12-31"),
        (days(2**31 - 1), "+5881580-07-11"),
        (days(-(2**31)), "-5877641-06-23"),
        (pl.Series([253_402_300_800_000]).cast(pl.Datetime("ms")), "+10000-01-01 00:00:00"),
        (pl.Series([2**63 - 1]).cast(pl.Datetime("us")), "+294247-01-10 04:00:54.775807"),
        (pl.Series([1]).cast(pl.Datetime("ns")), "1970-01-01 00:00:00.000000001"),
        (
            pl.Series([253_402_300_799_999_999]).cast(pl.Datetime("us", "Asia/Tokyo")),
            "9999-12-31 23:59:59.999999+00:00",
        ),
        (pl.Series([2**63 - 1]).cast(pl.Duration("ms")), "106751991167 days, 07:12:55.807"),
        (pl.Series([-1]).cast(pl.Duration("ns")), "-1 day, 23:59:59.999999999"),
        (pl.Series([1]).cast(pl.Time), "00:00:00.000000001"),
    ],
)
def test_what_python_has_no_object_for_is_a_text(values, text):
    assert python_values(values) == [text]
    assert repr(python_values(values.implode())) == f"[[{text}]]"
    struct = values.alias("a").to_frame().select(pl.struct("a")).to_series()
    assert repr(python_values(struct)) == f"[{{'a': {text}}}]"
    array = values.reshape((1, 1))
    assert repr(python_values(array)) == f"[[{text}]]"


@given(st.integers(-719_162, 2_932_896), st.sampled_from([-60, 60]))
def test_the_calendar_repeats_after_400_years(day, times):
    near = python_values(days(day))[0]
    far = python_values(days(day + times * 146_097))[0]
    assert far == f"{near.year + times * 400:+06}{near:-%m-%d}"


@given(frame=makeable(dataframes(min_cols=1, max_cols=3, max_size=4)))
def test_any_frame_has_rows(frame):
    assert len(list(python_rows(frame))) == frame.height


def test_repeated_keys_of_a_map_are_all_there():
    entries = [[{"key": "a", "value": 1}, {"key": "a", "value": 2}], None]
    pairs = [[("a", 1), ("a", 2)], None]
    maps = pl.Series(pa.array(pairs, pa.map_(pa.string(), pa.int64())))
    assert python_values(maps) == entries


# --- where values are listed ------------------------------------------------------------------

FRAME = pl.DataFrame({"day": days(FAR, FAR, None), "n": [1, 2, 3]}).with_columns(
    nested=pl.struct("day").implode().over("n")
)


class Days(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "days", "parquet", "single"
    DAY = Column("day", DataType.DATETIME, primary_key=True)


def messages_of(validator, **tables: pl.DataFrame) -> list[str]:
    return [message.message for message in validator.validate(tables)]


def test_keys_are_named_in_messages():
    assert messages_of(PrimaryKeyValidator([Days]), days=FRAME)[1:] == [
        "Primary key is not unique: day=+10001-02-04",
        "Primary key is not unique: day=+10001-02-04",
    ]


def test_foreign_keys_are_named_in_messages():
    check = ForeignKeyValidator("a", ["day", "nested"], "b", ["day", "nested"])
    other = FRAME.with_columns(day=days(0, 1, 2))
    assert messages_of(check, a=FRAME, b=other)[0] == (
        "Key is not in b(day,nested): day=+10001-02-04, nested=[{'day': +10001-02-04}]"
    )


def test_the_rows_that_failed_are_known_again():
    check = MissingValueValidator("a", ["day"])
    check.validate({"a": FRAME})
    failures = check.row_failures[0]
    assert failures.came_from(FRAME)
    assert not failures.came_from(FRAME.with_columns(day=days(0, 1, 2)))


def test_children_are_counted_by_key():
    relation = Relation("a", ("day",), "b", ("day",), track_partial_loss=True)
    snapshot = CascadeSnapshot(extra_relations=[relation])
    snapshot.transform({"a": FRAME})
    assert snapshot.counts_for(relation) == {("+10001-02-04",): 2}


def test_a_value_that_cannot_fill_is_named():
    frame = pl.DataFrame({"day": days(FAR), "n": pl.Series([None], dtype=pl.Boolean)})
    with pytest.raises(ValidationError, match=r"the value \+10001-02-04"):
        fill_empty(frame)
