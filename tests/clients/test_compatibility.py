"""The compatibility page lists every public name of the pandas package, and says what is true."""

from __future__ import annotations

import importlib
import inspect
import re
from enum import Enum
from pathlib import Path

import pytest

import algomancy_data

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
ROW = re.compile(r"^\| `([^`]+)` \| (\w+) \|(.*)\|$", re.MULTILINE)
STATES = {"same", "better", "different", "gone"}

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def theirs(reference):
    """The names of the pandas package, with their parameters."""
    return reference.run(("names", {}))["names"][""]


@pytest.fixture(scope="module")
def listed():
    """What the page says of each name, as ``module.name``."""
    found = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        module = section.partition("\n")[0]
        for name, state, _ in ROW.findall(section):
            assert found.setdefault(f"{module}.{name}", state) is state, name
    return found


@pytest.fixture(scope="module")
def instances(ours, reference, tmp_path_factory):
    """The attributes of instances here and there: what they hold, and whether they can be set."""
    folder = tmp_path_factory.mktemp("instances")
    sides = [side.start(("instances", {"folder": str(folder)})) for side in (ours, reference)]
    return [results()["instances"][""] for results in sides]


def names(theirs):
    """Split into names of modules and members of classes: a class has a name in upper case."""
    members = {name for name in theirs if name.rpartition(".")[0] in theirs}
    return theirs.keys() - members - {"__all__"}, members


def ours(path):
    module, _, name = path.rpartition(".")
    try:
        found = importlib.import_module(f"algomancy_data.{module}")
    except ModuleNotFoundError:
        return inspect.getattr_static(ours(module), name)
    return inspect.getattr_static(found, name)


def parameters(value):
    value = getattr(value, "__func__", value)
    if isinstance(value, property) or not callable(value):
        return None
    if isinstance(value, type) and issubclass(value, Enum | BaseException):
        return None
    return inspect.signature(value).parameters


def test_every_public_name_is_listed_and_no_other(theirs, listed):
    assert listed.keys() == names(theirs)[0]
    assert set(listed.values()) <= STATES


def test_the_top_level_has_all_names(theirs):
    assert set(theirs["__all__"]) <= set(algomancy_data.__all__)


def test_what_is_gone_is_gone_and_what_is_not_is_there(theirs, listed):
    for path in theirs.keys() - {"__all__"}:
        state = listed.get(path) or listed[path.rpartition(".")[0]]
        if state == "gone":
            with pytest.raises(AttributeError):
                ours(path)
        else:
            ours(path)


def test_parameters_are_the_same_or_more_where_the_page_says_so(theirs, listed):
    wrong = []
    for path, wanted in theirs.items():
        state = listed.get(path) or listed.get(path.rpartition(".")[0])
        if wanted is None or state not in {"same", "better"}:
            continue
        found = parameters(ours(path))
        more = list(found.values())[len(wanted) :]
        is_right = list(found)[: len(wanted)] == wanted and all(
            each.default is not each.empty or each.kind is each.VAR_KEYWORD for each in more
        )
        if not is_right or (more and state == "same"):
            wrong.append((path, wanted, list(found)))
    assert wrong == []


def test_instances_have_the_same_attributes_where_the_page_says_nothing_else(instances):
    ours, theirs = instances
    named = {name: why for name, _, why in ROW.findall(PAGE.read_text(encoding="utf-8"))}
    differing = {
        attribute: (found, ours.get(attribute))
        for attribute, found in theirs.items()
        if found != ours.get(attribute)
        and f"`{attribute.partition('.')[2]}`" not in named.get(attribute.partition("(")[0], "")
    }
    assert len(theirs) > 200
    assert differing == {}


def test_instances_of_all_classes_are_compared(theirs, instances):
    compared = {attribute.partition("(")[0] for attribute in instances[1]}
    classes = {path.rpartition(".")[0] for path in theirs} & theirs.keys()
    abstract = {"BaseDataSource", "DataManager", "Extractor", "SingleExtractor", "MultiExtractor"}
    factories = {"ETLFactory", "SimpleETLFactory"}  # of which nobody makes instances
    others = {"SqlTableLayout", "DataClassification", "DataType", "FileExtension", "SchemaType"}
    others |= {"ValidationSeverity"}
    without = {"DataTypeConverter", "TransformationSequence"}  # methods, and nothing else
    names = {path.rpartition(".")[2] for path in classes}
    assert names - compared - abstract - factories - others == without
