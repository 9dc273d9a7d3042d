"""Mistakes of callers get an error of ours that says what to do."""

from __future__ import annotations

import pytest

from algomancy_data import (
    Column,
    CSVFile,
    DataSource,
    DataType,
    ETLConstructionError,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.errors import AlgomancyDataError

FILE = CSVFile("items", content="data:text/csv;base64,aWQKMQo=")


class Items(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "items", "csv", "single"
    ID = Column("id", DataType.INTEGER)


@pytest.mark.parametrize("files", [{"items": "items.csv"}, [FILE], FILE, "items.csv", {1: FILE}])
def test_files_in_another_form_are_named(files):
    manager = StatelessDataManager(SimpleETLFactory, [Items], "json", DataSource)
    with pytest.raises(ETLConstructionError, match=r"prepare_files\(\)"):
        manager.etl_data(files, "d")


@pytest.mark.parametrize("schemas", [Items, ["items"], "items", 3])
def test_schemas_in_another_form_are_named(schemas):
    with pytest.raises(AlgomancyDataError, match="chema"):
        StatelessDataManager(SimpleETLFactory, schemas, "json", DataSource)


def test_a_severity_may_be_given_as_text():
    manager = StatelessDataManager(SimpleETLFactory, [Items], "json", DataSource, halt_on="INFO")
    assert manager.etl_data({"items": FILE}, "d").is_failure
    assert manager.etl_data({"items": FILE}, "d", halt_on="ERROR").is_success
