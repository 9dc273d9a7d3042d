"""Names, parameters and defaults of the pandas package: what is written against it runs on ours.

``signatures.toml`` lists them per module. Parameters stand where they stood; ours may add more
behind them, which then have defaults, and give one to what had none. What differs on purpose is in
``DECIDED``, with the reason.
"""

import importlib
import inspect
import shlex
import tomllib
from functools import cached_property
from pathlib import Path

import pytest

import algomancy_data

TABLE = tomllib.loads(Path(__file__).with_name("signatures.toml").read_text(encoding="utf-8"))
IMPORTS = TABLE.pop("imports")

DECIDED = {
    "extractor.CSVSingleExtractor": (
        "file schema logger=None separator=None",
        "None asks the schema's dialect, whose separator is ';' unless declared otherwise",
    ),
    "extractor.XLSXSingleExtractor": (
        "file schema sheet_name=None logger=None",
        "the default factory can make it: the schema's _SHEET says which sheet, else the first",
    ),
    "etl.ETLPipeline": (
        (
            "destination_name extraction_sequence validation_sequence transformation_sequence "
            "loader logger=None"
        ),
        "as everywhere else, no logger means that of the standard library",
    ),
    "loader.Loader": ("logger=None", "as everywhere else"),
}

ENTRIES = {
    f"{module}.{name}": declared
    for module, names in TABLE.items()
    for name, declared in names.items()
}


def find(path):
    """Return the object at ``module.Class.member``, members as they are declared."""
    module, _, name = path.rpartition(".")
    while module not in TABLE:
        module, _, outer = module.rpartition(".")
        name = f"{outer}.{name}"
    found = importlib.import_module(f"algomancy_data.{module}")
    for part in name.split("."):
        found = inspect.getattr_static(found, part)
    return found


def shown(parameter):
    if parameter.default is inspect.Parameter.empty:
        return parameter.name
    return f"{parameter.name}={parameter.default}"


def positional(callable_):
    """Return the parameters that can be given by position, without ``self`` or ``cls``."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(callable_).parameters.values()
    return [shown(each) for each in parameters if each.kind in kinds]


def test_differences_are_about_names_that_exist():
    assert DECIDED.keys() <= ENTRIES.keys()
    assert [path for path, (ours, _) in DECIDED.items() if ours == ENTRIES[path]] == []


@pytest.mark.parametrize("path", ENTRIES)
def test_what_the_pandas_package_lets_callers_write_works(path):
    kind, *rest = shlex.split(ENTRIES[path]) or [""]
    found = find(path)
    if kind == "property":
        assert isinstance(found, property | cached_property)
        return
    if kind == "inherited":
        assert isinstance(found, type)
        return
    if kind in {"static", "class"}:
        assert isinstance(found, {"static": staticmethod, "class": classmethod}[kind])
        wanted, actual = rest, positional(found.__func__)[kind == "class" :]
    else:
        wanted = shlex.split(DECIDED[path][0] if path in DECIDED else ENTRIES[path])
        is_method = not isinstance(found, type) and path.split(".")[-2][0].isupper()
        actual = positional(found)[is_method:]
    pairs = zip(actual, wanted, strict=False)
    assert [their if our.startswith(f"{their}=") else our for our, their in pairs] == wanted
    assert [parameter for parameter in actual[len(wanted) :] if "=" not in parameter] == []
    assert_extra_keywords_are_optional(found)


def assert_extra_keywords_are_optional(found):
    callable_ = getattr(found, "__func__", found)
    for parameter in inspect.signature(callable_).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            assert parameter.default is not inspect.Parameter.empty


@pytest.mark.parametrize("module", IMPORTS)
def test_a_module_has_the_names_that_clients_import_from_it(module):
    imported = importlib.import_module(module)
    assert [name for name in IMPORTS[module].split() if not hasattr(imported, name)] == []


def test_the_top_level_names_are_public():
    assert set(IMPORTS["algomancy_data"].split()) <= set(algomancy_data.__all__)
