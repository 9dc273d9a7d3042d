from __future__ import annotations

import json
from datetime import datetime

import polars as pl
import pytest

from algomancy_data.errors import DamagedStoreError
from algomancy_data.folder.manifest import Manifest, StoredFile, TablePart, signed
from algomancy_data.store import DatasetInfo, TableInfo

TABLES = {"t": TableInfo(3, None, {"x": pl.Int64()})}
PARTS = {"t": (TablePart(StoredFile("0.arrow", 9, (1,)), 3, 1),)}
INFO = DatasetInfo("d", "1", "master_data", datetime(2026, 11, 30, 4), TABLES)
MANIFEST = Manifest(INFO, "d", 1, f"d.{'0' * 32}", "tables", PARTS)


def changed(of_document, of_table):
    document = json.loads(MANIFEST.to_bytes())
    del document["crc32"]
    document["tables"][0].update(of_table)
    document.update(of_document)
    return signed(json.dumps(document, indent=2).removesuffix("\n}").encode() + b",\n")


def test_what_is_written_is_read():
    read = Manifest.from_bytes(changed({}, {}), "It")
    assert read.to_bytes() == MANIFEST.to_bytes()
    assert read.parts == PARTS


@pytest.mark.parametrize(
    ("of_document", "of_table", "problem"),
    [
        ({"metadata": []}, {}, "'metadata' is [] instead of an object"),
        ({"tables": {}}, {}, "'tables' is {} instead of a list"),
        ({"tables": [5]}, {}, "'table' is 5 instead of an object"),
        ({"ordinal": -1}, {}, "'ordinal' is -1 instead of a whole number"),
        ({}, {"name": 5}, "'name' is 5 instead of a text"),
        ({}, {"rows": "3"}, "'rows' is '3' instead of a whole number"),
        ({}, {"schema": "x"}, "'schema' is 'x' instead of a list"),
        ({}, {"bytes": None}, "'bytes' is None instead of a whole number"),
        ({}, {"crc32": 1}, "'crc32' is 1 instead of a list"),
        ({}, {"crc32": ["1"]}, "'crc32' is '1' instead of a whole number"),
        ({}, {"parts": 1}, "'parts' is 1 instead of a list"),
        ({}, {"file": "../x"}, "'../x' is no name that a file of a dataset has"),
        ({"metadata": {}}, {}, "'metadata' has no 'id'"),
        ({"kind": ["x"]}, {}, "'kind' is ['x'] instead of one of tables, arrow, text"),
        ({"key": "\ud800"}, {}, "'key' is '\\ud800' instead of a text"),
    ],
)
def test_the_error_of_damaged_metadata_says_what_is_wrong_where(of_document, of_table, problem):
    with pytest.raises(DamagedStoreError) as error:
        Manifest.from_bytes(changed(of_document, of_table), "The file 'd.json'")
    help_ = "Restore it from a backup, or delete the dataset."
    assert str(error.value) == f"The file 'd.json' is damaged: {problem}. {help_}"


def test_the_error_of_metadata_that_somebody_changed_says_so():
    content = MANIFEST.to_bytes().replace(b'"rows": 3', b'"rows": 4')
    with pytest.raises(DamagedStoreError, match="is damaged: its check sum is another one"):
        Manifest.from_bytes(content, "The file 'd.json'")
