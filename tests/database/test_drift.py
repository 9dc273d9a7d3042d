"""Tables that are not what this version wrote are named, never guessed at."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import SchemaDriftError, StoreError

PANDAS_CATALOGUE = """
    CREATE TABLE algomancy_datasets (
        id VARCHAR NOT NULL PRIMARY KEY, name VARCHAR NOT NULL, session_id VARCHAR NOT NULL,
        ds_type VARCHAR NOT NULL, creation_datetime DATETIME, payload TEXT)
"""
WITHOUT_PAYLOAD = "ALTER TABLE algomancy_datasets DROP COLUMN payload"
CATALOGUE_CHANGES = {
    "lacks payload": (["ALTER TABLE algomancy_datasets DROP COLUMN payload"], "'payload' is miss"),
    "lacks two": (
        [
            "ALTER TABLE algomancy_datasets DROP COLUMN version",
            "ALTER TABLE algomancy_datasets DROP COLUMN sub_tables",
        ],
        r"'version' is missing; column 'sub_tables' is missing",
    ),
    "another type": (
        [
            "ALTER TABLE algomancy_datasets DROP COLUMN added_at",
            "ALTER TABLE algomancy_datasets ADD COLUMN added_at INTEGER",
        ],
        r"'added_at' is INTEGER\(\) instead of DateTime\(\)",
    ),
    "one that must be filled": (
        [
            "DROP TABLE algomancy_datasets",
            """CREATE TABLE algomancy_datasets (
                session_id TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL,
                ds_type TEXT NOT NULL, creation_datetime DATETIME NOT NULL,
                added_at DATETIME NOT NULL, version TEXT NOT NULL,
                format_version INTEGER NOT NULL, sub_tables TEXT, payload TEXT,
                provenance TEXT NOT NULL, owner TEXT NOT NULL)""",
        ],
        "'owner' is unknown and must be filled",
    ),
    "the pandas package's": (
        ["DROP TABLE algomancy_datasets", PANDAS_CATALOGUE],
        r"pandas-based algomancy-data\. read_pandas_database\(\) reads",
    ),
    "the pandas package's, without a payload": (
        ["DROP TABLE algomancy_datasets", PANDAS_CATALOGUE, WITHOUT_PAYLOAD],
        r"pandas-based algomancy-data, and its column 'payload' is missing\. read_pandas_data",
    ),
}


@pytest.fixture
def written(new_manager, dataset):
    """A dataset in the file, its manager closed."""
    manager = new_manager()
    frame = pl.DataFrame(
        {"i": [1, 2], "s": ["a", "b"], "f": [0.5, 1.5], "d": [0, 1], "b": [True, None]},
        schema={
            "i": pl.Int8,
            "s": pl.String,
            "f": pl.Float64,
            "d": pl.Datetime("us"),
            "b": pl.Boolean,
        },
    )
    manager.add_data_source(dataset(tables={"t": frame}))
    manager.close()


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("change", CATALOGUE_CHANGES)
def test_a_catalogue_of_another_shape_is_refused_at_startup(new_manager, outside, path, change):
    statements, said = CATALOGUE_CHANGES[change]
    outside(path, *statements)
    with pytest.raises(SchemaDriftError, match=said) as drift:
        new_manager()
    assert isinstance(drift.value, RuntimeError)
    assert path.name in str(drift.value)
    assert "drop the table 'algomancy_datasets' and rebuild" in str(drift.value)


@pytest.mark.usefixtures("written")
def test_a_manager_that_could_not_be_started_keeps_saying_why(outside, path):
    """As it must where a caller swallowed the first error, which the framework does."""
    outside(path, "DROP TABLE algomancy_datasets", PANDAS_CATALOGUE)
    manager = DatabaseDataManager(SimpleETLFactory, [], f"sqlite:///{path}", "s", DataSource)
    with pytest.raises(StoreError, match=r"call startup\(\) first"):
        manager.get_data_keys()
    with pytest.raises(SchemaDriftError):
        manager.startup()
    with pytest.raises(StoreError, match=r"could not be started: .*read_pandas_database"):
        manager.get_data_keys()
    outside(path, "DROP TABLE algomancy_datasets")
    manager.startup()
    assert manager.get_data_keys() == []
    manager.close()


@pytest.mark.usefixtures("written")
def test_a_catalogue_with_a_column_more_that_may_be_empty_is_fine(new_manager, outside, path):
    outside(path, "ALTER TABLE algomancy_datasets ADD COLUMN note TEXT")
    manager = new_manager()
    manager.derive_data("d", "e")
    assert manager.get_data_keys() == ["d", "e"]


@pytest.mark.usefixtures("written")
def test_a_dataset_of_a_later_version_is_refused(new_manager, outside, path):
    outside(path, "UPDATE algomancy_datasets SET format_version = 99")
    manager = new_manager()
    with pytest.raises(SchemaDriftError, match=r"later version.*format 99.*Upgrade"):
        manager.get_data("d")


@pytest.mark.usefixtures("written")
def test_a_dataset_of_an_unknown_type_is_logged_and_left_out(new_manager, outside, path, caplog):
    outside(path, "UPDATE algomancy_datasets SET ds_type = 'rumours'")
    manager = new_manager()
    assert manager.get_data("d") is None
    assert "unknown type 'rumours'" in caplog.text
    (found,) = manager.verify()
    assert "unknown type 'rumours'" in found.problem


@pytest.fixture
def many(new_manager, dataset):
    """A manager that has seen so many tables that it knows all of them."""
    manager = new_manager()
    manager.add_data_sources(
        dataset(f"d{at}", tables={"t": pl.DataFrame({"x": [at], "y": [None]})}) for at in range(12)
    )
    for name in [*manager.get_data_keys(), "d0"]:
        manager.store.load(name, DataSource)
    return manager


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('ALTER TABLE "{}" ADD COLUMN z TEXT', "column 'z' was added"),
        ('ALTER TABLE "{}" RENAME COLUMN y TO w', "column 'y' is missing"),
        ('DROP TABLE "{}"', "is gone"),
        ('ALTER TABLE "{}" RENAME TO elsewhere', "is gone"),
        ('DROP TABLE "{0}"; CREATE TABLE "{0}" (x INTEGER, y TEXT)', "'y' is TEXT instead of"),
    ],
)
def test_a_change_by_others_is_noticed_when_all_tables_are_known(many, path, outside, change, said):
    for statement in change.format("ds__s__d3__t").split("; "):
        outside(path, statement)
    for _ in range(2):
        with pytest.raises(SchemaDriftError, match=said):
            many.store.load("d3", DataSource)
        for at in (4, 5, 6, 7, 8, 9, 10, 11):
            assert many.store.load(f"d{at}", DataSource).data.get_table("t")["x"].to_list() == [at]


def test_what_a_transaction_of_ones_own_took_back_is_not_remembered(many, path, outside):
    other = many.engine.execution_options(isolation_level="IMMEDIATE")
    known = many.store._storage._known
    with other.connect() as connection:
        connection.exec_driver_sql('ALTER TABLE "ds__s__d3__t" ADD COLUMN z TEXT')
        (sql,) = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_schema WHERE name = 'ds__s__d3__t'"
        ).one()
        assert not any(known.has(connection, sql) for _ in range(20))
        connection.rollback()
    outside(path, 'ALTER TABLE "ds__s__d4__t" ADD COLUMN z TEXT')  # gives the schema that number
    assert many.store.load("d3", DataSource).data.get_table("t")["x"].to_list() == [3]
    with pytest.raises(SchemaDriftError, match="column 'z' was added"):
        many.store.load("d4", DataSource)


def test_rows_that_others_added_are_read_as_well(many, path, outside):
    outside(path, 'INSERT INTO "ds__s__d3__t" (rowid, x) VALUES (-7, 1), (5000000000000000000, 2)')
    assert many.store.load("d3", DataSource).data.get_table("t")["x"].to_list() == [1, 3, 2]
    outside(path, 'DELETE FROM "ds__s__d3__t" WHERE x = 3')
    assert many.store.load("d3", DataSource).data.get_table("t")["x"].to_list() == [1, 2]
