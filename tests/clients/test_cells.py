"""The same cells give the same values as in the pandas package, but for what the guide lists."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.long

# The numbers and words are those of docs/migration.md.
DEVIATIONS = {
    "1": (
        "csv STRING 007 010",
        "csv STRING 1.10 1.2",
        "csv STRING 1 - 2",
        "csv STRING NA null",
        "csv STRING None n/a",
        "csv STRING nan x",
        "csv STRING true false",
        "csv STRING 1e5 1",
        "xlsx STRING text of digits",
    ),
    "2": ("csv FLOAT 1.234,56 7,5",),
    "3": (
        "csv INTEGER 1.5 2",
        "csv INTEGER 1,5 2,5",
        "csv INTEGER 1,234 5,678",
        "json INTEGER fractions as whole numbers",
        "xlsx INTEGER fractions as whole numbers",
    ),
    "4": ("xlsx DATETIME times",),
    "5": ("xlsx FLOAT many digits",),
    "7": ("csv DATETIME 20240131 20240229", "json DATETIME numbers as times"),
    "11": (
        "csv BOOLEAN on off",
        "csv BOOLEAN ja nee",
        "csv BOOLEAN 2 0",
        "csv BOOLEAN true maybe",
    ),
    "15": ("csv INTEGER 9223372036854775808 1", "json INTEGER larger"),
    "ambiguous values": ("csv FLOAT 1,234 5,678", "csv DATETIME 01/02/2024 03/04/2024"),
    "dates": (
        "csv DATETIME 1600-01-01 2024-01-01",
        "csv DATETIME 2300-01-01 2024-01-01",
    ),
    "mixed times": (
        "csv DATETIME 2024-01-31 2024-02-29T10:30:00",
        "csv DATETIME 2024-01-31T10:30:00+02:00 2024-02-29T10:30:00+01:00",
    ),
    "times of day": ("csv DATETIME 12:30 13:45",),
    "digits of floats": (
        "csv FLOAT 0.1 0.30000000000000004",
        "csv FLOAT 1e400 1",
    ),
    "words in number columns": ("csv INTEGER true false",),
    "mixed JSON columns": ("json FLOAT number and comma",),
    "JSON values in text columns": (
        "json STRING numbers as text with null",
        "json STRING booleans as text",
        "json STRING lists as text",
    ),
}


def test_cells_become_the_values_that_the_pandas_package_gives(ours, reference):
    waiting = [side.start(("cells", {})) for side in (ours, reference)]
    here, there = (results()["cells"][""] for results in waiting)
    assert here.keys() == there.keys()
    differing = {case for case in here if here[case] != there[case]}
    assert differing == {case for cases in DEVIATIONS.values() for case in cases}


def test_the_guide_knows_each_deviation(pytestconfig):
    guide = (pytestconfig.rootpath / "docs" / "migration.md").read_text(encoding="utf-8")
    assert [why for why in DEVIATIONS if f"\n| {why} |" not in guide] == []
