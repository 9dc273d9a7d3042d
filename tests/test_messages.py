import pytest

from algomancy_data import ValidationMessage, ValidationSeverity


def test_severities_are_ordered_by_rank():
    ranks = [severity.rank for severity in ValidationSeverity]
    assert ranks == [0, 1, 2, 3]
    assert ValidationSeverity.CRITICAL == "CRITICAL"


def test_a_message_stays_on_one_line():
    message = ValidationMessage(ValidationSeverity.INFO, "a\nb\tc\r")
    assert message.message == "a\\nb\\tc\\r"


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ({}, "ERROR: m"),
        ({"row": 0}, "ERROR: m [row=0]"),
        (
            {"table": "t", "column": "c", "row": 1, "code": "C"},
            "ERROR: m [table=t, column=c, row=1, code=C]",
        ),
    ],
)
def test_the_text_of_a_message_says_where_only_if_it_knows(where, text):
    assert str(ValidationMessage(ValidationSeverity.ERROR, "m", **where)) == text


def test_messages_are_equal_when_all_six_fields_are():
    first = ValidationMessage(ValidationSeverity.ERROR, "m", "t", "c", 1, "C")
    assert first == ValidationMessage(ValidationSeverity.ERROR, "m", "t", "c", 1, "C")
    assert first != ValidationMessage(ValidationSeverity.ERROR, "m", "t", "c", 2, "C")
    with pytest.raises(TypeError, match="unhashable"):
        hash(first)


def test_a_message_as_a_dict_has_the_severity_as_text():
    message = ValidationMessage(ValidationSeverity.ERROR, "m", row=3)
    assert message.to_dict() == {
        "severity": "ERROR",
        "message": "m",
        "table": None,
        "column": None,
        "row": 3,
        "code": None,
    }
