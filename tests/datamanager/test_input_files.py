"""Files as a caller gives them: which format they are in, and which forms are refused."""

import base64
import os

import pytest

from algomancy_data import (
    Column,
    DataSource,
    DataType,
    ETLConstructionError,
    FileExtension,
    Schema,
    SchemaType,
    SimpleETLFactory,
    StatelessDataManager,
)


class Items(Schema):
    _FILENAME = "items"
    _EXTENSION = FileExtension.CSV
    _SCHEMA_TYPE = SchemaType.SINGLE
    ID = Column("id", DataType.INTEGER, primary_key=True)


@pytest.fixture
def manager():
    manager = StatelessDataManager(SimpleETLFactory, [Items], "json", DataSource)
    manager.startup()
    return manager


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("id\n1\n2\n2\n", encoding="utf-8")
    return str(path)


def uri(text):
    return "data:text/csv;base64," + base64.b64encode(text.encode()).decode()


def test_uploads_win_over_paths(manager, csv):
    files = manager.prepare_files([("items", "csv", uri("id\n5\n"))], [("items", csv)])
    result = manager.etl_data(files, "d")
    assert result.datasource.get_table("items")["id"].to_list() == [5]


@pytest.mark.parametrize("suffix", [".csv", ".CSV", ".txt", ".csv.gz", ""])
def test_the_format_that_the_schema_says_beats_the_suffix(manager, tmp_path, suffix):
    path = tmp_path / f"items{suffix}"
    path.write_text("id\n1\n")
    files = manager.prepare_files(file_items_with_path=[("items", str(path))])
    assert files["items"].extension is FileExtension.CSV


@pytest.mark.parametrize("suffix", [".csv", ".CSV", ".csv.zip", ".tsv"])
def test_without_a_schema_the_suffix_says_the_format(manager, tmp_path, suffix):
    path = tmp_path / f"other{suffix}"
    path.write_text("id\n1\n")
    files = manager.prepare_files(file_items_with_path=[("other", str(path))])
    assert files["other"].extension is FileExtension.CSV


def test_files_that_cannot_be_prepared_are_construction_errors(manager, tmp_path):
    no_suffix, unknown = tmp_path / "other", tmp_path / "other.dat"
    no_suffix.write_text("x")
    unknown.write_text("x")
    for call, problem in (
        (dict, "no files"),
        (lambda: {"file_items_with_path": []}, "no files"),
        (lambda: {"file_items_with_path": [("items", str(tmp_path / "no.csv"))]}, "no file at"),
        (lambda: {"file_items_with_path": [("other", str(no_suffix))]}, "no extension"),
        (lambda: {"file_items_with_path": [("other", str(unknown))]}, "unknown extension 'dat'"),
        (lambda: {"file_items_with_content": [("other", "dat", uri("x"))]}, "'dat'"),
        (lambda: {"file_items_with_content": [("items", "csv", "")]}, "without content"),
    ):
        with pytest.raises(ETLConstructionError, match=problem):
            manager.prepare_files(**call())


@pytest.mark.parametrize(
    "given",
    [
        {"file_items_with_path": [("items",)]},
        {"file_items_with_path": {"items": "items.csv"}},
        {"file_items_with_path": ["items.csv"]},
        {"file_items_with_content": [("items", "data:,")]},
    ],
    ids=str,
)
def test_files_that_are_given_in_another_form_are_named(manager, given):
    with pytest.raises(ETLConstructionError, match=r"a list of \(name, .*'items"):
        manager.prepare_files(**given)


def test_a_file_that_is_given_twice_is_refused_because_only_one_would_count(manager, csv):
    for given in (
        {"file_items_with_path": [("items", csv), ("items", csv)]},
        {"file_items_with_content": [("items", "csv", uri("id\n1\n"))] * 2},
    ):
        with pytest.raises(ETLConstructionError, match="'items' is given 2 times"):
            manager.prepare_files(**given)


def test_a_pipe_or_a_device_is_no_file_and_called_so(manager):
    with pytest.raises(FileNotFoundError, match="is no file but a pipe or a device"):
        manager.prepare_files(file_items_with_path=[("items", os.devnull)])


def test_the_errors_of_files_are_also_the_builtins_that_callers_catch(manager, tmp_path):
    with pytest.raises(FileNotFoundError):
        StatelessDataManager.check_existence_of_files([("items", str(tmp_path / "no.csv"))])
    with pytest.raises(AssertionError):
        manager.prepare_files([("items", "csv", "")])
