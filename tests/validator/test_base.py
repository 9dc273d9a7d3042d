from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from algomancy_data.validator import (
    DefaultValidator,
    MissingValueValidator,
    ValidationMessage,
    ValidationSeverity,
    Validator,
)

ERROR = ValidationSeverity.ERROR


class Recorder(Validator):
    """A validator as a user writes it."""

    def validate(self, _data):
        self.add_message(ERROR, "added", "t", "c", 3, "ADDED")
        self.buffer_message(ERROR, "kept", code="KEPT")
        return self.messages


def report(limit, rows, frame):
    validator = Recorder()
    validator.message_limit = limit
    validator.report_rows(ERROR, "Bad", pl.Series(rows), frame, table="t", code="BAD")
    return validator.messages


def test_a_validator_must_say_how_it_validates():
    with pytest.raises(TypeError, match="validate"):
        Validator()


def test_messages_are_those_added_then_those_buffered():
    assert Recorder().validate({}) == [
        ValidationMessage(ERROR, "added", "t", "c", 3, "ADDED"),
        ValidationMessage(ERROR, "kept", code="KEPT"),
    ]


def test_flushing_an_empty_buffer_reports_success_only_when_there_is_a_text_for_it():
    validator = Recorder()
    validator.flush_buffer()
    assert validator.messages == []
    validator.flush_buffer("fine")
    assert validator.messages == [ValidationMessage(ValidationSeverity.INFO, "fine")]


def test_flushing_a_full_buffer_reports_it_instead_of_success():
    validator = Recorder()
    validator.buffer_message(ERROR, "bad")
    validator.flush_buffer("fine")
    validator.flush_buffer()
    assert validator.messages == [ValidationMessage(ERROR, "bad")]


def test_a_reset_forgets_messages_without_touching_those_handed_out():
    validator = Recorder()
    validator.buffer_message(ERROR, "bad")
    handed_out = validator.messages
    validator.buffer_message(ERROR, "worse")
    validator.reset()
    assert validator.messages == []
    assert len(handed_out) == 1


def test_rows_are_reported_one_by_one_as_python_integers():
    messages = report(100, [0, 2], pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]}))
    assert messages == [
        ValidationMessage(ERROR, "Bad: a=1, b='x'", "t", "a,b", 0, "BAD"),
        ValidationMessage(ERROR, "Bad: a=3, b=None", "t", "a,b", 2, "BAD"),
    ]
    assert all(type(message.row) is int for message in messages)


def test_rows_beyond_the_limit_are_summed_up_in_one_message():
    messages = report(2, range(12_345), pl.DataFrame({"a": range(12_345)}))
    assert [message.row for message in messages] == [0, 1, None]
    assert messages[2] == ValidationMessage(
        ERROR, "Bad: 12,345 rows in all; the first 2 are reported.", "t", "a", None, "BAD"
    )


def test_a_summary_counts_the_rows_that_it_stands_for():
    messages = report(2, range(12_345), pl.DataFrame({"a": range(12_345)}))
    assert [message.count for message in messages] == [1, 1, 12_343]
    [message] = report(0, range(7), pl.DataFrame({"a": range(7)}))
    assert message.count == 7


@pytest.mark.parametrize(("limit", "count"), [(0, 1), (4, 5), (5, 5), (6, 5), (None, 5)])
def test_a_summary_follows_only_where_rows_were_left_out(limit, count):
    assert len(report(limit, range(5), pl.DataFrame({"a": range(5)}))) == count


def test_a_hundred_rows_are_reported_unless_told_otherwise():
    check = MissingValueValidator("t", ["a"])
    data = {"t": pl.DataFrame({"a": pl.Series([None] * 150, dtype=pl.Int64)})}
    assert len(check.validate(data)) == 101
    check.message_limit = None
    assert len(check.validate(data)) == 150
    assert Validator.message_limit == 100


def test_a_negative_limit_is_a_value_error():
    with pytest.raises(ValueError, match="-1"):
        report(-1, [0], pl.DataFrame({"a": [1]}))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("AA", "'AA'"),
        (5, "5"),
        (1.5, "1.5"),
        (float("nan"), "nan"),
        (True, "True"),
        (None, "None"),
        (b"\x00", "b'\\x00'"),
        (dt.date(2013, 1, 31), "2013-01-31"),
        (dt.datetime(2013, 1, 31, 5, 17), "2013-01-31 05:17:00"),
        (dt.timedelta(hours=1), "1:00:00"),
        (dt.time(5, 17), "05:17:00"),
        (Decimal("1.50"), "1.50"),
        ([1, 2], "[1, 2]"),
        ({"k": 1}, "{'k': 1}"),
    ],
)
def test_values_are_shown_as_python_writes_them(value, text):
    [message] = report(1, [0], pl.DataFrame({"a": [value]}))
    assert message.message == f"Bad: a={text}"


def test_long_texts_are_cut_and_line_breaks_escaped():
    [message] = report(1, [0], pl.DataFrame({"a": ["x" * 10_000]}))
    assert len(message.message) < 120
    [message] = report(1, [0], pl.DataFrame({"a\nb": ["x\ny"]}))
    assert "\n" not in message.message


def test_python_objects_can_be_shown():
    frame = pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)})
    [message] = report(1, [0], frame)
    assert message.message.startswith("Bad: a=<object object")


def test_the_default_validator_says_that_nothing_was_checked():
    [message] = DefaultValidator().validate({"t": pl.DataFrame()})
    assert message.severity == ValidationSeverity.INFO


def test_a_check_starts_fresh_on_every_call():
    check = MissingValueValidator("t", ["a"])
    data = {"t": pl.DataFrame({"a": [None]})}
    assert len(check.validate(data)) == len(check.validate(data)) == 1


def test_a_severity_may_be_its_name_and_nothing_else():
    check = DefaultValidator()
    check.add_message("ERROR", "text")
    assert check.messages[0].severity is ValidationSeverity.ERROR
    with pytest.raises(ValueError, match="'error' is not a valid ValidationSeverity"):
        check.add_message("error", "text")
