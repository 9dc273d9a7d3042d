from __future__ import annotations

import polars as pl

from algomancy_data.validator import ValidationMessage, ValidationResult, ValidationSeverity

INFO, WARNING, ERROR, CRITICAL = ValidationSeverity
MESSAGES = [
    ValidationMessage(ERROR, "b", "t", "c", 3, "B"),
    ValidationMessage(INFO, "a"),
    ValidationMessage(ERROR, "b", "t", "c", 4, "B"),
    ValidationMessage(CRITICAL, "d", code="D"),
]
COLUMNS = {
    "severity": pl.String,
    "message": pl.String,
    "table": pl.String,
    "column": pl.String,
    "row": pl.Int64,
    "code": pl.String,
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
    assert frame.row(0) == ("ERROR", "b", "t", "c", 3, "B")
    assert frame.row(1) == ("INFO", "a", None, None, None, None)
    assert frame.height == 4


def test_the_frame_is_typed_without_messages_too():
    frame = ValidationResult(is_valid=True).as_dataframe()
    assert frame.schema == COLUMNS
    assert frame.is_empty()
