from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data import Column, DataType, RuleValidator, Schema, rule

TYPES = {"id": pl.Int64, "group": pl.String, "x": pl.Int64}


class Grouped(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    GROUP = Column("group", DataType.STRING, nullable=True)
    X = Column("x", DataType.INTEGER, nullable=True, min=0)

    @rule(group_by=["group"])
    def sums_up(cls):
        return cls.X.col.sum() <= 5

    @rule(group_by=["group"])
    def has_two(cls):
        return pl.len() >= 2

    @rule()
    def is_unique(cls):
        return cls.X.col.is_null() | cls.X.col.is_unique()

    @rule()
    def is_small(cls):
        return cls.X.col <= 9


class Stored:
    """Rows in memory."""

    def __init__(self, rows):
        self.frame = rows
        self.heights = []

    def columns(self, table):
        return self.frame.columns if table == "t" else ()

    def rows(self, table, query):
        assert table == "t"
        found = query(self.frame.lazy()).collect()
        self.heights.append(found.height)
        return found


def frame_of(*rows):
    return pl.DataFrame(rows, schema=TYPES, orient="row")


def found(stored, added, *, is_upsert=False):
    """Return the rows that break each rule, and how many stored ones newly do."""
    replacing = {"t": ("id",)} if is_upsert else {}
    check = RuleValidator([Grouped]).beside(stored, replacing)
    check.message_limit = None
    rows, counts = {}, {}
    for message in check.validate({"t": added}):
        if message.row is None:
            counts[message.key] = message.count
        else:
            rows.setdefault(message.key, []).append(message.row)
    return rows, counts


def test_a_group_that_gets_rows_is_judged_with_those_that_are_stored():
    stored = Stored(frame_of((1, "a", 3), (2, "a", None), (3, "b", 1), (4, "c", 8)))
    added = frame_of((5, "a", 2), (6, "b", 9), (7, "new", 0), (8, None, -1), (9, None, 4))
    assert found(stored, added) == (
        {"min": [3], "sums_up": [1], "has_two": [2]},
        {},
    )
    assert max(stored.heights) == 4  # for what compares all rows: groups took three
    assert 3 in stored.heights


def test_what_compares_all_rows_is_judged_with_the_whole_table():
    stored = Stored(frame_of((1, "a", 3), (2, "a", 2)))
    added = frame_of((5, "b", 2), (6, "b", 4), (7, "b", None))
    rows, counts = found(stored, added)
    assert rows["is_unique"] == [0]
    assert counts == {}


def test_a_rule_on_single_rows_asks_for_none_that_are_stored():
    class Single(Grouped):
        sums_up = has_two = is_unique = None

    stored = Stored(frame_of((1, "a", 3)))
    check = RuleValidator([Single]).beside(stored, {})
    assert [m.key for m in check.validate({"t": frame_of((2, "a", 99))})] == ["is_small"]
    assert stored.heights == []


def test_rows_that_take_the_place_of_others_count_once():
    stored = Stored(frame_of((1, "a", 5), (2, "a", 0)))
    assert found(stored, frame_of((1, "a", 4)), is_upsert=True) == ({}, {})
    assert found(stored, frame_of((3, "a", 4)), is_upsert=True)[0] == {"sums_up": [0]}


def test_a_group_that_loses_rows_to_another_one_is_said_to_break_its_rule():
    stored = Stored(frame_of((1, "a", 0), (2, "a", 1), (3, "b", 2), (4, "b", 3)))
    assert found(stored, frame_of((1, "b", 0)), is_upsert=True) == ({}, {"has_two": 1})
    already = Stored(frame_of((1, "a", 6), (2, "a", 1), (3, "a", 2), (4, "b", 3)))
    rows, counts = found(already, frame_of((2, "b", 0)), is_upsert=True)
    assert (rows, counts) == ({}, {})  # "a" had too much before as well


def test_stored_rows_that_newly_break_a_rule_are_said_with_their_columns():
    stored = Stored(frame_of((1, "a", 0), (2, "a", 1), (3, "b", 2), (4, "b", 3)))
    check = RuleValidator([Grouped]).beside(stored, {"t": ("id",)})
    (message,) = check.validate({"t": frame_of((1, "b", 0))})
    assert (message.table, message.column) == ("t", "group")
    assert message.message == (
        "Rule 'has_two' does not hold: 1 stored row, with those that are added."
    )


def test_a_column_that_is_not_stored_yet_is_null_in_the_rows_before():
    stored = Stored(frame_of((1, "a", 3), (2, "b", 3)).drop("x"))
    assert found(stored, frame_of((3, "a", 6), (4, "b", 5)))[0] == {"sums_up": [0]}


def test_rows_of_another_dtype_than_is_stored_are_judged_by_themselves():
    stored = Stored(frame_of((1, "a", 3)).cast({"group": pl.Categorical}))
    assert found(stored, frame_of((2, "a", 5)))[0] == {"has_two": [0]}


@pytest.mark.parametrize("table", ["t", "other"])
def test_without_a_stored_table_rows_are_judged_by_themselves(table):
    check = RuleValidator([Grouped]).beside(Stored(frame_of()) if table == "t" else Empty(), {})
    assert [m.key for m in check.validate({"t": frame_of((1, "a", 0))})] == ["has_two"]


class Empty:
    def columns(self, table):
        return ()


ROWS = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.none() | st.sampled_from("abc"),
        st.none() | st.integers(-1, 6),
    ),
    max_size=12,
    unique_by=lambda row: row[0],
)


@given(before=ROWS, more=ROWS.filter(bool), is_upsert=st.booleans())
def test_added_rows_break_what_they_break_in_the_table_as_it_will_be(before, more, is_upsert):
    if not is_upsert:
        more = [(number + 10, *values) for number, *values in more]
    rows, counts = found(Stored(frame_of(*before)), frame_of(*more), is_upsert=is_upsert)
    ids = {row[0] for row in more}
    kept = [row for row in before if row[0] not in ids]

    def broken_by_id(table):
        frame = frame_of(*table)
        check = RuleValidator([Grouped])
        check.message_limit = None
        return {(message.key, table[message.row]) for message in check.validate({"t": frame})}

    after = broken_by_id([*kept, *more])
    expected = {(key, row) for key, row in after if row in more}
    assert {(key, more[number]) for key, numbers in rows.items() for number in numbers} == expected
    newly = after - broken_by_id(before) - expected
    groups = {row[1] for row in more}
    for key in ("sums_up", "has_two"):
        others = [row for name, row in newly if name == key and row[1] not in groups]
        assert counts.get(key, 0) == len(others)
    if "is_unique" not in rows:
        assert counts.get("is_unique", 0) == sum(name == "is_unique" for name, _ in newly)
