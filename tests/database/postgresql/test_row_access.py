"""Rows that are added to a table and deleted from it, without writing the others again."""

from __future__ import annotations

import polars as pl
import psycopg
import pytest
import sqlalchemy as sa

from algomancy_data import Column, DataSource, DataType, Schema, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.database.layout import ChildTable
from algomancy_data.database.postgresql.row_access import joined_children
from algomancy_data.errors import DamagedStoreError, SchemaDriftError, StoredKeyError, StoreError
from algomancy_data.testing import assert_identical

TABLE = '"ds__s__d__t"'
CHILDREN = """
    SELECT relname FROM pg_class
    WHERE starts_with(relname, 'algomancy_rows_') AND relkind = 'r' ORDER BY oid
"""


class Things(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    NAME = Column("name", DataType.STRING, unique=True)


@pytest.fixture
def manager(database):
    manager = DatabaseDataManager(SimpleETLFactory, [Things], database, "s", DataSource)
    manager.startup()
    yield manager
    manager.close()


def rows(start, stop):
    """Rows of very different lengths, so that pages end with free room of any size."""
    text = pl.lit("x" * 1900).str.head(pl.col("id") * 7919 % 1900)
    return pl.select(id=pl.int_range(start, stop)).with_columns(name=text + pl.format("{}", "id"))


def add(manager, frame, mode="append"):
    source = DataSource("master_data", name="d")
    source.add_table("t", frame)
    manager.add_data_source(source, mode=mode)


def is_intact(manager, expected):
    assert_identical(manager.get_table("d", "t"), expected)
    return manager.verify() == [] and manager.describe("d").tables["t"].rows == expected.height


def files_of(outside):
    return dict(outside("SELECT relname, pg_relation_filenode(oid) FROM pg_class"))


def test_others_see_all_rows_under_the_name_of_the_table(manager, outside):
    for start in range(0, 30, 3):
        add(manager, rows(start, start + 3))
    assert outside(f"SELECT count(*), sum(id) FROM {TABLE}") == [(30, 435)]
    assert outside("SELECT sql_name, rows FROM algomancy_tables") == [("ds__s__d__t", 30)]
    assert outside("SELECT format_version FROM algomancy_datasets") == [(2,)]
    assert is_intact(manager, rows(0, 30))


def test_no_table_is_made_beside_which_a_server_that_crashes_does_not_start(manager):
    # PostgreSQL's bug 17731: a table that is not logged, made and dropped since a checkpoint.
    said = []
    sa.event.listen(manager.engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    for mode in ("replace", "append", "upsert"):
        add(manager, rows(0, 3) if mode != "append" else rows(3, 6), mode)
    manager.delete_rows("d", "t", pl.col("id") == 1)
    made = [statement for statement in said if "CREATE" in statement and "TABLE" in statement]
    assert len(made) > 3
    assert not any("UNLOGGED" in statement for statement in made)


def test_rows_that_were_there_are_not_written_again(manager, outside):
    add(manager, rows(0, 3000))
    add(manager, rows(3000, 3010))
    before = files_of(outside)
    add(manager, rows(3010, 3020))
    assert manager.delete_rows("d", "t", pl.col("id").is_in([7, 3001])) == 2
    add(manager, rows(4, 5), mode="upsert")
    assert {*before.items()} <= {*files_of(outside).items()}
    expected = rows(0, 3020).filter(~pl.col("id").is_in([4, 7, 3001]))
    assert is_intact(manager, pl.concat([expected, rows(4, 5)]))


def test_the_room_that_others_left_is_not_used(manager, outside):
    add(manager, rows(0, 3000))
    add(manager, rows(3000, 4000))
    assert manager.delete_rows("d", "t", pl.col("id") % 3 == 0) == 1334
    outside(f"VACUUM {TABLE}")
    with pytest.raises(StoredKeyError):
        add(manager, rows(3998, 6000))
    add(manager, rows(4000, 6000))
    outside(f"VACUUM ANALYZE {TABLE}")
    add(manager, rows(6000, 6001))
    expected = rows(0, 6001).filter((pl.col("id") % 3 != 0) | (pl.col("id") >= 4000))
    assert is_intact(manager, expected)


def test_tables_of_few_rows_become_one(manager, outside):
    add(manager, rows(0, 100))
    for start in range(100, 118):
        add(manager, rows(start, start + 1))
    assert len(outside(CHILDREN)) == 4  # of eight rows, eight, one and one
    assert is_intact(manager, rows(0, 118))


def test_what_becomes_one_is_copied_once_for_each_power_of_eight():
    children, copied = [], 0
    for _ in range(20_000):
        joined = joined_children(children, 100)
        taken = sum(child.height for child in children[len(children) - joined :])
        children[len(children) - joined :] = [ChildTable("", taken + 100)]
        copied += taken
    assert sum(child.height for child in children) == 2_000_000
    assert len(children) < 30
    assert copied < 6 * 2_000_000


def test_a_table_of_which_no_row_is_left_goes_unless_it_is_the_first(manager, outside):
    add(manager, rows(0, 10))
    add(manager, rows(10, 20))
    (first,) = outside(CHILDREN)
    add(manager, rows(20, 30))
    manager.delete_rows("d", "t", pl.col("id") < 20)
    assert first not in outside(CHILDREN)
    assert is_intact(manager, rows(20, 30))
    manager.delete_rows("d", "t", pl.lit(value=True))
    assert outside(CHILDREN) == []
    add(manager, rows(5, 8))
    assert is_intact(manager, rows(5, 8))


def test_a_table_goes_with_its_children(manager, outside):
    add(manager, rows(0, 10))
    add(manager, rows(10, 20))
    manager.derive_data("d", "e")
    assert_identical(manager.get_table("e", "t"), rows(0, 20))
    assert len(outside(CHILDREN)) == 1
    add(manager, rows(0, 3), mode="replace")
    assert outside(CHILDREN) == []
    add(manager, rows(10, 20))
    manager.delete_data("d")
    assert outside(CHILDREN) == []
    add(manager, rows(0, 10))
    add(manager, rows(10, 20))
    outside("DELETE FROM algomancy_datasets WHERE name = 'd'")
    assert [one.path for one in manager.store.clear_leftovers()] == ["ds__s__d__t"]
    assert outside(CHILDREN) == []


def test_a_table_that_gets_a_column_is_one_again(manager, outside):
    add(manager, rows(0, 10))
    add(manager, rows(10, 20))
    add(manager, rows(20, 30).with_columns(more=1))
    assert outside(CHILDREN) == []
    expected = [rows(0, 20).with_columns(more=pl.lit(None, pl.Int32)), rows(20, 30)]
    assert is_intact(manager, pl.concat([expected[0], expected[1].with_columns(more=1)]))


def test_every_row_of_a_child_is_read_by_all_who_read(manager):
    frame = rows(0, 130_000).with_columns(name=pl.format("{}", "id"))
    add(manager, frame.head(60_000))
    add(manager, frame[60_000:125_000])
    add(manager, frame[125_000:])
    assert is_intact(manager, frame)
    scan = manager.scan_table("d", "t")
    for predicate in (pl.col("id") >= 124_990, pl.col("name") == "60000", pl.col("id") % 9 == 0):
        assert_identical(scan.filter(predicate).collect(), frame.filter(predicate))
    for head in (1, 60_001, 126_000):
        assert_identical(scan.head(head).collect(), frame.head(head))
    assert manager.query(f"SELECT count(*) AS n FROM {TABLE}").item() == 130_000


def test_a_change_in_a_child_is_found(manager, outside):
    add(manager, rows(0, 10))
    add(manager, rows(10, 20))
    outside(f"UPDATE {TABLE} SET name = 'other' WHERE id = 12")
    assert any("'name' has other values" in damage.problem for damage in manager.verify())
    with pytest.raises(DamagedStoreError):
        add(manager, rows(20, 21))


def test_children_that_are_not_those_of_the_catalogue_are_named(manager, outside):
    add(manager, rows(0, 10))
    add(manager, rows(10, 20))
    outside(f"CREATE TABLE mine () INHERITS ({TABLE})")
    with pytest.raises(SchemaDriftError, match="'mine' inherits from it"):
        manager.get_table("d", "t")
    with pytest.raises(StoreError, match="mine"):
        manager.delete_data("d")
    outside("DROP TABLE mine")
    ((child,),) = outside(CHILDREN)
    outside(f"DROP TABLE {child}")
    with pytest.raises(SchemaDriftError, match=f"{child}' with some of its rows is gone"):
        manager.get_table("d", "t")


def test_what_the_catalogue_says_is_a_child_is_not_dropped_for_that(manager, outside):
    add(manager, rows(0, 10))
    add(manager, rows(10, 20))
    outside("CREATE TABLE precious ()")
    ((child,),) = outside(CHILDREN)
    outside(
        f"UPDATE algomancy_datasets SET sub_tables = replace(sub_tables, '{child}', 'precious')"
    )
    manager.delete_data("d")
    assert outside("SELECT to_regclass('precious') IS NOT NULL") == [(True,)]


def test_keys_of_any_length_are_found_by_an_index(manager, outside, database):
    long = pl.DataFrame({"id": [0, 1, 2], "name": ["a", "b" * 10_000, "\U0001f986"]})
    add(manager, long)
    add(manager, rows(10, 20))
    query = "SELECT count(*) FROM pg_class WHERE starts_with(relname, 'algomancy_key_')"
    assert outside(query) == [(2,)]
    for row in range(3):
        other = long[row].with_columns(id=pl.lit(row + 100, pl.Int64))
        with pytest.raises(StoredKeyError, match="1 of the rows"):
            add(manager, other)
    with psycopg.connect(database) as connection:
        names = connection.execute("SELECT name FROM " + TABLE).fetchall()
    assert len(names) == 13


def test_constraints_of_others_hold_for_rows_that_are_added(manager, outside):
    add(manager, rows(0, 10))
    outside(f"ALTER TABLE {TABLE} ADD CHECK (id < 1000)")
    for start in range(10, 19):
        add(manager, rows(start, start + 1))
    with pytest.raises(StoreError, match="check"):
        add(manager, rows(1000, 1001))
    assert is_intact(manager, rows(0, 19))


def test_another_driver_reads_and_adds_to_a_table_with_children(manager, database):
    add(manager, rows(0, 10))
    add(manager, rows(10, 20))
    engine = sa.create_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    with pytest.warns(UserWarning, match="fast"):
        other = DatabaseDataManager(SimpleETLFactory, [Things], engine, "s", DataSource)
    other.startup()
    assert_identical(other.get_table("d", "t"), rows(0, 20))
    add(other, rows(20, 25))
    assert is_intact(other, rows(0, 25))
    other.close()
    engine.dispose()
    assert is_intact(manager, rows(0, 25))
