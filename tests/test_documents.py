"""What a store kept as JSON is of the documented shape, or one clear error."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.documents import parse
from algomancy_data.errors import SerializationError
from algomancy_data.frames.dtypes import dtype_from_json, schema_from_json
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.metrics import Metrics, PhaseMetrics
from algomancy_data.provenance import (
    InputFile,
    Provenance,
    TableSize,
    messages_from_list,
    messages_to_list,
)

PROVENANCE = Provenance(
    files=(InputFile("t", "csv", "/t.csv", 12, "ab"),),
    schemas={"t": "fingerprint"},
    phases=(PhaseMetrics("extract", 0.5, 3, peak_memory=7),),
    tables={"t": TableSize(3, 24)},
    derived_from="first",
    extracted={"t": ("a",), "u": None},
)
MESSAGES = [ValidationMessage(ValidationSeverity.ERROR, "m", "t", "c", 3, "CODE", key="k", count=2)]
READERS = {
    "provenance": (Provenance.from_dict, PROVENANCE.to_dict()),
    "messages": (messages_from_list, messages_to_list(MESSAGES)),
    "metrics": (Metrics.from_dict, Metrics(PROVENANCE.phases).to_dict()),
    "dtype": (dtype_from_json, {"Struct": [["a", {"List": {"Decimal": [10, 2]}}]]}),
    "schema": (schema_from_json, [["a", "Int64"], ["b", {"Array": ["String", 2]}]]),
}
OTHER_VALUES = [None, True, -1, 5, 1.5, 2**70, "x", "", [], {}, [[]], [None], {"x": 1}, [["a"]]]


@pytest.mark.parametrize("name", READERS)
def test_a_document_is_what_is_read_of_it_again(name):
    read, document = READERS[name]
    again = json.loads(json.dumps(document))
    assert again == document
    assert read(again) == read(document)


def places(value, path=()):
    """Yield the way to each value inside a document."""
    yield path
    inner = dict(enumerate(value)) if isinstance(value, list) else value
    for key, item in inner.items() if isinstance(inner, dict) else ():
        yield from places(item, (*path, key))


def with_value(document, path, value):
    copy = json.loads(json.dumps(document))
    if not path:
        return value
    target = copy
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return copy


@pytest.mark.parametrize("name", READERS)
def test_any_other_value_in_any_place_is_read_or_refused_in_our_words(name):
    read, document = READERS[name]
    document = json.loads(json.dumps(document))
    read(document)
    for path in places(document):
        for value in OTHER_VALUES:
            with suppress(SerializationError):
                read(with_value(document, path, value))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ((), None, "'provenance' is None instead of an object"),
        (("files",), {}, "'files' is {} instead of a list"),
        (("files", 0, "size"), -1, "'size' of 'file' is -1 instead of a whole number"),
        (("tables", "t", "rows"), True, "'rows' of 'table' is True instead of a whole number"),
        (("tables", "t"), {"rows": 1}, "'table' has no 'bytes'"),
        (("phases", 0, "seconds"), "1", "'seconds' of 'phase' is '1' instead of a number"),
        (("made_at",), "now", "'made_at' is 'now' instead of a time"),
        (("extracted", "t"), [1], "'extracted' is 1 instead of a text"),
    ],
)
def test_the_error_says_where_and_what(path, value, said):
    with pytest.raises(SerializationError) as caught:
        Provenance.from_dict(with_value(PROVENANCE.to_dict(), path, value))
    assert said in str(caught.value)


def test_what_a_later_version_added_is_left_out():
    later = PROVENANCE.to_dict() | {"weather": "rain"}
    later["files"] = [{**later["files"][0], "colour": "blue"}]
    assert Provenance.from_dict(json.loads(json.dumps(later))) == PROVENANCE


@pytest.mark.parametrize(
    "text", ["", "[", "[" * 100_000, '{"a":' * 100_000, "NaN", "9" * 5000, "\0", None, b"{}", 5]
)
def test_what_is_no_json_is_refused_however_deep(text):
    with pytest.raises(SerializationError):
        parse(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON, st.sampled_from([*READERS]))
def test_no_document_raises_anything_else(document, name):
    with suppress(SerializationError):
        READERS[name][0](document)
