"""A data table that is not what was written is named, never guessed at."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.errors import SchemaDriftError

TABLE = '"ds__s__d__t"'


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
