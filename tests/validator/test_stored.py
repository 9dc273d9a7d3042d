"""Keys of rows that are added are looked up in those that are stored."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data import ForeignKeyValidator, ValidationSequence, ValidationSeverity
from algomancy_data.store.addition import known_rows
from algomancy_data.validator.stored import StoredKeyValidator


class Stored:
    """Keys in memory, by table."""

    def __init__(self, **tables):
        self.tables = tables

    def columns(self, table):
        return self.tables[table].columns if table in self.tables else ()

    def known(self, table, key, keys):
        return known_rows([self.tables[table].select(key)], keys)

    referred = known


STORED = Stored(orders=pl.DataFrame({"id": [1, 2], "code": ["a", None]}))


def found(messages):
    return [(message.code, message.column, message.row) for message in messages]


def test_each_row_with_a_stored_key_is_a_finding_that_halts_a_run():
    check = StoredKeyValidator(STORED, {"orders": [("id",), ("code",)], "other": [("id",)]})
    rows = pl.DataFrame({"id": [3, 2, 1, None], "code": ["a", "b", "c", None]})
    messages = check.validate({"orders": rows, "other": rows})
    assert found(messages) == [
        ("KEY_STORED", "id", 1),
        ("KEY_STORED", "id", 2),
        ("KEY_STORED", "code", 0),
    ]
    assert {message.severity for message in messages} == {ValidationSeverity.CRITICAL}


def test_a_key_of_several_columns_is_stored_as_a_whole():
    check = StoredKeyValidator(STORED, {"orders": [("id", "code")]})
    rows = pl.DataFrame({"id": [1, 1, 2], "code": ["a", "b", "a"]})
    assert found(check.validate({"orders": rows})) == [("KEY_STORED", "id,code", 0)]


def test_a_key_of_which_a_column_is_missing_is_not_looked_up():
    check = StoredKeyValidator(STORED, {"orders": [("number",), ("code",)]})
    assert check.validate({"orders": pl.DataFrame({"number": [1]})}) == []


@pytest.mark.parametrize("parents", [{}, {"orders": pl.DataFrame({"id": [7]})}], ids=len)
def test_rows_refer_to_new_and_to_stored_ones(parents):
    check = ForeignKeyValidator("lines", "order", "orders", "id")
    lines = pl.DataFrame({"order": [7, 1, 9, None]})
    rows = found(check.beside(STORED).validate({"lines": lines, **parents}))
    lost = [2] if parents else [0, 2]
    assert rows == [("FK_VIOLATION", "order", row) for row in lost]


def test_a_sequence_beside_a_dataset_leaves_the_other_one_as_it_is():
    check = ForeignKeyValidator("lines", "order", "orders", "id")
    sequence = ValidationSequence([check])
    beside = sequence.beside(STORED, {"orders": [("id",)]})
    data = {"lines": pl.DataFrame({"order": [1]})}
    assert beside.run_validation(data).messages == []
    assert found(sequence.run_validation(data).messages) == [("TABLE_NOT_FOUND", None, None)]
