"""The way out: into a database, verified, and again after whatever ended it."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from algomancy_data import BaseDataSource, DataSource, SimpleETLFactory, StatefulDataManager
from algomancy_data.database import DatabaseDataManager
from algomancy_data.datamanager import migrate
from algomancy_data.errors import DatasetExistsError, StoreError
from algomancy_data.testing import assert_identical, sample_frames

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")

OLD_STYLE = Path(__file__).parents[1] / "data" / "pandas-folder"
FRAMES = sample_frames()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def open_manager(folder):
    """Open a started manager, which knows only what is in the folder."""

    def open_manager(cls=DataSource):
        manager = StatefulDataManager(SimpleETLFactory, [], folder, "json", cls)
        manager.startup()
        return manager

    return open_manager


@pytest.fixture
def database(tmp_path):
    managers = []

    def database(cls=DataSource):
        url = f"sqlite:///{tmp_path / 'out.db'}"
        manager = DatabaseDataManager(SimpleETLFactory, [], url, "s", cls)
        manager.startup()
        managers.append(manager)
        return manager

    yield database
    for manager in managers:
        manager.close()


def test_a_folder_of_both_styles_goes_into_a_database(open_manager, folder, database, tmp_path):
    shutil.copytree(OLD_STYLE, folder)
    made = DataSource("dummy_data", name="everything")
    made.tables = FRAMES
    open_manager().set_data("key", made)
    open_manager().derive_data("key", "derived")
    before = sorted(folder.rglob("*"))
    target = database()
    outcome = migrate(open_manager(), target)
    assert outcome.is_complete
    assert outcome.copied == ("old data", "key", "derived")
    target.close()
    read = database()
    assert read.get_data_keys() == ["old data", "key", "derived"]
    for name, frame in FRAMES.items():
        assert_identical(read.get_data("derived").get_table(name), frame)
    assert read.get_data("key").creation_datetime == made.creation_datetime
    with read.engine.connect() as connection:
        names = "SELECT name FROM sqlite_master WHERE name LIKE 'ds__s__old%orders%'"
        table = connection.exec_driver_sql(names).scalar()
        rows = connection.exec_driver_sql(f'SELECT code FROM "{table}"').fetchall()
    assert rows == [("00123",), (None,)]
    assert sorted(folder.rglob("*")) == before


def test_it_goes_on_where_it_ended(open_manager, source, database):
    manager, target = open_manager(), database()
    for name in ("a", "b", "c"):
        manager.add_data_source(source(name))
    assert migrate(manager, target, ["a", "b"]).copied == ("a", "b")
    outcome = migrate(manager, target)
    assert (outcome.copied, outcome.already_there) == (("c",), ("a", "b"))
    assert outcome.is_complete


def test_another_dataset_of_the_same_name_is_left_alone(open_manager, source, database):
    manager, target = open_manager(), database()
    for name in ("a", "b"):
        manager.add_data_source(source(name))
    target.add_data_source(source("a", t=pl.DataFrame({"theirs": [1]})))
    outcome = migrate(manager, target)
    assert outcome.copied == ("b",)
    assert isinstance(outcome.failed["a"], DatasetExistsError)
    assert not outcome.is_complete
    assert target.get_data("a").get_table("t").columns == ["theirs"]


def test_what_the_folder_could_not_read_counts_as_failed(open_manager, folder, source, database):
    open_manager().add_data_source(source())
    (folder / "broken.json").write_text("{")
    outcome = migrate(open_manager(), database())
    assert outcome.copied == ("d",)
    assert list(outcome.failed) == [str(folder / "broken.json")]


def test_a_dataset_that_comes_back_changed_does_not_stay(open_manager, source, tmp_path):
    class Careless(type(open_manager())):
        def _save(self, data_key, data, path=None):
            changed = DataSource(data.ds_type, data.name, [], data.id, data.creation_datetime)
            changed.add_table("t", data.get_table("t").with_columns(x=pl.col("x") + 1))
            super()._save(data_key, changed, path)

    target = Careless(SimpleETLFactory, [], tmp_path / "careless", "json", DataSource)
    target.startup()
    manager = open_manager()
    manager.add_data_source(source())
    outcome = migrate(manager, target)
    assert isinstance(outcome.failed["d"], StoreError)
    assert "column 'x' of table 't'" in str(outcome.failed["d"])
    assert target.get_data_keys() == []


def test_a_class_that_is_not_tables_goes_too(open_manager, database):
    class Text(BaseDataSource):
        text = ""

        def to_json(self):
            return f"{self.id} {self.creation_datetime.isoformat()} {self.text}"

        @classmethod
        def from_json(cls, json_string):
            ds_id, moment, text = json_string.split(" ", 2)
            made = cls("master_data", "t", ds_id=ds_id)
            made._creation_datetime = type(made.creation_datetime).fromisoformat(moment)
            made.text = text
            return made

    text = Text("master_data", name="t")
    text.text = "a text"
    open_manager(Text).add_data_source(text)
    assert migrate(open_manager(Text), database(Text)).copied == ("t",)
    assert database(Text).get_data("t").text == "a text"


def test_out_of_the_database_into_a_folder(open_manager, source, database):
    database().add_data_source(source())
    assert migrate(database(), open_manager()).copied == ("d",)
    assert_identical(open_manager().get_data("d").get_table("t"), source().get_table("t"))
