"""Numbers of JSON documents: exact, as written, or reported."""

from __future__ import annotations

import pytest

from algomancy_data import (
    DataType,
)

STRING, INTEGER, FLOAT = DataType.STRING, DataType.INTEGER, DataType.FLOAT


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("[9007199254740993, -9223372036854775808]", [9007199254740993, -9223372036854775808]),
        ("[1, 2.5, null]", [1.0, 2.5, None]),
        ("[9007199254740993, 1.5]", ["9007199254740993", "1.5"]),
        ("[9007199254740992, 1.5]", [9007199254740992.0, 1.5]),
        ("[9223372036854775808, 1]", ["9223372036854775808", "1"]),
        (f"[{10**41 + 1}]", [str(10**41 + 1)]),
        ("[9007199254740993.0, 1.5]", ["9007199254740993.0", "1.5"]),
        ("[9007199254740992.0, 1.5]", [9007199254740992.0, 1.5]),
        ("[1e400, 1]", ["1e400", "1"]),
        ("[1e300, 1]", [1e300, 1.0]),
        ("[NaN, Infinity, -Infinity, 1]", [float("nan"), float("inf"), -float("inf"), 1.0]),
        ('[1, "x", 1.50, true, null]', ["1", "x", "1.50", "true", None]),
        ('["x", 1]', ["x", "1"]),
        ("[true, 1]", ["true", "1"]),
        ("[true, null]", [True, None]),
    ],
)  # fmt: skip
def test_numbers_are_exact_or_kept_as_written(extract, values, expected) -> None:
    lines = "\n".join(f'{{"v": {value}}}' for value in values.strip("[]").split(", "))
    assert repr(extract(lines)["v"].to_list()) == repr(expected)
    for content in (f'[{{"v": {values}}}]', f'{{"v": {values}}}\n{{"v": []}}'):
        assert repr(extract(content)["v"].to_list()[0]) == repr(expected)


@pytest.mark.parametrize("number", ["1.10", "1e5", "-0.0", "12345678901234567890", "7"])
def test_numbers_in_a_text_column_are_as_written(extract, number) -> None:
    assert extract(f'[{{"id": {number}}}]', {"id": STRING})["id"].to_list() == [number]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ("9007199254740993.0, 1", [9007199254740993, 1]),
        ("9.007199254740993e15, 1.0", [9007199254740993, 1]),
        ("1.2345678901234567e18, 1e2", [1234567890123456700, 100]),
        ("-9223372036854775808.0, null", [-(2**63), None]),
    ],
)
def test_whole_numbers_are_exact_however_they_are_written(extract, numbers, expected) -> None:
    lines = "".join(f'{{"id": {number}}}\n' for number in numbers.split(", "))
    assert extract(lines, {"id": INTEGER})["id"].to_list() == expected


def test_numbers_beyond_their_declared_type_are_reported(extractor) -> None:
    instance = extractor('[{"id": 9223372036854775808}, {"id": 1}]')
    assert instance.extract()["t"]["id"].to_list() == ["9223372036854775808", "1"]
    assert [(issue.column, issue.rows) for issue in instance.conversion_issues] == [("id", (0,))]


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        ("9007199254740993, 1.5, 9007199254740992, null, 9007199254740995", (0, 4)),
        ("1.5, 9223372036854775808, 9223372036854775809", (2,)),
        (f"0.5, {10**50 + 1}", (1,)),
        ("1.5, 9007199254740994", ()),
        ('1.5, "x"', None),
    ],
)
def test_integers_that_no_float_equals_are_reported(extractor, values, rows) -> None:
    lines = "\n".join(f'{{"id": {value}}}' for value in values.split(", "))
    instance = extractor(lines, {"id": FLOAT})
    instance.extract()
    refused = [issue for issue in instance.conversion_issues if "whole number" in issue.reason]
    assert [issue.rows for issue in refused] == ([rows] if rows else [])
    assert all(issue.severity == "ERROR" for issue in refused)
