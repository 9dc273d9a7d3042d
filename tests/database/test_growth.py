"""Rows that are added to a table: what is written, and what is not written again."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import polars as pl
import psycopg
import pytest
import sqlalchemy as sa

from algomancy_data import (
    Column,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import DamagedStoreError, StoredKeyError
from algomancy_data.testing import assert_identical
from algomancy_data.testing.samples import sample_frames

TABLE = '"ds__s__d__t"'


class Things(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    NAME = Column("name", DataType.STRING)


@pytest.fixture
def opened(path):
    managers = []

    def opened(url=f"sqlite:///{path}", schemas=(Things,)):
        manager = DatabaseDataManager(SimpleETLFactory, schemas, url, "s", DataSource)
        manager.startup()
        managers.append(manager)
        return manager

    yield opened
    for manager in managers:
        manager.close()


@pytest.fixture
def anywhere(opened, url):
    """Open a manager on either database."""
    return partial(opened, url)


def rows(start, stop):
    return pl.DataFrame({"id": range(start, stop)}).with_columns(
        name=pl.format("name {}", "id"), value=pl.col("id") * 0.5
    )


def add(manager, frame, mode="append"):
    source = DataSource("master_data", name="d")
    source.add_table("t", frame)
    manager.add_data_source(source, mode=mode)


def test_others_see_the_rows_behind_those_that_were_there(path, opened, outside):
    add(opened(), rows(0, 3))
    add(opened(), rows(3, 5))
    found = outside(path, f"SELECT rowid, id, name, value FROM {TABLE}")
    assert found == [[i + 1, i, f"name {i}", i * 0.5] for i in range(5)]
    assert outside(path, "SELECT dataset, sql_name, rows FROM algomancy_tables") == [
        ["d", "ds__s__d__t", 5]
    ]
    tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'ds__*'"
    assert outside(path, tables) == [["ds__s__d__t"]]


def test_rows_that_were_there_are_not_written_again(path, opened, outside):
    manager = opened()
    add(manager, rows(0, 130_000))
    add(manager, rows(130_000, 130_010))  # makes the index
    (sums,) = outside(path, "SELECT sub_tables FROM algomancy_datasets")
    manager.close()
    outside(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.stat().st_size
    add(opened(), rows(130_010, 130_020))
    wal = path.with_name(path.name + "-wal").stat().st_size
    assert wal < 50 * 16_384 < before / 5
    assert sums != outside(path, "SELECT sub_tables FROM algomancy_datasets")


def test_keys_are_found_by_an_index_that_goes_with_the_table(path, opened, outside):
    indexes = "SELECT tbl_name FROM sqlite_schema WHERE name LIKE 'algomancy_key%'"
    add(opened(), rows(0, 10))
    assert outside(path, indexes) == []
    add(opened(), rows(10, 20))
    add(opened(), rows(20, 30))
    assert outside(path, indexes) == [["ds__s__d__t"]]
    opened().derive_data("d", "e")
    opened().delete_data("d")
    assert outside(path, indexes) == []
    assert_identical(opened().get_data("e").get_table("t"), rows(0, 30))


def test_a_table_that_others_refer_to_gets_an_index_of_the_key(path, opened, outside):
    class Parts(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "parts", "csv", "single"
        THING = Column("thing", DataType.INTEGER, foreign_key=("t", "id"))

    manager = opened(schemas=(Things, Parts))
    for _ in range(2):
        source = DataSource("master_data", name="d")
        source.tables = {"parts": pl.DataFrame({"thing": [1, 2]})}
        if not manager.get_data_keys():
            source.add_table("t", rows(0, 3))
        manager.add_data_source(source, mode="append")
    indexes = "SELECT tbl_name FROM sqlite_schema WHERE name LIKE 'algomancy_key%'"
    assert outside(path, indexes) == [["ds__s__d__t"]]
    found = manager.store.known_keys("d", "t", ["id"], pl.DataFrame({"x": [2, 9]}), DataSource)
    assert found.to_list() == [True, False]


@pytest.mark.parametrize(
    "ids",
    [
        pl.Series([1, 2, 3], dtype=pl.Int8),
        pl.Series([1, 2, 2**64 - 1], dtype=pl.UInt64),
        pl.Series([0.5, float("nan"), 3]),
        pl.Series(["a", "a\0b", "\U0001f986"]),
        pl.Series(["a", "b", "c"], dtype=pl.Categorical()),
        pl.Series(["1.10", "2.00", "3.00"]).cast(pl.Decimal(10, 2)),
        pl.Series([b"a", b"\0", b""]),
        pl.Series([10**18, 10**18 + 1, 0]).cast(pl.Datetime("ns", "Europe/Amsterdam")),
        pl.Series([[1], [2], [3]]),
    ],
    ids=lambda ids: str(ids.dtype),
)
def test_a_key_of_any_dtype_is_found(anywhere, ids):
    frame = pl.DataFrame({"id": ids, "name": ["a", "b", "c"]})
    manager = anywhere()
    add(manager, frame.head(2))
    add(manager, frame.slice(2))
    for row in range(3):
        with pytest.raises(StoredKeyError, match="1 of the rows"):
            add(manager, frame[row])
    add(manager, frame[1].with_columns(name=pl.lit("B")), mode="upsert")
    assert_identical(
        anywhere().get_data("d").get_table("t"),
        pl.concat([frame[0], frame[2], frame[1].with_columns(name=pl.lit("B"))]),
    )
    assert manager.verify() == []


def test_damage_is_not_covered_by_rows_that_are_added(path, opened, outside):
    add(opened(), rows(0, 60_000))
    outside(path, f"UPDATE {TABLE} SET name = 'other' WHERE id = 55000", "SELECT 1")
    with pytest.raises(DamagedStoreError, match=r"'name'.*row 5,000"):
        add(opened(), rows(60_000, 60_001))
    outside(path, f"UPDATE {TABLE} SET name = 'name 55000' WHERE id = 55000", "SELECT 1")
    outside(path, f"UPDATE {TABLE} SET name = 'other' WHERE id = 7", "SELECT 1")
    add(opened(), rows(60_000, 60_001))  # the whole blocks are not read
    (found,) = opened().verify()
    assert "row 7" in found.problem


def test_rows_are_replaced_wherever_they_are(anywhere):
    manager = anywhere()
    add(manager, rows(0, 120_000))
    expected = rows(0, 120_000)
    for ids in ([119_999], [50_000, 100_000], [0, 49_999, 7, 119_000], [200_000, 3]):
        new = pl.DataFrame({"id": ids, "name": ["new"] * len(ids), "value": [-1.0] * len(ids)})
        add(manager, new, mode="upsert")
        expected = pl.concat([expected.filter(~pl.col("id").is_in(ids)), new])
        assert_identical(anywhere().get_data("d").get_table("t"), expected)
        assert anywhere().verify() == []


def test_rows_that_are_nested_deeply_are_appended_and_deleted(opened):
    manager, deep = opened(schemas=()), sample_frames()["deep"]
    parts = [deep.with_columns(number=pl.lit(number)) for number in range(3)]
    for part in parts:
        add(manager, part)
    assert manager.delete_rows("d", "t", pl.col("number") == 1) == 1
    reader = opened(schemas=())
    assert_identical(reader.get_data("d").get_table("t"), pl.concat([parts[0], parts[2]]))
    assert reader.verify() == []


def test_a_form_that_does_not_hold_new_values_becomes_another_one(anywhere):
    manager = anywhere(schemas=())
    parts = [
        pl.DataFrame({"f": [1.5, None], "u": pl.Series([1, 2], dtype=pl.UInt64)}),
        pl.DataFrame({"f": [float("nan"), -0.0], "u": pl.Series([3, 2**64 - 1], dtype=pl.UInt64)}),
        pl.DataFrame({"f": [None, float("inf")], "u": pl.Series([5, None], dtype=pl.UInt64)}),
    ]
    for part in parts:
        add(manager, part)
    assert_identical(anywhere().get_data("d").get_table("t"), pl.concat(parts))
    assert manager.verify() == []


ADDER = """
import sys
import polars as pl
from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

path, first = sys.argv[1], int(sys.argv[2])
manager = DatabaseDataManager(SimpleETLFactory, [], f"sqlite:///{path}", "s", DataSource)
manager.startup()
print("ready", flush=True)
sys.stdin.readline()
for number in range(first, first + 20, 2):
    source = DataSource("master_data", name="d")
    source.add_table("t", pl.DataFrame({"id": [number] * 100}))
    manager.add_data_source(source, mode="append")
manager.close()
"""


def test_processes_that_add_at_the_same_time_lose_nothing(path, opened, outside):
    add(opened(), pl.DataFrame({"id": [-1]}))
    adders = [
        subprocess.Popen(
            [sys.executable, "-c", ADDER, str(path), str(first)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for first in (0, 1)
    ]
    for adder in adders:
        assert adder.stdout.readline() == "ready\n"
    for adder in adders:
        adder.stdin.write("\n")
        adder.stdin.close()
    for adder in adders:
        assert adder.wait(60) == 0
        adder.stdout.close()
    counts = f"SELECT id, count(*) FROM {TABLE} WHERE id >= 0 GROUP BY id ORDER BY id"
    assert outside(path, counts) == [[number, 100] for number in range(20)]
    info = opened().describe("d")
    assert (info.tables["t"].rows, len(info.provenance.loads)) == (2001, 20)
    assert opened().verify() == []


def test_postgresql_has_the_rows_in_order(opened, empty_postgresql):
    manager = opened(empty_postgresql)
    add(manager, rows(0, 3))
    add(manager, rows(3, 5))
    with pytest.raises(StoredKeyError, match="id=4"):
        add(manager, rows(4, 6))
    add(manager, rows(1, 2), mode="upsert")
    with manager.engine.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT id, name, value FROM {TABLE}").fetchall()
    assert [tuple(row) for row in found] == [(i, f"name {i}", i * 0.5) for i in (0, 2, 3, 4, 1)]
    assert manager.verify() == []


# Adds a row that refers to another one; between the checks and the transaction it waits.
REFERRING = """
import sys
from algomancy_data import (
    Column, CSVFile, DataSource, DataType, Schema, SimpleETLFactory, Transformer,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import AdditionError
from algomancy_data.transformer import TransformationSequence

class Parts(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "parts", "csv", "single"
    THING = Column("thing", DataType.INTEGER, foreign_key=("t", "id"))

class Waiting(Transformer):
    def transform(self, data):
        print("checked", flush=True)
        sys.stdin.readline()

class Factory(SimpleETLFactory):
    check_foreign_keys = True

    @classmethod
    def create_transformation_sequence(cls, schemas, logger=None):
        return TransformationSequence([Waiting("wait")])

url, path = sys.argv[1:]
manager = DatabaseDataManager(Factory, [Parts], url, "s", DataSource)
manager.startup()
try:
    file = CSVFile("parts", path=path)
    print(manager.etl_data({"parts": file}, "d", mode="append").status, flush=True)
except AdditionError as error:
    print(error, flush=True)
manager.close()
"""


@pytest.mark.long
@pytest.mark.parametrize("change", ["delete rows", "replace", "delete", "others", "nothing"])
def test_what_rows_refer_to_is_looked_up_again_where_the_dataset_was_changed(
    anywhere, url, tmp_path, change
):
    path = tmp_path / "parts.csv"
    path.write_text("thing\n2\n")
    manager = anywhere(schemas=())
    add(manager, rows(0, 5))
    place = url.render_as_string(hide_password=False)
    other = subprocess.Popen(
        [sys.executable, "-c", REFERRING, place, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout.readline() == "checked\n"
    match change:
        case "delete rows":
            manager.delete_rows("d", "t", pl.col("id") == 2)
        case "replace":
            add(manager, rows(3, 5), mode="replace")
        case "delete":
            manager.delete_data("d")
        case "others":
            add(manager, rows(5, 7))
            manager.delete_rows("d", "t", pl.col("id") == 1)
    said, _ = other.communicate("\n", 60)
    is_lost = change in {"delete rows", "replace", "delete"}
    assert ("keys (id) of table 't'" in said and "1 in all, such as thing=2" in said) == is_lost
    assert (said == "success\n") != is_lost
    manager.close()
    found = anywhere(schemas=())
    assert found.verify() == []
    if change != "delete":
        assert ("parts" in found.describe("d").tables) != is_lost


def test_all_rows_can_be_deleted_by_what_asks_for_no_column(manager, dataset):
    frame = pl.DataFrame({"id": [1, 2], "s": ["a", None]})
    manager.add_data_source(dataset(tables={"t": frame}))
    assert manager.delete_rows("d", "t", pl.lit(value=False)) == 0
    assert manager.get_data("d").get_table("t").equals(frame)
    assert manager.delete_rows("d", "t", pl.lit(value=True)) == 2
    assert manager.get_data("d").get_table("t").equals(frame.clear())


@pytest.mark.filterwarnings("ignore::algomancy_data.errors.PortablePathWarning")
def test_rows_are_deleted_through_a_driver_that_cannot_say_where_they_are(
    new_manager, dataset, empty_postgresql
):
    engine = sa.create_engine(sa.make_url(empty_postgresql).set(drivername="postgresql+psycopg"))
    manager = new_manager(engine)
    manager.add_data_source(dataset(tables={"t": pl.DataFrame({"id": [1, 2, 3]})}))
    assert manager.delete_rows("d", "t", pl.col("id") == 2) == 1
    with psycopg.connect(empty_postgresql) as connection:
        assert connection.execute('SELECT id FROM "ds__s__d__t"').fetchall() == [(1,), (3,)]
    manager.close()
    engine.dispose()
