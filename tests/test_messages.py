from __future__ import annotations

import operator
from itertools import product

import pytest

from algomancy_data import ValidationMessage, ValidationSeverity


def test_severities_are_ordered_by_rank():
    ranks = [severity.rank for severity in ValidationSeverity]
    assert ranks == [0, 1, 2, 3]
    assert ValidationSeverity.CRITICAL == "CRITICAL"


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
@pytest.mark.parametrize(("first", "second"), list(product(ValidationSeverity, repeat=2)))
def test_severities_compare_by_how_bad_they_are_and_not_by_their_letters(compare, first, second):
    assert compare(first, second) is compare(first.rank, second.rank)
    assert compare(first, str(second)) is compare(first.rank, second.rank)


def test_a_severity_compares_with_other_texts_as_a_text():
    assert ValidationSeverity.ERROR < "FATAL"
    with pytest.raises(TypeError, match="not supported"):
        ValidationSeverity.ERROR < 3  # noqa: B015  it is what raises


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
        (
            {"table": "t", "code": "C", "key": "t.c->p.q"},
            "ERROR: m [table=t, code=C, key=t.c->p.q]",
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


def test_the_key_and_the_count_do_not_make_messages_differ():
    plain = ValidationMessage(ValidationSeverity.ERROR, "m", "t", "c", 1, "C")
    assert plain == ValidationMessage(
        ValidationSeverity.ERROR, "m", "t", "c", 1, "C", key="t.c->p.q", count=7
    )
    assert (plain.key, plain.count) == (None, 1)


def test_a_message_as_a_dict_has_a_key_and_a_count_where_they_say_more():
    message = ValidationMessage(ValidationSeverity.ERROR, "m", key="t.c->p.q", count=7)
    six = ValidationMessage(ValidationSeverity.ERROR, "m").to_dict()
    assert message.to_dict() == six | {"key": "t.c->p.q", "count": 7}


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


def test_a_severity_may_be_given_as_text():
    message = ValidationMessage("ERROR", "x")
    assert message.severity is ValidationSeverity.ERROR
    assert message == ValidationMessage(ValidationSeverity.ERROR, "x")
    with pytest.raises(ValueError, match="EROR"):
        ValidationMessage("EROR", "x")
