"""Defects of the pandas package in keeping, naming and deriving datasets, by their numbers there.

The rest is in test_defects_of_values.py, which says where the rules behind are pinned in depth;
for those about the database that is tests/database (10: test_naming.py; 18, 20 and 22:
test_database_manager.py; 21: test_datasets.py).
"""

import datetime as dt
import json
import subprocess
import sys

import polars as pl
import pytest

from algomancy_data import (
    Column,
    DataClassification,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.errors import DatasetNotFoundError, UnstorableError

MASTER, DERIVED = DataClassification.MASTER_DATA, DataClassification.DERIVED_DATA
FRAME = pl.DataFrame({"x": [1, 2]})


class Special(DataSource):
    """A user's class."""


def source(name, tables=None, cls=DataSource, **settings):
    made = cls(MASTER, name=name, **settings)
    made.tables = {"t": FRAME} if tables is None else tables
    return made


# --- 10, 18, 20, 21, 22, 32: the database -----------------------------------------------------


def test_10_names_that_look_alike_in_sql_are_different_datasets(new_database):
    names = ["a", "a b", "a-b", "a_b", "A_B", "a__b", "a__b__t"]
    manager = new_database()
    for number, name in enumerate(names):
        manager.add_data_source(source(name, {"t": pl.DataFrame({"x": [number]})}))
    manager.delete_data("a")
    read = new_database()
    assert read.get_data_keys() == names[1:]
    found = [read.get_data(name).get_table("t")["x"].to_list() for name in names[1:]]
    assert found == [[number] for number in range(1, len(names))]


def test_10_tables_that_were_taken_away_do_not_come_back_and_names_stay(new_database):
    manager = new_database()
    manager.add_data_source(source("a", {"p.Root": FRAME, "p.Gone": FRAME, "none": pl.DataFrame()}))
    assert new_database().get_data("a").list_tables() == ["p.Root", "p.Gone", "none"]
    manager.add_data_source(source("a", {"p.Root": FRAME}))
    assert new_database().get_data("a").list_tables() == ["p.Root"]


def test_18_one_identity_may_be_kept_under_several_names_and_sessions(new_database):
    data = source("a")
    for session in ("s", "other"):
        manager = new_database(session=session)
        manager.set_data("one", data)
        manager.set_data("two", data)
        assert {manager.get_data(name).id for name in manager.get_data_keys()} == {data.id}


def test_20_what_is_set_is_there_for_the_next_manager(new_database):
    new_database().set_data("key", source("name"))
    assert new_database().get_data("key").get_table("t").equals(FRAME)


def test_21_a_write_that_is_refused_leaves_memory_as_it_was(new_database):
    manager = new_database()
    manager.add_data_source(source("a"))
    kept = manager.get_data("a")
    refused = source("a", {"t": pl.DataFrame({"x": [object()]})})
    for act in (manager.add_data_source, lambda data: manager.set_data("b", data)):
        with pytest.raises(UnstorableError):
            act(refused)
    assert manager.get_data("a") is kept
    assert manager.get_data_keys() == ["a"]


def test_22_writing_forgets_the_least_recently_used_dataset(new_database):
    manager = new_database(datasource_cache_size=1)
    for name in ("a", "b", "c"):
        manager.add_data_source(source(name))
    manager.derive_data("c", "d")
    assert len(manager._data) == 1
    assert manager.get_data_keys() == ["a", "b", "c", "d"]


def test_32_datasets_are_listed_in_order_of_creation(new_database):
    manager = new_database()
    for name in ("c", "a", "b"):
        manager.add_data_source(source(name))
    manager.get_data("b")
    assert manager.get_data_keys() == new_database().get_data_keys() == ["c", "a", "b"]


# --- 19, 30: JSON -----------------------------------------------------------------------------


def refuse(token):
    raise AssertionError(token)


def test_19_floats_that_json_does_not_know_are_written_in_a_way_that_it_does():
    values = [1.5, float("nan"), float("inf"), float("-inf"), None]
    text = source("a", {"t": pl.DataFrame({"x": values})}).to_json()
    json.loads(text, parse_constant=refuse)
    assert str(DataSource.from_json(text).get_table("t")["x"].to_list()) == str(values)


def test_30_the_time_of_creation_stays_a_time(new_database):
    created = dt.datetime(2024, 1, 31, 10, 30, 0, 123456)
    data = source("a", creation_datetime=created)
    manager = new_database()
    manager.add_data_source(data)
    manager.derive_data("a", "b")
    read = new_database()
    for made in (
        DataSource.from_json(data.to_json()),
        data.derive("c"),
        read.get_data("a"),
        read.get_data("b"),
    ):
        assert made.creation_datetime == created


# --- 25, 26: errors and switches --------------------------------------------------------------

WITHOUT_ASSERTIONS = """
from algomancy_data import DataSource, SimpleETLFactory, StatelessDataManager
manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
for act in (
    lambda: manager.delete_data("x"),
    lambda: manager.derive_data("x", "y"),
    lambda: manager.prepare_files([("x", "csv", "")]),
):
    try:
        act()
    except AssertionError as error:
        print(type(error).__name__)
"""


def test_25_mistakes_are_errors_under_python_o_as_well():
    run = [sys.executable, "-O", "-c", WITHOUT_ASSERTIONS]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    expected = ["DatasetNotFoundError", "DatasetNotFoundError", "EmptyUploadError"]
    assert done.stdout.split() == expected


def test_25_the_error_is_what_callers_of_the_pandas_package_catch():
    manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
    with pytest.raises(AssertionError, match="Data 'x' not found") as error:
        manager.delete_data("x")
    assert isinstance(error.value, DatasetNotFoundError)


@pytest.mark.parametrize("store", ["memory", "database"])
def test_26_master_data_is_protected_on_request(new_database, store):
    if store == "memory":
        manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
    else:
        manager = new_database()
    manager.add_data_source(source("a"))
    manager.derive_data("a", "b")
    with pytest.raises(ValueError, match="master data"):
        manager.delete_data("a", prevent_masterdata_removal=True)
    manager.delete_data("b", prevent_masterdata_removal=True)
    assert manager.get_data_keys() == ["a"]
    manager.delete_data("a")
    assert manager.get_data_keys() == []


# --- 28, 29, 31: declarations -----------------------------------------------------------------


def test_28_a_declared_table_that_is_absent_is_a_message(etl, schema_of):
    here, absent = (
        schema_of(Column("id", DataType.INTEGER), name="here"),
        schema_of(Column("id", DataType.INTEGER), name="absent"),
    )
    result = etl([here, absent], "id\n1\n")
    assert result.is_success
    found = [(message.code, message.table) for message in result.messages if message.severity.rank]
    assert found == [("TABLE_NOT_FOUND", "absent")]


def test_29_the_class_of_a_dataset_is_the_same_before_and_after_a_restart(
    new_database, etl, schema_of
):
    schemas = [schema_of(Column("id", DataType.INTEGER))]
    manager = new_database(schemas, Special)
    result = etl(schemas, "id\n1\n", manager=manager)
    assert type(result.datasource) is Special
    assert type(new_database(schemas, Special).get_data("d")) is Special


def test_31_inherited_columns_are_columns(etl):
    class Keyed(Schema):
        ID = Column("id", DataType.INTEGER, primary_key=True)

    class Items(Keyed):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "items", "csv", "single"
        NAME = Column("name", DataType.STRING)

    result = etl(Items, "id;name\n1;a\n1;b\n")
    assert result.datasource.get_table("items").rows() == [(1, "a"), (1, "b")]
    codes = [message.code for message in result.messages if message.severity.rank]
    assert codes == ["PK_DUPLICATE", "PK_DUPLICATE"]
