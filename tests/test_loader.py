import polars as pl

from algomancy_data import (
    DataClassification,
    DataSource,
    DataSourceLoader,
    ValidationMessage,
    ValidationSeverity,
)

FRAMES = {"b": pl.DataFrame({"x": [1]}), "a": pl.DataFrame({"y": ["z"]})}


class Special(DataSource):
    pass


def test_frames_become_tables_in_order_with_the_messages_attached():
    found = [ValidationMessage(ValidationSeverity.ERROR, "odd")]
    source = DataSourceLoader().load("n", FRAMES, found)
    assert type(source) is DataSource
    assert (source.name, source.list_tables()) == ("n", ["b", "a"])
    assert source.get_table("b") is FRAMES["b"]
    assert source.validation_messages == found
    assert source.is_master_data()


def test_the_class_and_the_classification_can_be_chosen():
    loader = DataSourceLoader(data_object_type=Special)
    source = loader.load("n", {}, [], DataClassification.DUMMY_DATA)
    assert type(source) is Special
    assert source.ds_type is DataClassification.DUMMY_DATA
