"""The registry of extractors."""

from __future__ import annotations

import subprocess
import sys
from enum import StrEnum

import pytest

from algomancy_data import registry
from algomancy_data.errors import ArgumentError
from algomancy_data.extractor import CSVSingleExtractor
from algomancy_data.registry import get_extractor_class, register_extractor, registered_keys
from algomancy_data.schema import FileExtension, SchemaType


class OwnExtension(StrEnum):
    TXT = "txt"


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch) -> None:
    monkeypatch.setattr(registry, "_extractors", dict(registry._extractors))


def test_csv_is_registered_by_default() -> None:
    assert get_extractor_class(FileExtension.CSV, SchemaType.SINGLE) is CSVSingleExtractor
    assert (FileExtension.CSV, SchemaType.SINGLE) in registered_keys()


def test_the_formats_of_the_pandas_package_are_registered_by_default() -> None:
    defaults = [
        (FileExtension.CSV, SchemaType.SINGLE, "CSVSingleExtractor"),
        (FileExtension.JSON, SchemaType.SINGLE, "JSONSingleExtractor"),
        (FileExtension.JSON, SchemaType.MULTI, "JSONMultiExtractor"),
        (FileExtension.XLSX, SchemaType.SINGLE, "XLSXSingleExtractor"),
        (FileExtension.XLSX, SchemaType.MULTI, "XLSXMultiExtractor"),
    ]
    assert isinstance(registered_keys(), tuple)
    for extension, kind, name in defaults:
        assert (extension, kind) in registered_keys()
        assert get_extractor_class(extension, kind).__name__ == name


def test_csv_files_hold_one_table() -> None:
    assert get_extractor_class(FileExtension.CSV, SchemaType.MULTI) is None


def test_a_format_of_ones_own_is_found_by_member_and_by_text() -> None:
    register_extractor(OwnExtension.TXT, SchemaType.SINGLE, CSVSingleExtractor)
    assert get_extractor_class("txt", "single") is CSVSingleExtractor
    assert registered_keys()[-1] == ("txt", "single")


def test_a_later_registration_wins() -> None:
    class Other(CSVSingleExtractor):
        pass

    register_extractor(FileExtension.CSV, SchemaType.SINGLE, Other)
    assert get_extractor_class("csv", "single") is Other


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((1, "single", CSVSingleExtractor), "extension must be a text, not 1"),
        (("zz", "sngl", CSVSingleExtractor), "schema_type must be 'single' or 'multi', not 'sngl'"),
        (("zz", "single", int), "cls must be a subclass of Extractor, not the class int"),
        (("zz", "single", CSVSingleExtractor.extract), "cls must be a subclass of Extractor"),
    ],
)
def test_what_could_never_extract_anything_is_refused(given, message) -> None:
    known = registered_keys()
    with pytest.raises(ArgumentError, match=message):
        register_extractor(*given)
    assert registered_keys() == known


def test_the_registry_itself_does_not_import_polars_or_an_extractor() -> None:
    code = (
        "import sys, importlib.util as u; "
        f"s = u.spec_from_file_location('r', {registry.__file__!r}); "
        "m = u.module_from_spec(s); s.loader.exec_module(m); "
        "assert not {'polars', 'algomancy_data.extractor'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
