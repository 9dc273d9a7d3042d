"""Every failing row is known, whatever the limit on messages: checked against plain Python."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    ValidationMessage,
    ValidationResult,
    ValidationSequence,
    ValidationSeverity,
    Validator,
)

WARNING, ERROR = ValidationSeverity.WARNING, ValidationSeverity.ERROR
SCHEMA = {
    "table": pl.Categorical(),
    "row": pl.UInt32(),
    "code": pl.Categorical(),
    "column": pl.Categorical(),
    "key": pl.Categorical(),
    "severity": pl.Enum(["INFO", "WARNING", "ERROR", "CRITICAL"]),
    "message": pl.String(),
}


class Single(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
    A = Column("a", DataType.INTEGER, primary_key=True)
    B = Column("b", DataType.INTEGER, unique=True)


class Composite(Single):
    B = Column("b", DataType.INTEGER, primary_key=True)


def repeated(values):
    """Return the rows whose value, other than None, occurs again."""
    counts = Counter(values)
    return [row for row, value in enumerate(values) if value is not None and counts[value] > 1]


def missing(values):
    return [row for row, value in enumerate(values) if value is None]


def complete(pairs):
    return [None if None in pair else pair for pair in pairs]


def unknown(values, parents):
    return [row for row, value in enumerate(values) if value is not None and value not in parents]


# Each check, and which rows (by code and column) it finds in lists of values a, b and p.
CHECKS = {
    "missing values": (
        MissingValueValidator("t", ["a", "b"]),
        lambda a, b, _: {("NULL_VALUE", "a"): missing(a), ("NULL_VALUE", "b"): missing(b)},
    ),
    "unique values": (
        UniqueValueValidator("t", ["a", "b"]),
        lambda a, b, _: {
            ("DUPLICATE_VALUE", "a"): repeated(a),
            ("DUPLICATE_VALUE", "b"): repeated(b),
        },
    ),
    "constraints": (
        ConstraintValidator([Single]),
        lambda _a, b, _: {
            ("NULL_VALUE", "b"): missing(b),
            ("DUPLICATE_VALUE", "b"): repeated(b),
        },
    ),
    "a key": (
        PrimaryKeyValidator([Single]),
        lambda a, _b, _: {("PK_NULL", "a"): missing(a), ("PK_DUPLICATE", "a"): repeated(a)},
    ),
    "a composite key": (
        PrimaryKeyValidator([Composite]),
        lambda a, b, _: {
            ("PK_NULL", "a,b"): missing(complete(zip(a, b, strict=True))),
            ("PK_DUPLICATE", "a,b"): repeated(complete(zip(a, b, strict=True))),
        },
    ),
    "a foreign key": (
        ForeignKeyValidator("t", "a", "p", "p"),
        lambda a, _b, p: {("FK_VIOLATION", "a"): unknown(a, p)},
    ),
    "a composite foreign key": (
        ForeignKeyValidator("t", ["a", "b"], "p", ["p", "q"]),
        lambda a, b, p: {
            ("FK_VIOLATION", "a,b"): unknown(
                complete(zip(a, b, strict=True)), set(zip(p, p, strict=True))
            )
        },
    ),
    "nothing about rows": (DefaultValidator(), lambda *_: {}),
    "the extraction": (ExtractionSuccessVerification(), lambda *_: {}),
    "the columns": (RequiredColumnsValidator([Single]), lambda *_: {}),
    "the schema": (SchemaValidator([Single]), lambda *_: {}),
}
CELLS = st.none() | st.integers(0, 5)


def tables(rows, parents):
    integers = {"a": pl.Int64, "b": pl.Int64}
    return {
        "t": pl.DataFrame(rows, schema=integers, orient="row"),
        "p": pl.DataFrame({"p": parents, "q": parents}, schema={"p": pl.Int64, "q": pl.Int64}),
    }


def by_reason(frame):
    found = {}
    for row in frame.iter_rows(named=True):
        found.setdefault((row["code"], row["column"]), []).append(row["row"])
    return found


@pytest.mark.parametrize("name", CHECKS)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS), max_size=12),
    parents=st.lists(CELLS, max_size=4),
    limit=st.sampled_from([0, 2, 100, None]),
)
def test_each_check_gives_all_rows_that_fail_it(name, rows, parents, limit):
    check, expected = CHECKS[name]
    check.message_limit = limit
    messages = check.validate(tables(rows, parents))
    frame = check.failing_rows()
    a, b = [row[0] for row in rows], [row[1] for row in rows]
    wanted = {reason: found for reason, found in expected(a, b, parents).items() if found}
    assert by_reason(frame) == wanted
    assert frame.schema == SCHEMA
    assert set(frame["table"]) <= {"t"}
    of_rows = [message for message in messages if (message.code, message.column) in wanted]
    assert sum(message.count for message in of_rows) == frame.height


def test_a_failing_row_says_what_is_wrong_and_how_bad_it_is():
    check = ForeignKeyValidator("t", "a", "p", "p", WARNING)
    check.validate(tables([(1, 1), (7, 1)], [1]))
    assert check.failing_rows().rows() == [
        ("t", 1, "FK_VIOLATION", "a", "t.a->p.p", "WARNING", "Key is not in p(p)")
    ]


def test_rows_with_several_reasons_have_several_lines_and_can_be_chosen_by_severity():
    checks = [MissingValueValidator("t", "a", WARNING), PrimaryKeyValidator([Single])]
    result = ValidationSequence(checks).run_validation(tables([(None, 1), (2, 1), (2, 1)], []))
    frame = result.failing_rows()
    reasons = [("NULL_VALUE", 0), ("PK_NULL", 0), ("PK_DUPLICATE", 1), ("PK_DUPLICATE", 2)]
    assert frame.select("code", "row").rows() == reasons
    assert frame.filter(pl.col("severity") >= "ERROR")["row"].to_list() == [0, 1, 2]


def test_each_run_starts_without_failing_rows():
    sequence = ValidationSequence([UniqueValueValidator("t", "a")])
    first = sequence.run_validation(tables([(1, 1), (1, 1)], []))
    second = sequence.run_validation(tables([(1, 1), (2, 1)], []))
    assert first.failing_rows().height == 2
    assert second.failing_rows().is_empty()
    assert second.failing_rows().schema == SCHEMA


class Own(Validator):
    """A validator as a user writes it: rows one by one, and as a column."""

    def validate(self, data):
        self.add_message(ERROR, "Odd: 5", "t", "a", 1, "ODD")
        self.add_message(ERROR, "Odd: 5", "t", "a", 1, "ODD")
        self.add_message(WARNING, "about the table", "t", code="ODD")
        self.buffer_message(WARNING, "no code", "t", row=0, key="k")
        self.report_rows(ERROR, "Big", pl.Series([2, 0]), data["t"], table="t", code="BIG")
        return self.messages


def test_rows_that_only_messages_name_count_once():
    data = tables([(1, 1), (1, 1), (3, 1)], [])
    result = ValidationSequence([Own()]).run_validation(data)
    assert result.failing_rows().rows() == [
        ("t", 2, "BIG", "a,b", None, "ERROR", "Big"),
        ("t", 0, "BIG", "a,b", None, "ERROR", "Big"),
        ("t", 1, "ODD", "a", None, "ERROR", "Odd: 5"),
        ("t", 0, None, None, "k", "WARNING", "no code"),
    ]


def test_a_result_made_of_messages_alone_has_the_rows_that_they_name():
    messages = [ValidationMessage(ERROR, "m", "t", "c", row, "C") for row in (3, None)]
    frame = ValidationResult(is_valid=True, messages=messages).failing_rows()
    assert frame["row"].to_list() == [3]


def test_the_rows_can_be_set_aside_with_the_frames_that_were_validated():
    data = tables([(1, 1), (None, 2), (1, 3), (4, 4)], [])
    result = ValidationSequence([PrimaryKeyValidator([Single])]).run_validation(data)
    rows = result.failing_rows().filter(table="t").select("row").unique()
    numbered = data["t"].with_row_index("row")
    assert numbered.join(rows, on="row", how="anti")["b"].to_list() == [4]
    assert sorted(numbered.join(rows, on="row", how="semi")["b"]) == [1, 2, 3]
