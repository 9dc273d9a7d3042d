"""What kinds of DataSource can be kept, and how: as tables, or as a payload."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
import polars as pl
import pytest

from algomancy_data import BaseDataSource, DataClassification, DataSource
from algomancy_data.database import SqlTableLayout
from algomancy_data.database.protocols import expects_pandas
from algomancy_data.errors import FrameError

if TYPE_CHECKING:
    from pathlib import Path

MASTER = DataClassification.MASTER_DATA


class JsonOnly(BaseDataSource):
    """Has nothing but its JSON."""

    value = "nothing"

    def to_json(self) -> str:
        return json.dumps({"name": self.name, "id": self.id, "value": self.value})

    @classmethod
    def from_json(cls, json_string: str) -> JsonOnly:
        content = json.loads(json_string)
        source = cls(MASTER, name=content["name"], ds_id=content["id"])
        source.value = content["value"]
        return source


class WithPandasTables(JsonOnly):
    """Hands out pandas frames and says by its annotation that it wants them back."""

    frames: ClassVar[dict[str, pd.DataFrame]] = {}

    def to_sql_tables(self) -> dict[str, pd.DataFrame]:
        return {"t": pd.DataFrame({"x": [1, 2], "s": ["a", None]}, index=[5, 6])}

    def from_sql_tables(self, tables: dict[str, pd.DataFrame]) -> None:
        self.received = tables


class AsDocument(BaseDataSource):
    """Is kept as the document of a DataSource, short or long."""

    rows = 1

    def to_json(self) -> str:
        source = DataSource(MASTER, name=self.name)
        source.add_table("t", pl.DataFrame({"x": range(self.rows)}))
        return source.to_json()

    @classmethod
    def from_json(cls, json_string: str) -> AsDocument:
        raise NotImplementedError


class Declared(WithPandasTables):
    """Says with an attribute what it wants."""

    sql_frames = "polars"


class WithAttributes(DataSource):
    """Has something beside its tables, made from them."""

    @property
    def rows(self) -> int:
        return sum(frame.height for frame in self.tables.values())


def test_a_class_with_json_only_is_kept_as_a_payload(new_manager, outside, path):
    source = JsonOnly(MASTER, name="d")
    source.value = "NUL \0, 😀 and 'quotes'"
    new_manager(cls=JsonOnly).add_data_source(source)
    read = new_manager(cls=JsonOnly).get_data("d")
    assert (type(read), read, read.value) == (JsonOnly, source, source.value)
    assert outside(path, "SELECT json_extract(payload, '$.value') FROM algomancy_datasets")
    assert outside(path, "SELECT name FROM sqlite_master WHERE name LIKE 'ds%'") == []


def test_a_payload_can_replace_tables_and_be_replaced(new_manager, dataset, outside, path):
    frame = pl.DataFrame({"x": [1]})
    manager = new_manager(cls=JsonOnly)
    for source, tables in ((dataset(tables={"t": frame}), 1), (JsonOnly(MASTER, name="d"), 0)):
        manager.add_data_source(source)
        found = outside(path, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'ds%'")
        assert found == [[tables]]
        stored = outside(path, "SELECT payload IS NULL, sub_tables IS NULL FROM algomancy_datasets")
        assert stored == [[tables, 1 - tables]]
    manager.derive_data("d", "derived")
    manager.delete_data("d")
    assert new_manager(cls=JsonOnly).get_data("derived").ds_type == MASTER  # its JSON has no type


def test_a_subclass_of_datasource_is_made_again(new_manager, dataset):
    source = dataset(tables={"t": pl.DataFrame({"x": [1, 2]})}, cls=WithAttributes)
    manager = new_manager(cls=WithAttributes)
    manager.add_data_source(source)
    manager.derive_data("d", "derived")
    for name in ("d", "derived"):
        read = new_manager(cls=WithAttributes).get_data(name)
        assert (type(read), read.rows) == (WithAttributes, 2)


def test_a_class_that_expects_pandas_gets_pandas(new_manager):
    new_manager(cls=WithPandasTables).add_data_source(WithPandasTables(MASTER, name="d"))
    read = new_manager(cls=WithPandasTables).get_data("d").received["t"]
    assert isinstance(read, pd.DataFrame)
    assert read["x"].tolist() == [1, 2]
    assert read["s"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("cls", "expected"), [(DataSource, False), (WithPandasTables, True), (Declared, False)]
)
def test_a_class_says_which_frames_it_expects(cls, expected):
    assert isinstance(cls(MASTER, name="d"), SqlTableLayout)
    assert expects_pandas(cls) is expected


def test_an_index_of_a_pandas_frame_is_dropped(new_manager, outside, path: Path):
    new_manager(cls=Declared).add_data_source(Declared(MASTER, name="d"))
    assert isinstance(new_manager(cls=Declared).get_data("d").received["t"], pl.DataFrame)
    assert outside(path, "SELECT x, s FROM ds__s__d__t") == [[1, "a"], [2, None]]


def test_tables_cannot_be_read_by_a_class_without_the_protocol(new_manager, dataset):
    new_manager().add_data_source(dataset(tables={"t": pl.DataFrame({"x": [1]})}))
    with pytest.raises(TypeError, match=r"JsonOnly.*SqlTableLayout"):
        new_manager(cls=JsonOnly).get_data("d")


def test_what_is_no_table_is_refused(new_manager, outside, path):
    class Wrong(JsonOnly):
        def to_sql_tables(self) -> dict[str, Any]:
            return {"wrong": "text"}

        def from_sql_tables(self, tables: dict[str, Any]) -> None: ...

    with pytest.raises(FrameError, match="'wrong'"):
        new_manager(cls=Wrong).add_data_source(Wrong(MASTER, name="d"))
    assert outside(path, "SELECT * FROM algomancy_datasets") == []


@pytest.mark.parametrize("rows", [3, 200_000])
def test_what_another_class_keeps_as_a_payload_is_derived_with_all_that_it_has(new_manager, rows):
    data = AsDocument(MASTER, name="d")
    data.rows = rows
    new_manager(cls=AsDocument).add_data_source(data)
    manager = new_manager()
    manager.derive_data("d", "derived")
    manager.refresh()
    assert manager.get_data("derived").get_table("t").height == rows
    assert manager.get_data("derived").ds_type is DataClassification.DERIVED_DATA
    assert manager.verify() == []
