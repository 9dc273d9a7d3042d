from __future__ import annotations

import polars as pl

from algomancy_data.validator import (
    MissingValueValidator,
    UniqueValueValidator,
    ValidationError,
    ValidationMessage,
    ValidationResult,
    ValidationSequence,
    ValidationSeverity,
)

INFO, WARNING, ERROR, CRITICAL = ValidationSeverity
MESSAGES = [
    ValidationMessage(ERROR, "b", "t", "c", 3, "B"),
    ValidationMessage(INFO, "a"),
    ValidationMessage(ERROR, "b", "t", "c", 4, "B"),
    ValidationMessage(CRITICAL, "d", code="D", key="t.c->p.q", count=9),
]
COLUMNS = {
    "severity": pl.String,
    "message": pl.String,
    "table": pl.String,
    "column": pl.String,
    "row": pl.Int64,
    "code": pl.String,
    "key": pl.String,
    "count": pl.Int64,
}


def test_a_result_is_true_if_the_data_is_valid_whatever_its_length():
    assert ValidationResult(is_valid=True)
    assert not ValidationResult(is_valid=False, messages=MESSAGES)
    assert len(ValidationResult(is_valid=True)) == 0
    assert list(ValidationResult(is_valid=True, messages=MESSAGES)) == MESSAGES


def test_counts_hold_only_what_occurs():
    result = ValidationResult(is_valid=False, messages=MESSAGES)
    assert result.counts_by_severity == {"INFO": 1, "ERROR": 2, "CRITICAL": 1}
    assert result.counts_by_code == {"B": 2, "D": 1}
    assert ValidationResult(is_valid=True).counts_by_severity == {}


def test_counts_handed_in_are_kept():
    assert ValidationResult(True, [], CRITICAL, {"ERROR": 7}).counts_by_severity == {"ERROR": 7}  # noqa: FBT003  as callers write it


def test_messages_are_found_by_severity():
    result = ValidationResult(is_valid=False, messages=MESSAGES)
    assert result.messages_by_severity(ERROR) == [MESSAGES[0], MESSAGES[2]]
    assert result.messages_by_severity(WARNING) == []
    assert result.messages_at_least(ERROR) == [MESSAGES[0], *MESSAGES[2:]]
    assert result.messages_at_least(INFO) == MESSAGES


def test_the_frame_has_a_typed_row_for_each_message():
    frame = ValidationResult(is_valid=False, messages=MESSAGES).as_dataframe()
    assert frame.schema == COLUMNS
    assert frame.row(0) == ("ERROR", "b", "t", "c", 3, "B", None, 1)
    assert frame.row(1) == ("INFO", "a", None, None, None, None, None, 1)
    assert frame.row(3) == ("CRITICAL", "d", None, None, None, "D", "t.c->p.q", 9)
    assert frame.height == 4


def test_the_frame_is_typed_without_messages_too():
    frame = ValidationResult(is_valid=True).as_dataframe()
    assert frame.schema == COLUMNS
    assert frame.is_empty()


def test_the_first_six_columns_are_those_of_the_pandas_package():
    columns = ValidationResult(is_valid=True).as_dataframe().columns
    assert columns[:6] == ["severity", "message", "table", "column", "row", "code"]


def test_the_summary_counts_the_findings_of_each_rule():
    summary = ValidationResult(is_valid=False, messages=MESSAGES).summary()
    assert summary.rows() == [
        ("ERROR", "B", "t", "c", None, 2),
        ("INFO", None, None, None, None, 1),
        ("CRITICAL", "D", None, None, "t.c->p.q", 9),
    ]
    empty = ValidationResult(is_valid=True).summary()
    assert empty.schema == summary.schema
    assert empty.is_empty()


def test_a_summary_of_rules_adds_up_to_the_findings_whatever_the_limit():
    tables = {"t": pl.DataFrame({"a": [None] * 7 + [1, 1], "b": [2] * 9})}
    checks = [MissingValueValidator("t", "a"), UniqueValueValidator("t", ["a", "b"])]
    for limit in (0, 1, 5, None):
        sequence = ValidationSequence(checks, message_limit=limit)
        counts = sequence.run_validation(tables).summary()["count"]
        assert counts.to_list() == [7, 2, 9]


def test_results_are_equal_by_what_they_say():
    tables = {"t": pl.DataFrame({"a": [None]})}
    sequence = ValidationSequence([MissingValueValidator("t", "a")])
    result = sequence.run_validation(tables)
    assert result == ValidationResult(is_valid=True, messages=list(result))
    assert "row_failures" not in repr(result)


def test_an_error_of_a_component_says_something_without_a_message():
    error = ValidationError()
    assert (str(error), error.context) == ("Validation failed.", None)
