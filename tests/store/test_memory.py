"""The store in memory, without a manager."""

from __future__ import annotations

import pytest

from algomancy_data import DataSource
from algomancy_data.errors import DatasetExistsError, DatasetNotFoundError
from algomancy_data.store import MemoryStore


@pytest.fixture
def store():
    made = MemoryStore()
    source = DataSource("master_data", name="a")
    source.add_table("t", {"x": [1, 2]})
    made.save("a", source)
    return made


def test_each_write_of_a_dataset_gives_another_version(store):
    before = store.version("a")
    saved = store.save("a", DataSource("master_data", name="a"))
    assert saved.version == store.version("a") != before
    assert store.load("a", DataSource).version == saved.version


def test_a_copy_has_the_tables_and_an_identity_of_its_own(store):
    copied = store.copy("a", "b", "unused", DataSource)
    loaded = store.load("b", DataSource)
    assert loaded.data.id == copied.ds_id != store.load("a", DataSource).data.id
    assert loaded.data.get_table("t")["x"].to_list() == [1, 2]
    assert (copied.version, copied.source_version) == (loaded.version, store.version("a"))
    assert loaded.data.provenance.derived_from == "a"


def test_a_dataset_that_is_not_there_is_named(store):
    assert store.version("b") is None
    for ask in (store.describe, lambda name: store.load(name, DataSource)):
        with pytest.raises(DatasetNotFoundError, match=r"'b' not found\. Datasets: 'a'"):
            ask("b")
    with pytest.raises(DatasetNotFoundError):
        store.copy("b", "c", "id", DataSource)
    with pytest.raises(DatasetExistsError):
        store.copy("a", "a", "id", DataSource)


def test_the_newest_are_described_in_order_of_creation(store):
    for name in ("b", "c"):
        store.save(name, DataSource("master_data", name=name))
    assert [one.name for one in store.describe_all()] == ["a", "b", "c"]
    assert [one.name for one in store.describe_all(newest=2)] == ["b", "c"]
    store.drop("b")
    assert store.names() == ["a", "c"]
