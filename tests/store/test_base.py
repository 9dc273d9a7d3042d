"""A derived dataset is what its class makes of it, in every store, before and after a restart."""

from __future__ import annotations

import pytest

from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager, StatelessDataManager
from algomancy_data.database import DatabaseDataManager

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")


class FromJSON(DataSource):
    @classmethod
    def from_json(cls, json_string):
        source = super().from_json(json_string)
        source.add_table("mark", {"by": ["from_json"]})
        return source


class ToJSON(DataSource):
    def to_json(self):
        self.add_table("mark", {"by": ["to_json"]})
        return super().to_json()


class PostDerive(DataSource):
    def _post_derive(self):
        self.add_table("mark", {"by": ["_post_derive"]})


class Derive(DataSource):
    def derive(self, new_data_key):
        derived = super().derive(new_data_key)
        derived.add_table("mark", {"by": ["derive"]})
        return derived


class ToTables(DataSource):
    def to_sql_tables(self):
        return {**super().to_sql_tables()}

    def _duplicate(self):
        duplicate = super()._duplicate()
        duplicate.add_table("mark", {"by": ["_duplicate"]})
        return duplicate


@pytest.fixture(params=["memory", "folder", "sqlite", "postgresql"])
def new_manager(request, tmp_path):
    managers = []
    url = f"sqlite:///{tmp_path / 'data.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("empty_postgresql")

    def new_manager(cls):
        if request.param == "memory":
            manager = StatelessDataManager(SimpleETLFactory, [], "json", cls)
        elif request.param == "folder":
            manager = StatefulDataManager(SimpleETLFactory, [], tmp_path / "data", "json", cls)
        else:
            manager = DatabaseDataManager(SimpleETLFactory, [], url, "s", cls)
        manager.startup()
        managers.append(manager)
        return manager

    yield new_manager
    for manager in managers:
        manager.close()


@pytest.mark.parametrize("is_cached", [True, False], ids=["in memory", "not read"])
@pytest.mark.parametrize("cls", [FromJSON, ToJSON, PostDerive, Derive, ToTables])
def test_a_class_with_hooks_derives_the_same_dataset_in_every_store(new_manager, cls, is_cached):
    manager = new_manager(cls)
    source = cls("master_data", name="a")
    source.add_table("t", {"x": [1]})
    manager.set_data("a", source)
    if not is_cached:
        manager.refresh()
    manager.derive_data("a", "b")
    derived = manager.get_data("b")
    assert "mark" in derived.list_tables()
    manager.refresh()
    assert manager.get_data("b").list_tables() == derived.list_tables()


def test_what_was_changed_in_memory_is_derived_as_it_is(new_manager):
    manager = new_manager(DataSource)
    source = DataSource("master_data", name="a")
    source.add_table("t", {"x": [0.0]})
    manager.add_data_source(source)
    manager.get_data("a").add_table("t", {"x": [-0.0]})
    manager.derive_data("a", "b")
    manager.refresh()
    assert str(manager.get_data("b").get_table("t").item()) == "-0.0"
