"""A row of the catalogue that somebody damaged concerns its own dataset only."""

from __future__ import annotations

import json

import polars as pl
import pytest
import sqlalchemy as sa

from algomancy_data.database.catalogue import has_catalogue, session_names
from algomancy_data.database.engines import store_engine
from algomancy_data.database.models import FORMAT_VERSION, datasets_table
from algomancy_data.errors import DamagedStoreError, SchemaDriftError, StoreError

FRAME = pl.DataFrame({"x": [1, 2, 3], "s": ["a", None, "b"]})
DAMAGE = [
    ("provenance", "null"),
    ("provenance", "["),
    ("provenance", '{"tables": {"t": {"rows": -1, "bytes": 0}}}'),
    ("messages", "5"),
    ("messages", '[{"severity": "DIRE", "message": "m"}]'),
    ("messages", "[" * 100_000),
    ("sub_tables", "["),
    ("sub_tables", "null"),
    ("sub_tables", '[{"name": "t"}]'),
    ("sub_tables", '{"a":' * 100_000),
]
WRONG_TYPES = [
    ("creation_datetime", "'yesterday'"),
    ("format_version", "'one'"),
    ("version", "X'FF'"),
    ("messages", "CAST(X'FF' AS TEXT)"),
    ("provenance", "7"),
    ("id", "X'FFFE'"),
]

pytestmark = pytest.mark.filterwarnings("ignore::algomancy_data.errors.PortablePathWarning")


@pytest.fixture(
    params=["sqlite", pytest.param("sqlite+pysqlite", marks=pytest.mark.long), "postgresql"]
)
def place(request, path):
    if request.param != "postgresql":
        return f"{request.param}:///{path}"
    return request.getfixturevalue("empty_postgresql")


@pytest.fixture
def manager(new_manager, place, dataset):
    manager = new_manager(place)
    for name in ("a", "damaged", "z"):
        manager.add_data_source(dataset(name, {"t": FRAME}))
    manager.refresh()
    return manager


def run(manager, statement, **values):
    with manager.engine.begin() as connection:
        connection.execute(sa.text(statement), values)


def set_column(manager, column, value, name="damaged"):
    row = sa.update(datasets_table).where(datasets_table.c.name == name)
    with manager.engine.begin() as connection:
        connection.execute(row.values({column: value}))


def tables(manager):
    return {name for name in sa.inspect(manager.engine).get_table_names() if name[:4] == "ds__"}


def assert_only_damaged_is(manager, dataset, column):
    """It is named with its column, the others work, and it can be overwritten and deleted."""
    manager.refresh()
    for call in (manager.get_data, manager.describe):
        with pytest.raises(StoreError, match=rf"'damaged' is damaged.*{column!r}"):
            call("damaged")
    with pytest.raises(StoreError, match="is damaged"):
        manager.derive_data("damaged", "derived")
    manager.startup()
    assert manager.get_data_keys() == ["a", "damaged", "z"]
    first, damaged, last = manager.describe_all()
    assert (first.name, damaged.name, last.name) == ("a", "damaged", "z")
    assert (first.problem, last.problem) == ("", "")
    assert column in damaged.problem
    assert list(damaged.tables) == ([] if column == "sub_tables" else ["t"])
    assert (damaged.creation_datetime is None) == (column == "creation_datetime")
    (shown,) = (line for line in str(manager).splitlines() if line.endswith(" damaged"))
    assert shown.startswith("  damaged ")
    assert "<td>damaged</td></tr>" in manager._repr_html_()
    assert_others_can_be_queried(manager)
    assert manager.get_data("z").get_table("t").equals(FRAME)
    (found,) = manager.verify()
    assert (found.dataset, found.path) == ("damaged", "algomancy_datasets")
    assert column in found.problem
    assert manager.clear_leftovers() == []
    manager.add_data_source(dataset("damaged", {"t": FRAME, "new": FRAME}))
    assert manager.verify() == manager.leftovers() == []
    assert len(tables(manager)) == 4


def assert_others_can_be_queried(manager):
    """A query is refused only if it names a table of the damaged dataset."""
    both = 'SELECT \'damaged.t\', "a.t".x FROM "a.t" JOIN "z.t" USING (x) -- t'
    assert manager.query(both).height == 3
    assert manager.query("SELECT max(x) FROM T", ["z"]).item() == 3
    for name in ("t", "T", '"damaged.t"'):
        with pytest.raises(DamagedStoreError, match="names table 't' of dataset 'damaged', which"):
            manager.query(f"SELECT x FROM {name}")
    with pytest.raises(DamagedStoreError, match="is damaged"):
        manager.query("SELECT 1", ["damaged"])


@pytest.mark.parametrize(("column", "value"), DAMAGE)
def test_a_damaged_row_concerns_its_own_dataset(manager, dataset, column, value):
    set_column(manager, column, value)
    assert_only_damaged_is(manager, dataset, column)
    set_column(manager, column, value)
    manager.delete_data("damaged")
    assert manager.get_data_keys() == ["a", "z"]
    assert manager.leftovers() == []
    assert tables(manager) == {"ds__s__a__t", "ds__s__z__t"}


@pytest.mark.parametrize(
    "place", ["sqlite", pytest.param("sqlite+pysqlite", marks=pytest.mark.long)], indirect=True
)
@pytest.mark.parametrize(("column", "value"), WRONG_TYPES)
def test_a_value_of_another_type_does_so_too(manager, dataset, column, value):
    statement = f"UPDATE algomancy_datasets SET {column} = {value} WHERE name = 'damaged'"
    run(manager, statement)
    if column != "version":
        assert_only_damaged_is(manager, dataset, column)
    manager.delete_data("damaged")
    assert manager.verify() == manager.leftovers() == []


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("sub_tables", "null", "'tables' is None instead of a list"),
        ("creation_datetime", "x", "Invalid isoformat string: 'x'"),
        ("id", b"\xff", "it is missing, or no text"),
    ],
)
def test_the_error_of_a_damaged_row_says_what_is_wrong_and_what_to_do(
    manager, column, value, problem
):
    statement = f"UPDATE algomancy_datasets SET {column} = :value WHERE name = 'damaged'"
    run(manager, statement, value=value)
    manager.refresh()
    with pytest.raises(DamagedStoreError) as error:
        manager.describe("damaged")
    said = f"The catalogue's row of dataset 'damaged' is damaged: its {column!r} cannot be read"
    help_ = "Restore the database from a backup, or delete the dataset and load it again."
    assert str(error.value) == f"{said}: {problem}. {help_}"


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_row_without_a_name_is_damage_of_the_store(manager):
    run(manager, "UPDATE algomancy_datasets SET name = X'FF' WHERE name = 'damaged'")
    assert manager.get_data_keys() == ["a", "z"]
    assert [one.name for one in manager.describe_all()] == ["a", "z"]
    assert [one.path for one in manager.verify()] == ["algomancy_datasets"]


@pytest.mark.parametrize("moment", ["9999-12-31 23:59:59.999999", "infinity"])
def test_a_time_of_addition_that_nothing_can_follow_keeps_nobody_from_adding(
    manager, place, dataset, moment
):
    text = f"UPDATE algomancy_datasets SET added_at = '{moment}' WHERE name = 'damaged'"
    run(manager, text)
    manager.add_data_source(dataset("new", {"t": FRAME}))
    assert set(manager.get_data_keys()) == {"a", "damaged", "new", "z"}


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_a_time_that_python_does_not_know_is_damage(manager, dataset):
    run(
        manager,
        "UPDATE algomancy_datasets SET creation_datetime = 'infinity' WHERE name = 'damaged'",
    )
    assert_only_damaged_is(manager, dataset, "creation_datetime")


@pytest.mark.parametrize("theirs", ["ds__other__secret__t", "ds__s__z__t", "users", "gone"])
def test_a_row_that_names_somebody_elses_table_neither_shows_nor_drops_it(
    manager, new_manager, place, dataset, theirs
):
    other = new_manager(place, "other")
    other.add_data_source(dataset("secret", {"t": FRAME}))
    run(manager, "CREATE TABLE users (x INTEGER, s TEXT)")
    run(manager, "INSERT INTO users VALUES (7, 'me')")
    with manager.engine.connect() as connection:
        query = "SELECT sub_tables FROM algomancy_datasets WHERE name = 'damaged'"
        (layout,) = json.loads(connection.execute(sa.text(query)).scalar())
    layout["physical"] = theirs
    set_column(manager, "sub_tables", json.dumps([layout]))
    for read in (
        lambda: manager.get_data("damaged"),
        lambda: manager.get_table("damaged", "t"),
        lambda: manager.get_table("damaged", "t", head=1),
        lambda: manager.derive_data("damaged", "derived"),
    ):
        with pytest.raises(SchemaDriftError, match=r"is another one|is gone"):
            read()
    with pytest.raises(StoreError):
        manager.query("SELECT * FROM t", ["damaged"])
    (found,) = manager.verify("damaged")
    assert found.path == theirs
    manager.delete_data("damaged")
    assert manager.get_data("z").get_table("t").equals(FRAME)
    assert other.get_data("secret").get_table("t").equals(FRAME)
    run(manager, "SELECT x FROM users")
    assert [one.path for one in manager.clear_leftovers()] == ["ds__s__damaged__t"]


@pytest.mark.parametrize("part", ["table", "column"])
def test_a_name_that_was_changed_in_the_row_is_damage(manager, dataset, part):
    with manager.engine.connect() as connection:
        query = "SELECT sub_tables FROM algomancy_datasets WHERE name = 'damaged'"
        (layout,) = json.loads(connection.execute(sa.text(query)).scalar())
    (layout if part == "table" else layout["columns"][0])["name"] += "!"
    set_column(manager, "sub_tables", json.dumps([layout]))
    assert_only_damaged_is(manager, dataset, "sub_tables")


def test_a_row_of_an_earlier_version_has_no_check_sum_of_names(manager):
    with manager.engine.connect() as connection:
        query = "SELECT sub_tables FROM algomancy_datasets WHERE name = 'damaged'"
        (layout,) = json.loads(connection.execute(sa.text(query)).scalar())
    del layout["check"]
    set_column(manager, "sub_tables", json.dumps([layout]))
    manager.refresh()
    assert manager.get_data("damaged").get_table("t").equals(FRAME)


def test_tables_that_were_swapped_by_hand_are_not_taken_for_each_other(manager):
    for old, new in (("a", "x"), ("z", "a"), ("x", "z")):
        run(manager, f"ALTER TABLE ds__s__{old}__t RENAME TO ds__s__{new}__t")
    with pytest.raises(SchemaDriftError, match="is another one"):
        manager.get_data("a")
    manager.delete_data("a")
    assert "ds__s__a__t" in tables(manager)


def test_rows_that_somebody_else_deletes_take_their_tables_with_them(manager, new_manager, place):
    set_column(manager, "sub_tables", "[")
    other = new_manager(place, "other")
    other.set_data("a", manager.get_data("a"))
    with manager.engine.begin() as connection:
        connection.execute(datasets_table.delete().where(datasets_table.c.session_id == "s"))
    assert tables(manager) == {"ds__other__a__t"}
    with manager.engine.connect() as connection:
        connection.execute(datasets_table.delete())
        connection.rollback()
    assert other.get_data("a").get_table("t").equals(FRAME)


def test_datasets_come_in_their_order_when_the_clock_goes_back(manager, dataset):
    run(manager, "UPDATE algomancy_datasets SET added_at = '2222-02-22 22:22:22.000000'")
    manager.add_data_source(dataset("second"))
    manager.add_data_sources([dataset("a"), dataset("c"), dataset("b")])
    manager.refresh()
    assert manager.get_data_keys()[-3:] == ["second", "c", "b"]


def test_sessions_that_have_datasets_are_listed_while_there_is_a_catalogue(
    manager, new_manager, place, dataset
):
    new_manager(place, "empty")
    new_manager(place, "b").add_data_source(dataset())
    assert session_names(manager.engine) == ["b", "s"]
    assert has_catalogue(manager.engine)
    run(manager, "ALTER TABLE algomancy_datasets RENAME TO moved")
    assert not has_catalogue(manager.engine)


def test_a_row_of_the_latest_version_is_read_and_a_later_one_is_refused(
    manager, new_manager, place
):
    update = "UPDATE algomancy_datasets SET format_version = :version WHERE name = 'a'"
    run(manager, update, version=FORMAT_VERSION)
    assert new_manager(place).get_data("a").get_table("t").equals(FRAME)
    run(manager, update, version=FORMAT_VERSION + 1)
    with pytest.raises(SchemaDriftError, match="later version"):
        new_manager(place).get_data("a")


def test_who_asks_a_file_that_is_no_database_is_told_what_for(path):
    path.write_bytes(b"no database" * 100)
    engine = store_engine(f"sqlite:///{path}")
    with pytest.raises(StoreError, match="failed while listing the sessions: "):
        session_names(engine)
    with pytest.raises(StoreError, match="failed while opening it: "):
        has_catalogue(engine)
    engine.dispose()
