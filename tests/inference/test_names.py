"""Python names for the names in files: valid, different, and no names of the module itself."""

from __future__ import annotations

import ast
import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data import Schema
from algomancy_data.inference.names import attribute_names, class_names

NASTY = [
    "id",
    "ID",
    "Id ",
    "",
    " ",
    "_",
    "__class__",
    "_CSV",
    "_FILENAME",
    "class",
    "None",
    "columns",
    "primary_key",
    "mro",
    "1st",
    "2024-12-31",
    "prix €",
    "Größe",
    "価格",
    "имя",
    'say "hi"',
    "it's",
    "back\\slash",
    "new\nline",
    "tab\t",
    '"""',
    "\u202eright to left",
    "a" * 150,
    "ID_2",
    "id_2",
    "# type: ignore",
    "{braces}",
    "%s",
]


@given(st.lists(st.one_of(st.text(max_size=12), st.sampled_from(NASTY)), max_size=12))
def test_attributes_are_distinct_upper_case_identifiers_that_hide_nothing(names):
    found = attribute_names(names, "COLUMN")
    assert len(set(found)) == len(names)
    for name in found:
        assert name.isidentifier()
        assert name.isascii()
        assert name == name.upper()
        assert not keyword.iskeyword(name)
        assert not hasattr(Schema, name)
        assert name[0] != "_"


@given(st.lists(st.one_of(st.text(max_size=12), st.sampled_from(NASTY)), max_size=12))
def test_classes_are_distinct_identifiers_that_hide_no_import(names):
    found = class_names(names)
    assert len(set(found)) == len(names)
    for name in found:
        assert name.isidentifier()
        assert name.isascii()
        assert not keyword.iskeyword(name)
        assert name not in {"Schema", "Column", "DataType", "SCHEMAS", "Schematype"}


def test_a_name_keeps_its_attribute_whatever_stands_behind_it():
    names = ["a", "A", "a-2", "A_2"]
    assert attribute_names(names, "COLUMN") == ["A", "A_3", "A_2", "A_2_2"]


@pytest.mark.parametrize("separator", [",", ";"])
def test_nasty_column_names_load_under_their_own_names(separator, write, load):
    names = [name for name in NASTY if name.strip()]
    header = separator.join('"' + name.replace('"', '""') + '"' for name in names)
    path = write("no names.csv", header + "\n" + separator.join("x" * len(names)) + "\n")
    loaded = load(path)
    assert loaded.tables["no names"].columns == names
    ast.parse(loaded.inferred.to_module())
