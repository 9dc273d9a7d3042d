"""What a manager does beside keeping frames: laziness, memory, names, errors."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data import DataClassification, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager, database_manager
from algomancy_data.errors import (
    DatasetExistsError,
    DatasetNotFoundError,
    MasterDataProtectedError,
    StoreError,
)

FRAME = pl.DataFrame({"x": [1, 2, 3]})


@pytest.fixture
def three(new_manager, dataset):
    """Three datasets in the file."""
    manager = new_manager()
    for name in ("c", "a", "b"):
        manager.add_data_source(dataset(name, {"t": FRAME}))
    manager.close()


@pytest.fixture
def loads(monkeypatch):
    """The tables that are read from here on."""
    read, seen = database_manager.read_table, []

    def spy(connection, layout, *further):
        seen.append(layout.physical)
        return read(connection, layout, *further)

    monkeypatch.setattr(database_manager, "read_table", spy)
    return seen


@pytest.mark.usefixtures("three")
def test_nothing_is_loaded_before_it_is_asked_for(new_manager, loads):
    manager = new_manager()
    assert manager.get_data_keys() == ["c", "a", "b"]
    assert loads == []
    first = manager.get_data("a")
    assert loads == ["ds__s__a__t"]
    assert manager.get_data("a") is first
    assert loads == ["ds__s__a__t"]


@pytest.mark.usefixtures("three")
def test_the_least_recently_used_dataset_is_forgotten_first(new_manager, loads):
    manager = new_manager(datasource_cache_size=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        manager.get_data(name)
    assert loads == [f"ds__s__{name}__t" for name in ("a", "b", "c", "b")]


def test_the_cache_is_bounded_when_datasets_are_written_as_well(new_manager, dataset, loads):
    manager = new_manager(datasource_cache_size=1)
    for name in ("a", "b"):
        manager.add_data_source(dataset(name, {"t": FRAME}))
    manager.derive_data("b", "c")
    manager.get_data("c")
    assert loads == []
    manager.get_data("a")
    manager.get_data("b")
    assert loads == ["ds__s__a__t", "ds__s__b__t"]


def test_a_cache_of_nothing_is_refused(path):
    with pytest.raises(ValueError, match="at least 1, not 0"):
        DatabaseDataManager(
            SimpleETLFactory, [], f"sqlite:///{path}", "s", DataSource, datasource_cache_size=0
        )


def test_an_unknown_dataset_is_none(manager):
    assert manager.get_data("nobody") is None


@pytest.mark.usefixtures("three")
def test_what_does_not_exist_cannot_be_derived_or_deleted(new_manager):
    manager = new_manager()
    for attempt in (
        lambda: manager.delete_data("nobody"),
        lambda: manager.derive_data("nobody", "new"),
    ):
        with pytest.raises(DatasetNotFoundError, match="Data 'nobody' not found") as error:
            attempt()
        assert isinstance(error.value, AssertionError)
        assert isinstance(error.value, KeyError)
    assert manager.get_data_keys() == ["c", "a", "b"]


@pytest.mark.usefixtures("three")
def test_a_name_that_is_taken_cannot_be_derived_to(new_manager):
    manager = new_manager()
    with pytest.raises(DatasetExistsError, match="Data 'b' already exists") as error:
        manager.derive_data("a", "b")
    assert isinstance(error.value, AssertionError)


@pytest.mark.usefixtures("three")
def test_master_data_can_be_protected(new_manager):
    manager = new_manager()
    manager.derive_data("a", "derived")
    with pytest.raises(MasterDataProtectedError, match="'a'"):
        manager.delete_data("a", prevent_masterdata_removal=True)
    manager.delete_data("derived", prevent_masterdata_removal=True)
    manager.delete_data("a")
    assert manager.get_data_keys() == ["c", "b"]


def test_a_derived_dataset_shares_nothing_but_the_data(manager, new_manager, dataset):
    source = dataset(tables={"t": FRAME})
    manager.add_data_source(source)
    manager.derive_data("d", "derived")
    derived = new_manager().get_data("derived")
    assert derived.id != source.id
    assert (derived.name, derived.ds_type) == ("derived", DataClassification.DERIVED_DATA)
    assert derived.creation_datetime == source.creation_datetime
    assert derived.get_table("t").equals(FRAME)


def test_one_datasource_can_be_kept_under_two_names_and_sessions(new_manager, dataset):
    source = dataset(tables={"t": FRAME})
    for session in ("s", "other"):
        manager = new_manager(session=session)
        manager.set_data("one", source)
        manager.set_data("two", source)
        assert new_manager(session=session).get_data("two").get_table("t").equals(FRAME)


def test_the_table_dict_can_change_after_it_was_written(manager, new_manager, dataset):
    source = dataset(tables={"t": FRAME})
    manager.add_data_source(source)
    source.add_table("later", FRAME)
    assert new_manager().get_data("d").list_tables() == ["t"]
    manager.add_data_source(source)
    assert new_manager().get_data("d").list_tables() == ["t", "later"]


@pytest.mark.parametrize(
    "act",
    [
        DatabaseDataManager.get_data_keys,
        lambda manager: manager.get_data("a"),
        lambda manager: manager.set_data("a", DataSource(DataClassification.MASTER_DATA)),
        lambda manager: manager.delete_data("a"),
        lambda manager: manager.derive_data("a", "b"),
    ],
    ids=["keys", "get", "set", "delete", "derive"],
)
def test_a_manager_that_was_not_started_says_so(path, act):
    manager = DatabaseDataManager(SimpleETLFactory, [], f"sqlite:///{path}", "s", DataSource)
    with pytest.raises(StoreError, match=r"call startup\(\) first"):
        act(manager)
    assert not path.exists()


def test_a_manager_can_be_used_again_after_it_was_closed(manager, dataset):
    manager.add_data_source(dataset(tables={"t": FRAME}))
    manager.close()
    assert manager.get_data_keys() == ["d"]


def test_startup_twice_changes_nothing(manager, dataset):
    manager.add_data_source(dataset(tables={"t": FRAME}))
    manager.startup()
    assert manager.get_data_keys() == ["d"]
