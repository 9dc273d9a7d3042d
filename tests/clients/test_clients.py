"""The framework's own packages run unchanged, and what they get is what the pandas package gives.

The same conversation is had twice, in two processes: on this package, and on the pandas package
0.10.0 with the pandas that it was made for. What differs is in ``DEVIATIONS``, each with the
number it has in docs/migration.md or a few words on why; everything else has to be equal.
"""

from __future__ import annotations

import json
import re

import pytest

pytestmark = pytest.mark.long

DATABASES = ("sqlite", "sqlite+adbc", "postgresql", "postgresql+adbc")
STORES = ("stateless", "folder", *DATABASES)
PANDAS_DTYPES = {
    "datetime64[us]": "datetime64[ns]",  # dates are microseconds here
    "object": "string",  # what the pandas package calls text depends on where it came from
    "Int64": "int64",  # as do numbers: other ones before and after a restart
    "Float64": "float64",
}
ALL = "Mixed Case – 1 added all derived first"
OLD = "added all derived first"
SAVED = "Mixed Case – 1 all derived first"
DISK = "the folder has everything at once"
FORMAT = "14: a failed result, its reason in the log"
TEXT_DATE = "30: a creation time that came from JSON is no text"

# part, step, stores, what the pandas package gives, what this one gives, why
DEVIATIONS = [
    ("web", "parameters", STORES, "200", "200", "29: the loader makes the manager's class"),
    ("web", "add a list", STORES, "500", "400", "whatever is no dataset is a ValueError"),
    ("web", "add a number", STORES, "500", "400", "whatever is no dataset is a ValueError"),
    (
        "web",
        "upload an unknown file",
        STORES,
        "500",
        "400",
        "a file without schema is a ValueError",
    ),
    *(
        ("web", f"upload {what}", STORES, status, f"200 {OLD}", FORMAT)
        for what, status in {
            "broken json": "400",
            "no json": "400",
            "a scalar in json": "400",
            "broken workbook": "500",
            "no workbook": "400",
            "an empty csv": "400",
            "a ragged csv": "400",
            "an open quote": "400",
            "no text": "400",
            "a missing sheet": "400",
        }.items()
    ),
    ("web", "add", DATABASES, "500", "201 added all first", TEXT_DATE),
    ("web", "add what was got", DATABASES, "500", "201 added all back first", TEXT_DATE),
    ("web", "after a restart: added", DATABASES, "404", "200", TEXT_DATE),
    ("web", "after a restart: data", DATABASES, "200 all derived first", f"200 {OLD}", TEXT_DATE),
    ("web", "copied data", DATABASES, f"200 {SAVED}", f"200 {ALL}", TEXT_DATE),
    ("web", "upload under an odd name", DATABASES, f"200 {SAVED}", f"200 {ALL}", TEXT_DATE),
    ("web", "data of the other session", DATABASES, f"200 {SAVED}", f"200 {ALL}", TEXT_DATE),
    (
        "web",
        "copied data after a restart",
        DATABASES,
        "200",
        f"200 {ALL}",
        "20: set_data reaches the database",
    ),
    (
        "web",
        "upload values that do not convert",
        ("postgresql", "postgresql+adbc"),
        "500",
        "200 added all broken derived first",
        "each dataset has tables of its own",
    ),
    ("web", "after a restart: data", ("folder",), "200", f"200 {OLD}", DISK),
    *(
        ("web", f"after a restart: {key}", ("folder",), "404", "200", DISK)
        for key in ("first", "derived", "added", "all")
    ),
    ("web", "upload under an odd name", ("folder",), "200 Mixed Case – 1", f"200 {ALL}", DISK),
    ("web", "copied data", ("folder",), "200 Mixed Case – 1", f"200 {ALL}", DISK),
    ("web", "a copied dataset", ("folder",), "404", "200", DISK),
    ("web", "the original", ("folder",), "404", "200", DISK),
    ("web", "copied data after a restart", ("folder",), "200", f"200 {ALL}", DISK),
    ("web", "data of the other session", ("folder",), "200", f"200 {ALL}", DISK),
    (
        "facade",
        "bad json",
        STORES,
        "JSONDecodeError",
        "SerializationError",
        "one error for what is no dataset; both are ValueErrors",
    ),
    (
        "facade",
        "etl of awkward data",
        ("stateless",),
        (
            "CONVERSION_FAILED:made CONVERSION_FAILED:weight PK_DUPLICATE:id PK_DUPLICATE:id "
            "PK_NULL:id DTYPE_MISMATCH:active DTYPE_MISMATCH:id DTYPE_MISMATCH:made "
            "DTYPE_MISMATCH:weight"
        ),
        (
            "CONVERSION_FAILED:active CONVERSION_FAILED:made CONVERSION_FAILED:weight "
            "PK_DUPLICATE:id PK_DUPLICATE:id PK_NULL:id DTYPE_MISMATCH:active DTYPE_MISMATCH:made "
            "DTYPE_MISMATCH:weight"
        ),
        "11: booleans convert as a whole; whole numbers with gaps stay whole numbers",
    ),
    (
        "facade",
        "awkward data",
        ("stateless",),
        (
            '[[1.0, "bolt", "heavy", "2024-01-31", true], '
            '[1.0, null, "0.5", "2024-02-30", "maybe"], [null, "nut", "1", "2024-02-29", false]]'
        ),
        (
            '[[1, "bolt", "heavy", "2024-01-31", "true"], [1, null, "0.5", "2024-02-30", "maybe"], '
            '[null, "nut", "1", "2024-02-29", "false"]]'
        ),
        "11, as above",
    ),
    (
        "facade",
        "keys after a restart",
        ("folder",),
        "foreign import stored uploaded",
        "foreign handed in import stored uploaded workbook",
        DISK,
    ),
]
EXPECTED = {
    (part, store, step): (theirs, ours)
    for part, step, stores, theirs, ours, _ in DEVIATIONS
    for store in stores
}


def reading(value):
    """Return what a client reads, without the notations that the compatibility page lists."""
    if isinstance(value, list):
        return [reading(each) for each in value]
    if isinstance(value, str):  # a time has the digits of its unit
        return re.sub(r"(T\d\d:\d\d:\d\d)\.0+$", r"\1", value)
    if not isinstance(value, dict):
        return value
    read = {key: reading(each) for key, each in value.items() if key not in {"schema", "detail"}}
    if "dtypes" in read:
        read["dtypes"] = {k: PANDAS_DTYPES.get(v, v) for k, v in read["dtypes"].items()}
    if "messages" in read:  # 28: tables without a file are mentioned
        read["messages"] = [each for each in read["messages"] if each[1] != "TABLE_NOT_FOUND"]
    if "orders.line" in read:  # columns of a group stand as declared
        line = read["orders.line"]
        if "rows" in line:
            line["rows"] = [dict(zip(line["columns"], row, strict=True)) for row in line["rows"]]
        line["columns"] = sorted(line["columns"])
    return read


def agree(theirs, ours):
    if isinstance(theirs, dict) and "raises" in theirs:
        return isinstance(ours, dict) and set(theirs["is a"]) <= set(ours.get("is a", ()))
    return reading(theirs) == reading(ours)


def short(value):
    """Return the part of an outcome that tells deviations apart."""
    match value:
        case {"status": int(status), "body": {"keys": keys}}:
            return " ".join([str(status), *keys])
        case {"status": int(status)}:
            return str(status)
        case {"raises": error}:
            return error
        case {"messages": messages}:
            return " ".join(f"{code}:{column}" for _, code, _, column, _ in messages if column)
        case {"items": {"rows": rows}}:
            return json.dumps(rows)
        case list():
            return " ".join(value)
    return str(value)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("part", ["web", "facade"])
def test_clients_get_what_the_pandas_package_gives(recordings, part, store):
    ours = recordings["ours"][part][store]
    theirs = recordings["reference"][part][store.removesuffix("+adbc")]
    assert list(ours) == list(theirs)
    differing = {step for step in ours if not agree(theirs[step], ours[step])}
    found = {(part, store, step): (short(theirs[step]), short(ours[step])) for step in differing}
    expected = {key: outcome for key, outcome in EXPECTED.items() if key[:2] == (part, store)}
    assert found == expected


def test_messages_for_people_say_more_than_the_internals_of_a_library(recordings):
    steps = recordings["ours"]["web"]["stateless"]
    details = {
        step: outcome["body"]["detail"]
        for step, outcome in steps.items()
        if outcome and isinstance(outcome, dict) and "detail" in (outcome.get("body") or {})
    }
    assert "Internal server error" not in details.values()
    assert details["delete again"] == "Dataset 'back' not found"
    assert details["upload an unknown file"].startswith("No Schema available for strange.")


@pytest.mark.parametrize("store", DATABASES)
def test_a_session_that_is_deleted_leaves_no_table_of_its_data(recordings, store):
    steps = recordings["ours"]["web"][store]
    assert steps["delete a session"]["status"] == 200
    assert steps["data tables in the end"] == []
