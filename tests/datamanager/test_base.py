import threading

import polars as pl
import pytest

from algomancy_data import (
    Column,
    DataClassification,
    DataSource,
    DataType,
    ETLConstructionError,
    FileExtension,
    Schema,
    SchemaType,
    SimpleETLFactory,
    StatelessDataManager,
    ValidationSeverity,
)
from algomancy_data.errors import (
    DatasetExistsError,
    DatasetNameError,
    DatasetNotFoundError,
    MasterDataProtectedError,
)


class Items(Schema):
    _FILENAME = "items"
    _EXTENSION = FileExtension.CSV
    _SCHEMA_TYPE = SchemaType.SINGLE
    ID = Column("id", DataType.INTEGER, primary_key=True)


class Special(DataSource):
    pass


def make(schemas=(Items,), data_object_type=DataSource, **settings):
    manager = StatelessDataManager(SimpleETLFactory, schemas, "json", data_object_type, **settings)
    manager.startup()
    return manager


@pytest.fixture
def manager():
    return make()


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("id\n1\n2\n2\n", encoding="utf-8")
    return str(path)


def source(name, ds_type=DataClassification.MASTER_DATA):
    made = DataSource(ds_type, name=name)
    made.add_table("t", pl.DataFrame({"a": [1]}))
    return made


def test_datasets_are_kept_in_order_of_creation(manager):
    for name in ("b", "a", "c"):
        manager.add_data_source(source(name))
    manager.add_data_source(source("b"))
    assert manager.get_data_keys() == ["b", "a", "c"]
    assert manager.get_data("x") is None


def test_set_data_keeps_under_the_key_it_is_given(manager):
    data = source("name")
    manager.set_data("key", data)
    assert manager.get_data("key") is data


def test_derived_data_is_a_dataset_of_its_own(manager):
    manager.add_data_source(source("a"))
    manager.derive_data("a", "b")
    assert manager.get_data_keys() == ["a", "b"]
    assert manager.get_data("b").ds_type is DataClassification.DERIVED_DATA
    assert manager.get_data("b").get_table("t").equals(manager.get_data("a").get_table("t"))


def test_an_unknown_dataset_cannot_be_derived_or_deleted(manager):
    for call in (lambda: manager.derive_data("x", "y"), lambda: manager.delete_data("x")):
        with pytest.raises(DatasetNotFoundError, match="Data 'x' not found"):
            call()
        with pytest.raises(AssertionError):
            call()


def test_an_existing_dataset_is_not_overwritten_by_a_derived_one(manager):
    manager.add_data_source(source("a"))
    manager.add_data_source(source("b"))
    before = manager.get_data("b")
    with pytest.raises(DatasetExistsError, match="Data 'b' already exists"):
        manager.derive_data("a", "b")
    assert manager.get_data("b") is before


def test_a_deleted_dataset_is_gone(manager):
    manager.add_data_source(source("a"))
    manager.delete_data("a")
    assert manager.get_data_keys() == []


def test_master_data_can_be_protected_from_deletion(manager):
    manager.add_data_source(source("a"))
    manager.derive_data("a", "b")
    with pytest.raises(MasterDataProtectedError, match="master data"):
        manager.delete_data("a", prevent_masterdata_removal=True)
    manager.delete_data("b", prevent_masterdata_removal=True)
    assert manager.get_data_keys() == ["a"]


@pytest.mark.parametrize("name", ["", None, 3, "a\0b", "\ud800"], ids=repr)
def test_a_name_that_no_store_can_use_is_refused(manager, csv, name):
    files = manager.prepare_files(file_items_with_path=[("items", csv)])
    manager.add_data_source(source("a"))
    calls = (
        lambda: manager.set_data(name, source("a")),
        lambda: manager.derive_data("a", name),
        lambda: manager.etl_data(files, name),
    )
    for call in calls:
        with pytest.raises(DatasetNameError):
            call()
    assert manager.get_data_keys() == ["a"]


@pytest.mark.parametrize("name", ["../x", "a'b\"c", "emoji 🦆", "x" * 300, "con", "a/b"])
def test_any_other_name_is_as_good_as_any(manager, name):
    manager.add_data_source(source(name))
    assert manager.get_data_keys() == [name]


# --- ETL --------------------------------------------------------------------------------------


def test_an_etl_keeps_its_result(manager, csv):
    files = manager.prepare_files(file_items_with_path=[("items", csv)])
    result = manager.etl_data(files, "d")
    assert result.is_success
    assert manager.get_data("d") is result.datasource
    assert [metrics.phase for metrics in result.metrics][-1] == "persist"


def test_a_failed_etl_leaves_the_old_dataset(manager, csv):
    files = manager.prepare_files(file_items_with_path=[("items", csv)])
    manager.etl_data(files, "d")
    before = manager.get_data("d")
    result = manager.etl_data(files, "d", halt_on=ValidationSeverity.ERROR)
    assert result.is_failure
    assert manager.get_data("d") is before


def test_the_threshold_of_the_manager_holds_for_every_call(csv):
    manager = make(halt_on=ValidationSeverity.ERROR)
    files = manager.prepare_files(file_items_with_path=[("items", csv)])
    assert manager.etl_data(files, "d").is_failure
    assert manager.etl_data(files, "d", halt_on=ValidationSeverity.CRITICAL).is_success


@pytest.mark.parametrize(
    ("manager_limit", "call_limit", "messages"),
    [
        ({}, {}, 101),
        ({}, {"message_limit": None}, 300),
        ({"message_limit": None}, {}, 300),
        ({"message_limit": None}, {"message_limit": 2}, 3),
        ({"message_limit": 0}, {}, 1),
    ],
    ids=repr,
)
def test_the_number_of_messages_per_check_is_settable(
    tmp_path, manager_limit, call_limit, messages
):
    path = tmp_path / "items.csv"
    path.write_text("id\n" + "7\n" * 300)
    manager = make(**manager_limit)
    files = manager.prepare_files(file_items_with_path=[("items", str(path))])
    result = manager.etl_data(files, "d", **call_limit)
    found = [message for message in result.messages if message.code == "PK_DUPLICATE"]
    assert len(found) == messages


def test_the_class_of_the_datasources_is_the_managers(csv):
    manager = make(data_object_type=Special)
    assert manager.data_object_type is Special
    files = manager.prepare_files(file_items_with_path=[("items", csv)])
    assert type(manager.etl_data(files, "d").datasource) is Special


def test_nothing_reads_a_file_after_the_etl(manager, csv, tmp_path):
    files = manager.prepare_files(file_items_with_path=[("items", csv)])
    manager.etl_data(files, "d")
    (tmp_path / "items.csv").write_text("id\n9\n")
    assert manager.get_data("d").get_table("items")["id"].to_list() == [1, 2, 2]


def test_the_validation_sequence_is_the_factorys(manager):
    assert len(manager.create_validation_sequence()._validators) == 3


def test_two_schemas_of_one_file_are_refused():
    with pytest.raises(ETLConstructionError, match="_FILENAME = 'items'"):
        make(schemas=(Items, Items))


def test_several_threads_may_use_one_manager(manager):
    def work(number):
        for turn in range(50):
            manager.add_data_source(source(f"{number}-{turn}"))
            manager.get_data_keys()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(manager.get_data_keys()) == 200


# --- files ------------------------------------------------------------------------------------
