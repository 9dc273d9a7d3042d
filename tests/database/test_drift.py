"""Tables that are not what this version wrote are named, never guessed at."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import SchemaDriftError, StoreError

TABLE = '"ds__s__d__t"'
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
TABLE_CHANGES = {
    "dropped": ([f"DROP TABLE {TABLE}"], "is gone"),
    "a column added": ([f"ALTER TABLE {TABLE} ADD COLUMN extra TEXT"], "'extra' was added"),
    "a column removed": ([f"ALTER TABLE {TABLE} DROP COLUMN i"], "'i' is missing"),
    "a column renamed": (
        [f"ALTER TABLE {TABLE} RENAME COLUMN i TO j"],
        "'i' is missing; column 'j' was added",
    ),
    "a type changed": (
        [
            f"DROP TABLE {TABLE}",
            f"CREATE TABLE {TABLE} (i TEXT, s TEXT, f REAL, d DATETIME, b BOOLEAN)",
        ],
        "'i' is TEXT instead of INTEGER",
    ),
    "text in an integer column": ([f"UPDATE {TABLE} SET i = 'text'"], "'i'.*integer was written"),
    "a float in an integer column": ([f"UPDATE {TABLE} SET i = 1.5"], "'i'.*integer was written"),
    "an integer too large for its dtype": ([f"UPDATE {TABLE} SET i = 300"], "not written by this"),
    "a blob in a text column": ([f"UPDATE {TABLE} SET s = x'ff'"], "'s'.*text was written"),
    "text in a float column": ([f"UPDATE {TABLE} SET f = 'text'"], "'f'.*real was written"),
    "no date in a date column": ([f"UPDATE {TABLE} SET d = 'today'"], "not written by this"),
    "a number in a boolean column": ([f"UPDATE {TABLE} SET b = 5"], "'b'.*boolean was written"),
    "one text among integers": ([f"UPDATE {TABLE} SET i = 'x' WHERE i = 2"], "'i'.*integer was"),
    "a number in a date column": ([f"UPDATE {TABLE} SET d = 20130102"], "'d'.*iso was written"),
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
@pytest.mark.parametrize("change", TABLE_CHANGES)
def test_a_table_changed_by_hand_is_refused_at_load_and_can_be_deleted(
    new_manager, outside, path, change
):
    statements, said = TABLE_CHANGES[change]
    outside(path, *statements)
    manager = new_manager()
    with pytest.raises(SchemaDriftError, match=said):
        manager.get_data("d")
    manager.delete_data("d")
    assert manager.get_data_keys() == []
    assert outside(path, "SELECT name FROM sqlite_master WHERE name LIKE 'ds%'") == []


def test_columns_that_changed_places_are_read_and_copied_by_their_names(
    new_manager, outside, path, dataset
):
    given = pl.DataFrame({"a": [1, 2], "b": [3, 4]})
    manager = new_manager()
    manager.add_data_source(dataset(tables={"t": given}))
    manager.close()
    outside(
        path,
        f"ALTER TABLE {TABLE} RENAME TO before",
        f"""CREATE TABLE {TABLE} ("b" INTEGER, "a" INTEGER
        /*algomancy-data:["s", "d", "t"]*/)""",
        f"INSERT INTO {TABLE} (a, b) SELECT a, b FROM before",
        "DROP TABLE before",
    )
    manager = new_manager()
    manager.derive_data("d", "e")
    manager.refresh()
    for name in ("d", "e"):
        assert manager.get_data(name).get_table("t").equals(given)
    assert manager.verify() == []
    assert outside(path, "SELECT a, b FROM ds__s__e__t ORDER BY a") == [[1, 3], [2, 4]]


@pytest.mark.usefixtures("written")
def test_rows_added_by_hand_far_away_are_read_in_their_order(new_manager, outside, path):
    outside(path, f"INSERT INTO {TABLE} (_rowid_, s) VALUES ({2**62}, 'last'), (-5, 'first')")
    assert new_manager().get_data("d").get_table("t")["s"].to_list() == ["first", "a", "b", "last"]


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
