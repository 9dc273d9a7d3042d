"""Rows that replace others, and those that refer to others."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data import (
    Column,
    CSVFile,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
    StatefulDataManager,
    StatelessDataManager,
    Transformer,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import AdditionError
from algomancy_data.transformer import TransformationSequence

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")

COLUMNS = {"id": pl.Int64(), "code": pl.String(), "value": pl.Float64()}


class Things(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    CODE = Column("code", DataType.STRING, unique=True, nullable=True)
    VALUE = Column("value", DataType.FLOAT, nullable=True)


def frame_of(rows):
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def source_of(rows):
    source = DataSource("master_data", name="d")
    source.add_table("t", frame_of(rows))
    return source


def opened(kind, place):
    match kind:
        case "memory":
            manager = StatelessDataManager(SimpleETLFactory, [Things], "json", DataSource)
        case "folder":
            manager = StatefulDataManager(SimpleETLFactory, [Things], place, "json", DataSource)
        case _:
            manager = DatabaseDataManager(SimpleETLFactory, [Things], place, "s", DataSource)
    manager.startup()
    return manager


@pytest.fixture(scope="session")
def url(new_database):
    return new_database("additions")


@pytest.mark.parametrize("kind", ["memory", "folder", "sqlite", "postgresql"])
def test_one_row_takes_the_place_of_one_and_never_of_several(request, tmp_path, kind):
    places = {"folder": str(tmp_path), "sqlite": f"sqlite:///{tmp_path}/data.db"}
    place = request.getfixturevalue("url") if kind == "postgresql" else places.get(kind, "")
    with opened(kind, place) as manager:
        stored = [(0, None, None), (0, None, None), (1, None, None)]
        manager.add_data_source(source_of(stored))
        with pytest.raises(AdditionError, match=r"\(id\): 2 stored rows share theirs.*id=0"):
            manager.add_data_source(source_of([(0, None, None)]), mode="upsert")
        manager.add_data_source(source_of([(1, "a", None)]), mode="upsert")
        assert manager.get_table("d", "t").rows() == [*stored[:2], (1, "a", None)]


class Parts(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "parts", "csv", "single"
    THING = Column("thing", DataType.INTEGER, foreign_key=("t", "id"))


def test_rows_are_refused_whose_parents_go_after_they_were_checked(tmp_path):
    class Deleting(Transformer):
        def transform(self, data):
            assert manager.delete_rows("d", "t", pl.col("id") == 2) == 1

    class Factory(SimpleETLFactory):
        check_foreign_keys = True

        @classmethod
        def create_transformation_sequence(cls, schemas, logger=None):
            return TransformationSequence([Deleting("delete")])

    path = tmp_path / "parts.csv"
    path.write_text("thing\n1\n2\n")
    url = f"sqlite:///{tmp_path}/data.db"
    for manager in (
        StatelessDataManager(Factory, [Parts], "json", DataSource),
        StatefulDataManager(Factory, [Parts], str(tmp_path / "folder"), "json", DataSource),
        DatabaseDataManager(Factory, [Parts], url, "s", DataSource),
    ):
        manager.startup()
        manager.add_data_source(source_of([(1, None, None), (2, None, None)]))
        with pytest.raises(AdditionError, match=r"keys \(id\) of table 't'.*1 in all.*thing=2"):
            manager.etl_data({"parts": CSVFile("parts", path=str(path))}, "d", mode="append")
        assert list(manager.describe("d").tables) == ["t"]
        manager.close()
