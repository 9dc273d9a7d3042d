"""Keys: the smallest set of columns whose uniqueness is no accident, proven on all rows."""

from __future__ import annotations

import datetime as dt
import random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data import DataType
from algomancy_data.inference.column_types import column_findings
from algomancy_data.inference.inferred import InferredColumn
from algomancy_data.inference.table_keys import find_key

ROWS = 60


def key_of(frame, table="items"):
    columns = column_findings(frame)
    found = find_key(frame, columns, table)
    return [column.name for column in found.columns], [column.name for column in found.unique]


DAYS = [dt.date(1990, 1, 1) + dt.timedelta(days=number) for number in range(ROWS)]


def numbered(prefix, count=ROWS):
    return [f"{prefix}{number}" for number in range(count)]


def test_a_column_without_a_name_may_be_part_of_a_key():
    columns = {"": [n // 30 for n in range(600)], "b": [n % 30 for n in range(600)]}
    frame = pl.DataFrame(columns).with_columns(c=0)
    found = find_key(frame, [InferredColumn(name, DataType.INTEGER) for name in columns], "items")
    assert [column.name for column in found.columns] == ["", "b"]


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"value": range(ROWS), "id": range(ROWS)}, "id"),
        ({"id": range(ROWS), "item_id": range(ROWS)}, "id"),
        ({"order_id": range(ROWS), "item_id": range(ROWS)}, "item_id"),
        ({"Unnamed: 0": range(ROWS), "name": numbered("n")}, "name"),
        ({"b": numbered("b"), "a": numbered("a")}, "b"),
        ({"note": numbered("a long and wordy note "), "code": numbered("c")}, "code"),
    ],
)
def test_of_several_unique_columns_the_key_is_the_one_that_is_named_so_else_the_first(columns, key):
    frame = pl.DataFrame({name: list(values) for name, values in columns.items()})
    assert key_of(frame)[0] == [key]


MEASURES = {
    f"measure_{number}": [(row * (97 + number) + number) % 4_999 for row in range(ROWS)]
    for number in range(14)
}


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"name": numbered("n"), "pop": MEASURES["measure_1"]}, ["name"]),
        ({"pop": MEASURES["measure_1"], "name": numbered("n")}, ["pop"]),
        ({"month": DAYS, "nonfarm": MEASURES["measure_1"]}, ["month"]),
        ({"ratio": [0.5] * ROWS, "pop": MEASURES["measure_1"]}, []),
        ({"ratio": [0.5] * ROWS, "year": range(1950, 1950 + ROWS)}, ["year"]),
        ({"ratio": [0.5] * ROWS, "rank": [*range(1, ROWS + 1)][::-1]}, ["rank"]),
        ({"ratio": [0.5] * ROWS, "pop_id": MEASURES["measure_1"]}, ["pop_id"]),
        ({"x": [0.5] * ROWS, "day": DAYS, "pop": MEASURES["measure_1"]}, ["day"]),
    ],
)
def test_a_number_that_is_not_named_like_a_key_is_one_only_where_it_comes_first_or_counts(
    columns, key
):
    frame = pl.DataFrame({name: list(values) for name, values in columns.items()})
    assert key_of(frame)[0] == key


def test_a_measure_is_not_declared_unique():
    frame = pl.DataFrame({"id": numbered("n"), "pop": MEASURES["measure_1"], "mail": numbered("m")})
    assert key_of(frame) == (["id"], ["mail"])


@pytest.mark.parametrize("last", [False, True])
def test_a_key_of_two_columns_is_found_among_fourteen_measures(last):
    generator = random.Random(7)  # noqa: S311  the same numbers each time, no secret
    rows = [(year, team) for year in range(1990, 2000) for team in numbered("t", 20)]
    own = {"year": [year for year, _ in rows], "team": [team for _, team in rows]}
    measures = {
        name: [generator.randrange(20 + 80 * number) for _ in rows]
        for number, name in enumerate(MEASURES)
    }
    frame = pl.DataFrame(measures | own if last else own | measures)
    assert key_of(frame)[0] == ["year", "team"]


def test_a_comment_says_so_where_not_all_combinations_were_looked_at():
    generator = random.Random(7)  # noqa: S311  the same numbers each time, no secret
    names = [f"c{number}" for number in range(50)]

    def noted(count):
        frame = pl.DataFrame({name: [generator.randrange(2) for _ in range(40)] for name in names})
        columns = column_findings(frame)[:count]
        return find_key(frame, columns, "measurements").notes[0]

    assert noted(50).startswith("No key was found. Not all combinations of the 50 columns")
    assert noted(12).startswith(("No key: no 4 of the columns", "No key: not even all"))


def test_other_unique_columns_are_unique():
    frame = pl.DataFrame({"id": range(ROWS), "mail": numbered("m"), "size": [1.5, 2.5] * 30})
    assert key_of(frame) == (["id"], ["mail"])


def test_floats_nulls_and_sentences_are_no_keys():
    frame = pl.DataFrame(
        {
            "x": [number / 7 for number in range(ROWS)],
            "gaps": [None, *range(ROWS - 1)],
            "note": [f"this is the note with number {number}" for number in range(ROWS)],
        }
    )
    assert key_of(frame) == ([], ["gaps"])


def test_a_key_of_two_columns_is_found_among_measures():
    generator = random.Random(7)  # noqa: S311  the same numbers each time, no secret
    rows = [(order, line) for order in range(40) for line in range(1, 6)]
    frame = pl.DataFrame(
        {
            "quantity": [generator.randrange(10) for _ in rows],
            "order": [order for order, _ in rows],
            "line": [line for _, line in rows],
        }
    )
    assert key_of(frame)[0] == ["order", "line"]


def test_what_is_unique_together_by_chance_is_only_noted():
    generator = random.Random(7)  # noqa: S311  the same numbers each time, no secret
    frame = pl.DataFrame(
        {
            "a": [generator.randrange(1_000) for _ in range(100)] + [5, 5],
            "b": [generator.randrange(1_000) for _ in range(100)] + [6, 7],
        }
    )
    columns = column_findings(frame)
    found = find_key(frame, columns, "measurements")
    assert found.columns == []
    assert "perhaps by chance" in found.notes[0]


def test_one_pair_of_equal_rows_far_apart_is_enough_to_refuse_a_key():
    frame = pl.DataFrame(
        {
            "day": [number // 300 for number in range(90_000)],
            "code": [number % 300 for number in range(90_000)],
        }
    )
    assert key_of(frame)[0] == ["day", "code"]
    spoilt = pl.concat([frame, frame.slice(41_234, 1)])
    assert key_of(spoilt)[0] == []


def test_a_nearly_unique_column_is_noted():
    column = InferredColumn("code", DataType.INTEGER)
    frame = pl.DataFrame({"code": [*range(999), 5]})
    assert find_key(frame, [column], "items").columns == []
    assert column.notes == ["Nearly unique: 99.9 % of the values are distinct."]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc"), st.integers(0, 9)), max_size=40)
)
def test_a_key_holds(rows):
    frame = pl.DataFrame(rows, schema=["a", "b", "c"], orient="row")
    key, unique = key_of(frame)
    if key:
        assert frame.select(key).is_duplicated().sum() == 0
        assert frame.select(pl.col(key).null_count()).row(0) == (0,) * len(key)
    for name in unique:
        assert frame[name].drop_nulls().is_duplicated().sum() == 0
