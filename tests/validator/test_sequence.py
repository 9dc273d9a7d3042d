from __future__ import annotations

import logging

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from algomancy_data.errors import FrameError
from algomancy_data.validator import (
    MissingValueValidator,
    UniqueValueValidator,
    ValidationError,
    ValidationMessage,
    ValidationResult,
    ValidationSequence,
    ValidationSeverity,
    Validator,
)

INFO, WARNING, ERROR, CRITICAL = ValidationSeverity
DATA = {"t": pl.DataFrame({"a": [1, None, None]})}


class Says(Validator):
    def __init__(self, *severities):
        super().__init__()
        self.severities = severities

    def validate(self, _data):
        for severity in self.severities:
            self.add_message(severity, severity.lower(), code=f"{severity}_CODE")
        return self.messages


class ListLogger:
    def __init__(self):
        self.lines = []

    def log(self, message):
        self.lines.append(("log", message))

    def success(self, message):
        self.lines.append(("success", message))

    def warning(self, message):
        self.lines.append(("warning", message))

    def error(self, message):
        self.lines.append(("error", message))

    def log_traceback(self, e):
        self.lines.append(("traceback", e))


def test_before_a_run_nothing_is_valid_or_complete():
    sequence = ValidationSequence([Says()])
    assert not sequence.is_valid
    assert not sequence.completed
    assert sequence.messages == []


def test_a_run_without_messages_is_valid():
    sequence = ValidationSequence()
    result = sequence.run_validation({})
    assert result
    assert sequence.is_valid
    assert sequence.completed
    assert result == ValidationResult(is_valid=True)


@pytest.mark.parametrize("halt_on", list(ValidationSeverity))
@pytest.mark.parametrize("severity", list(ValidationSeverity))
def test_a_message_as_bad_as_the_threshold_makes_the_data_invalid(halt_on, severity):
    sequence = ValidationSequence([Says(severity)], halt_on=halt_on)
    result = sequence.run_validation({})
    assert bool(result) is sequence.is_valid is (severity.rank < halt_on.rank)
    assert result.halt_on == halt_on


def test_only_critical_findings_halt_unless_told_otherwise():
    sequence = ValidationSequence([Says(ERROR)])
    assert sequence.run_validation({})
    sequence.halt_on = ERROR
    assert not sequence.run_validation({})


def test_an_unknown_threshold_is_a_value_error():
    with pytest.raises(ValueError, match="FATAL"):
        ValidationSequence(halt_on="FATAL")


def test_messages_come_in_the_order_of_the_validators_and_do_not_accumulate():
    sequence = ValidationSequence([Says(ERROR)])
    sequence.add_validator(Says(INFO))
    sequence.add_validators([Says(WARNING), Says()])
    for _ in range(3):
        result = sequence.run_validation({})
        assert [message.severity for message in result] == [ERROR, INFO, WARNING]
        assert sequence.messages == result.messages
    assert len(sequence._validators) == 4


def test_the_list_of_validators_handed_in_is_not_shared():
    validators = [Says()]
    ValidationSequence(validators).add_validator(Says())
    assert len(validators) == 1


def test_results_of_earlier_runs_stay_as_they_were():
    sequence = ValidationSequence([Says(ERROR)])
    first = sequence.run_validation({})
    sequence._validators[0].severities = ()
    sequence.run_validation({})
    assert len(first) == 1


@pytest.mark.parametrize(("limit", "count"), [(1, 2), (None, 2), (0, 1)])
def test_the_message_limit_is_set_on_every_validator(limit, count):
    check = MissingValueValidator("t", ["a"])
    assert len(ValidationSequence([check], message_limit=limit).run_validation(DATA)) == count
    assert check.message_limit == limit


def test_without_a_limit_of_the_sequence_validators_keep_their_own():
    check = MissingValueValidator("t", ["a"])
    check.message_limit = 1
    sequence = ValidationSequence([check])
    assert [m.row for m in sequence.run_validation(DATA)] == [1, None]
    sequence.message_limit = 5
    assert [m.row for m in sequence.run_validation(DATA)] == [1, 2]


def test_a_negative_message_limit_is_a_value_error():
    with pytest.raises(ValueError, match="message_limit"):
        ValidationSequence(message_limit=-1)


def test_a_validator_that_skips_the_base_constructor_works():
    class Forgetful(Validator):
        def __init__(self):
            pass

        def validate(self, _data):
            self.buffer_message(ERROR, "buffered")
            self.flush_buffer()
            return self.messages

    assert len(ValidationSequence([Forgetful()]).run_validation({})) == 1


def test_anything_with_validate_is_a_validator():
    class Duck:
        def validate(self, data):
            return [ValidationMessage(ERROR, ",".join(data))]

    result = ValidationSequence([Duck()], message_limit=1).run_validation(DATA)
    assert [message.message for message in result] == ["t"]


def test_validators_get_polars_frames_whatever_comes_in():
    class Types(Validator):
        def validate(self, data):
            assert all(isinstance(frame, pl.DataFrame) for frame in data.values())
            return self.messages

    data = {
        "pandas": pd.DataFrame({"a": [1]}),
        "arrow": pa.table({"a": [1]}),
        "lazy": pl.LazyFrame({"a": [1]}),
    }
    assert ValidationSequence([Types()]).run_validation(data)
    assert UniqueValueValidator("pandas", ["a"]).validate(data) == []
    with pytest.raises(FrameError, match="'odd'"):
        ValidationSequence().run_validation({"odd": 5})


def test_a_validator_cannot_take_tables_away_from_the_others():
    class Thief(Validator):
        def validate(self, data):
            data.clear()
            return self.messages

    sequence = ValidationSequence([Thief(), MissingValueValidator("t", ["a"])])
    assert len(sequence.run_validation(DATA)) == 2
    assert list(DATA) == ["t"]


def test_an_error_in_a_validator_comes_out_and_leaves_the_run_incomplete():
    class Broken(Validator):
        def validate(self, data):
            raise ValidationError("no", context=data)

    sequence = ValidationSequence([Says()])
    sequence.run_validation({})
    sequence.add_validator(Broken())
    with pytest.raises(ValidationError, match="no"):
        sequence.run_validation({})
    assert not sequence.completed
    assert not sequence.is_valid


def test_findings_are_logged_by_severity():
    logger = ListLogger()
    ValidationSequence([Says(INFO, WARNING, ERROR, CRITICAL)], logger).run_validation({})
    assert logger.lines == [
        ("log", "INFO: info [code=INFO_CODE]"),
        ("warning", "WARNING: warning [code=WARNING_CODE]"),
        ("error", "ERROR: error [code=ERROR_CODE]"),
        ("error", "[CRITICAL] critical [code=CRITICAL_CODE]"),
        (
            "error",
            "Validation failed (halts on CRITICAL): 1 INFO, 1 WARNING, 1 ERROR, 1 CRITICAL.",
        ),
    ]


def test_of_many_messages_of_a_kind_three_are_logged_and_the_rest_counted():
    logger = ListLogger()
    data = {"t": pl.DataFrame({"a": pl.Series([None] * 2000, dtype=pl.Int64)})}
    check = MissingValueValidator("t", ["a"])
    ValidationSequence([check], logger, message_limit=None).run_validation(data)
    assert [kind for kind, _ in logger.lines] == ["error", "error", "error", "error", "success"]
    assert logger.lines[3][1] == "ERROR: 1,997 more messages NULL_VALUE in table 't'"
    assert logger.lines[4][1] == "Validation passed: 2,000 ERROR."


def test_a_standard_logger_will_do(caplog):
    with caplog.at_level(logging.INFO, "mine"):
        ValidationSequence([Says(WARNING)], logging.getLogger("mine")).run_validation({})
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
