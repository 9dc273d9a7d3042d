"""Mistakes of callers get an error of ours that says what to do."""

from __future__ import annotations

import re

import polars as pl
import pytest

from algomancy_data import (
    Column,
    CSVFile,
    DataSource,
    DataType,
    ETLConstructionError,
    Schema,
    SimpleETLFactory,
    StatefulDataManager,
    StatelessDataManager,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import AlgomancyDataError, ArgumentError

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


def database_manager(factory=SimpleETLFactory, data_object_type=DataSource, **settings):
    return DatabaseDataManager(factory, [Items], "sqlite://", "s", data_object_type, **settings)


def memory_manager(factory=SimpleETLFactory, data_object_type=DataSource, **settings):
    return StatelessDataManager(factory, [Items], "json", data_object_type, **settings)


WRONG = {
    "a severity in lower case": ({"halt_on": "error"}, "ValidationSeverity.ERROR"),
    "a severity as a number": ({"halt_on": 3}, "ValidationSeverity.CRITICAL, or None"),
    "a quarantine as a text": ({"quarantine": "yes"}, "True, False, Quarantine(…)"),
    "a quarantine as codes": ({"quarantine": ["PK_DUPLICATE"]}, "True, False, Quarantine(…)"),
    "a negative limit": ({"message_limit": -1}, "a number of messages"),
    "a limit as a text": ({"message_limit": "all"}, "None for all"),
    "a factory that was made": ({"factory": SimpleETLFactory()}, "such as SimpleETLFactory"),
    "another class as a factory": ({"factory": Items}, "such as SimpleETLFactory"),
    "a DataSource": ({"data_object_type": DataSource("master_data")}, "such as DataSource"),
    "no class of DataSources": ({"data_object_type": dict}, "such as DataSource"),
}


@pytest.mark.parametrize("make", [memory_manager, database_manager])
@pytest.mark.parametrize("case", WRONG)
def test_what_a_manager_cannot_take_is_refused_at_once_with_what_is_possible(make, case):
    settings, possible = WRONG[case]
    with pytest.raises(ArgumentError) as caught:
        make(**settings)
    assert next(iter(settings)) in str(caught.value).replace("etl_factory", "factory")
    assert possible in str(caught.value)


@pytest.mark.parametrize("case", [case for case in WRONG if "limit" in case or "quar" in case])
def test_what_a_run_cannot_take_is_refused_before_it_begins(case):
    settings, possible = WRONG[case]
    manager = memory_manager()
    with pytest.raises(ArgumentError, match=re.escape(possible)):
        manager.etl_data({"items": FILE}, "d", **settings)
    assert manager.get_data_keys() == []


@pytest.mark.parametrize("make", [memory_manager, database_manager])
def test_a_setting_that_there_is_not_is_named(make):
    with pytest.raises(TypeError, match="halton"):
        make(halton="ERROR")


@pytest.mark.parametrize("predicate", ["id > 1", True, lambda row: row["id"] > 1])
def test_a_predicate_that_is_no_expression_is_refused_with_an_example(predicate):
    manager = memory_manager()
    manager.etl_data({"items": FILE}, "d")
    for call in (manager.get_table, manager.delete_rows):
        with pytest.raises(ArgumentError, match=re.escape("pl.col('x') > 1, not")):
            call("d", "items", predicate=predicate)


PARTS = {
    "an expression of numbers": ({"predicate": pl.col("id")}, "true or false"),
    "fewer rows than none": ({"head": -1}, "from 0 on, not -1"),
    "a column by its name alone": ({"columns": "id"}, "such as ['id']"),
    "a column twice": ({"columns": ["id", "id"]}, "once each"),
}


@pytest.mark.parametrize("make", [memory_manager, database_manager])
@pytest.mark.parametrize("case", PARTS)
def test_a_part_of_a_table_that_cannot_be_is_refused(make, case):
    given, said = PARTS[case]
    with make() as manager:
        manager.etl_data({"items": FILE}, "d")
        with pytest.raises(ArgumentError, match=re.escape(said)):
            manager.get_table("d", "items", **given)


@pytest.mark.parametrize("make", [memory_manager, database_manager])
def test_rows_are_not_deleted_by_an_expression_of_numbers(make):
    with make() as manager:
        manager.etl_data({"items": FILE}, "d")
        with pytest.raises(ArgumentError, match="true or false"):
            manager.delete_rows("d", "items", pl.col("id"))
        assert manager.get_table("d", "items").height == 1


def test_files_that_are_wanted_are_given_as_a_list():
    with pytest.raises(ArgumentError, match=re.escape("such as ['items'], not 'items'")):
        memory_manager().etl_data({"items": FILE}, "d", only="items")


def test_a_manager_takes_the_plain_class_of_datasources_by_default(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("id\n1\n")
    with DatabaseDataManager(SimpleETLFactory, [Items], "sqlite://", "s") as manager:
        manager.etl_data({"items": CSVFile("items", path)}, "d")
        assert type(manager.require_data("d")) is DataSource
    assert StatelessDataManager(SimpleETLFactory, [Items]).data_object_type is DataSource
    with pytest.warns(DeprecationWarning, match="StatefulDataManager"):
        folder = StatefulDataManager(SimpleETLFactory, [Items], tmp_path / "data")
    assert folder.data_object_type is DataSource
