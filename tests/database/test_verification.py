"""What somebody did to a database by hand is found, and only what is provably ours is dropped."""

from __future__ import annotations

import json
from contextlib import suppress

import polars as pl
import pytest
import sqlalchemy as sa

from algomancy_data import BaseDataSource
from algomancy_data.database.naming import TableOwner
from algomancy_data.errors import DatasetNotFoundError, StoreError

FRAME = pl.DataFrame({"x": [1, 2, 3], "s": ["a", None, "b"]})


@pytest.fixture(
    params=["sqlite", pytest.param("sqlite+pysqlite", marks=pytest.mark.long), "postgresql"]
)
def place(request, tmp_path):
    if request.param != "postgresql":
        return f"{request.param}:///{tmp_path / 'data.db'}"
    return request.getfixturevalue("empty_postgresql")


pytestmark = pytest.mark.filterwarnings("ignore::algomancy_data.errors.PortablePathWarning")


def run(manager, *statements):
    with manager.engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def tables(manager):
    return {name for name in sa.inspect(manager.engine).get_table_names() if name[:4] == "ds__"}


def test_what_is_as_it_was_written_has_no_damage_and_no_leftovers(new_manager, place, dataset):
    manager = new_manager(place)
    manager.add_data_source(dataset("a b", {"t": FRAME, "none": pl.DataFrame(), "é": FRAME}))
    manager.derive_data("a b", "c")
    new_manager(place, "other").add_data_source(dataset("a", {"t": FRAME}))
    assert manager.verify() == []
    assert manager.verify("c") == []
    assert manager.leftovers() == []
    with pytest.raises(DatasetNotFoundError):
        manager.verify("nobody's")


@pytest.mark.parametrize(
    ("done_by_hand", "problem"),
    [
        ("DELETE FROM ds__s__d__t WHERE x = 2", "has 2 rows instead of 3"),
        ("INSERT INTO ds__s__d__t SELECT * FROM ds__s__d__t", "has 6 rows instead of 3"),
        ("DROP TABLE ds__s__d__t", "is gone"),
        ("ALTER TABLE ds__s__d__t ADD COLUMN y TEXT", "column 'y' was added"),
        ("ALTER TABLE ds__s__d__t RENAME COLUMN x TO z", "column 'x' is missing"),
    ],
)
def test_a_table_that_was_changed_by_hand_is_damage(
    new_manager, place, dataset, done_by_hand, problem
):
    manager = new_manager(place)
    for name in ("d", "e"):
        manager.add_data_source(dataset(name, {"t": FRAME}))
    run(manager, done_by_hand)
    (damage,) = manager.verify()
    assert (damage.dataset, damage.path) == ("d", "ds__s__d__t")
    assert problem in damage.problem
    assert manager.verify("e") == []
    assert manager.verify("d") == [damage]


class Text(BaseDataSource):
    def to_json(self):
        return json.dumps({"id": self.id, "text": "x" * 2_000_000})

    @classmethod
    def from_json(cls, json_string):
        return cls("master_data", "t", ds_id=json.loads(json_string)["id"])


def test_a_payload_is_verified_byte_by_byte(new_manager, place):
    manager = new_manager(place, cls=Text)
    manager.add_data_source(Text("master_data", name="t"))
    assert manager.verify() == []
    run(manager, "DELETE FROM algomancy_payload_chunks")
    (damage,) = manager.verify()
    assert (damage.dataset, damage.path) == ("t", "algomancy_payload_chunks")
    assert "chunk 0 is missing" in damage.problem


def test_what_no_row_of_the_catalogue_names_is_dropped_if_it_is_this_sessions(
    new_manager, place, dataset
):
    manager, other = new_manager(place), new_manager(place, "other")
    manager.add_data_source(dataset("kept", {"t": FRAME}))
    manager.add_data_source(dataset("lost", {"t": FRAME}))
    manager.add_data_source(dataset("lost by a long name", {"é": FRAME}))
    other.add_data_source(dataset("lost", {"t": FRAME}))
    before = tables(manager)
    run(manager, "DELETE FROM algomancy_datasets WHERE name LIKE 'lost%'")
    found = manager.leftovers()
    assert len(found) == 2
    assert all(one.is_proven for one in found)
    assert "table 't' of dataset 'lost', which is not in the catalogue" in {
        one.what for one in found
    }
    assert manager.verify() == []
    assert manager.clear_leftovers() == found
    assert tables(manager) == before - {one.path for one in found}
    assert manager.leftovers() == []
    assert manager.clear_leftovers() == []
    assert manager.get_data("kept").get_table("t").equals(FRAME)
    assert [one.path for one in other.leftovers()] == ["ds__other__lost__t"]


def test_tables_that_only_look_alike_are_named_and_never_dropped(new_manager, place, dataset):
    manager = new_manager(place)
    manager.add_data_source(dataset("d", {"t": FRAME}))
    owner = TableOwner("s", "d", "t").to_text()
    comment = (
        f"COMMENT ON TABLE ds__s__d__marked IS '{owner}'"
        if place.startswith("postgresql")
        else "SELECT 1"
    )
    run(
        manager,
        "CREATE TABLE ds__s__d__backup AS SELECT * FROM ds__s__d__t",
        "CREATE TABLE ds__other__d__t (x int)",
        "CREATE TABLE ds__something_else (x int)",
        "CREATE TABLE ds__s__d__t__0123456789abcdef (x int)",
        f"CREATE TABLE ds__s__d__marked (x int /*{owner}*/)",
        comment,
        "CREATE VIEW ds__s__d__view AS SELECT 1 AS x",
    )
    before = tables(manager)
    found = manager.leftovers()
    assert [(one.path, one.is_proven) for one in found] == [("ds__s__d__backup", False)]
    assert manager.clear_leftovers() == []
    assert tables(manager) == before


def test_a_table_that_was_renamed_is_no_longer_proven_to_be_ours(new_manager, place, dataset):
    manager = new_manager(place)
    manager.add_data_source(dataset("d", {"t": FRAME}))
    run(manager, "ALTER TABLE ds__s__d__t RENAME TO ds__s__d__kept")
    assert manager.clear_leftovers() == []
    assert "ds__s__d__kept" in tables(manager)


def test_nothing_is_dropped_while_the_catalogue_has_a_row_of_a_later_version(
    new_manager, place, dataset
):
    manager, other = new_manager(place), new_manager(place, "other")
    other.add_data_source(dataset("d", {"t": FRAME}))
    manager.add_data_source(dataset("lost", {"t": FRAME}))
    run(
        manager,
        "DELETE FROM algomancy_datasets WHERE name = 'lost'",
        "UPDATE algomancy_datasets SET format_version = 99",
    )
    assert [one.is_proven for one in manager.leftovers()] == [False]
    assert manager.clear_leftovers() == []
    (damage,) = other.verify()
    assert "later version" in damage.problem


def test_what_another_session_has_damaged_is_no_leftover_of_this_one(new_manager, place, dataset):
    manager, other = new_manager(place), new_manager(place, "other")
    other.add_data_source(dataset("d", {"t": FRAME}))
    manager.add_data_source(dataset("d", {"t": FRAME}))
    run(manager, "UPDATE algomancy_datasets SET sub_tables = '[' WHERE session_id = 'other'")
    assert manager.leftovers() == manager.verify() == []


def test_payloads_without_a_row_are_dropped(new_manager, place):
    manager, other = new_manager(place, cls=Text), new_manager(place, "other", Text)
    for one in (manager, other):
        one.add_data_source(Text("master_data", name="t"))
    run(manager, "DELETE FROM algomancy_datasets")
    assert [one.path for one in manager.clear_leftovers()] == ["algomancy_payload_chunks"]
    assert manager.leftovers() == []
    assert len(other.leftovers()) == 1


def test_sqlite_looks_at_its_file(new_manager, path, dataset, outside):
    manager = new_manager()
    manager.add_data_source(dataset("d", {"t": pl.DataFrame({"x": range(20_000)})}))
    manager.close()
    outside(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    ((root,),) = outside(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'ds__s__d__t'")
    ((page,),) = outside(path, "PRAGMA page_size")
    with path.open("r+b") as stream:
        stream.seek((root - 1) * page)
        stream.write(b"\xff" * 64)
    manager = new_manager()
    with pytest.raises(StoreError, match="malformed"):
        manager.verify("d")
    manager.add_data_source(dataset("sound", {"t": FRAME}))
    assert {damage.dataset for damage in manager.verify()} == {"", "d"}


@pytest.mark.parametrize("part", ["*/", "/*", "'", '"', "%", "é🦆", "\\", "\n", "a__b", "x" * 300])
def test_the_owner_comes_back_whatever_is_in_the_names(new_manager, place, dataset, part):
    manager = new_manager(place, part)
    manager.add_data_source(dataset(part, {part: FRAME}))
    run(manager, "DELETE FROM algomancy_datasets")
    (dropped,) = manager.clear_leftovers()
    assert repr(part) in dropped.what
    assert manager.leftovers() == []


def test_a_query_names_tables_as_the_datasets_do(new_manager, place, dataset):
    manager = new_manager(place)
    manager.add_data_source(dataset("a-b", {"t": FRAME, "only here": FRAME}))
    manager.add_data_source(dataset("c", {"t": FRAME.head(1)}))
    assert manager.query('SELECT count(*) AS n FROM "only here"').item() == 3
    assert manager.query('SELECT count(*) AS n FROM "c.t" JOIN "a-b.t" ON 1=1').item() == 3
    assert manager.query("SELECT x FROM t WHERE x > 1 ORDER BY x DESC;", ["a-b"]).rows() == [
        (3,),
        (2,),
    ]
    assert manager.query("WITH w AS (SELECT x FROM t) SELECT sum(x) AS s FROM w", ["c"]).item() == 1
    with pytest.raises(StoreError, match=r"t"):
        manager.query("SELECT * FROM t")
    with pytest.raises(DatasetNotFoundError):
        manager.query("SELECT 1", ["nobody's"])


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE ds__s__d__t",
        "DELETE FROM ds__s__d__t",
        "nonsense",
    ],
)
def test_a_query_changes_nothing(new_manager, place, dataset, sql):
    manager = new_manager(place)
    manager.add_data_source(dataset("d", {"t": FRAME}))
    with pytest.raises(StoreError):
        manager.query(sql)
    manager.refresh()
    assert manager.get_data("d").get_table("t").equals(FRAME)


def test_what_is_smuggled_behind_a_query_is_not_done(new_manager, place, dataset):
    manager = new_manager(place)
    manager.add_data_source(dataset("d", {"t": FRAME}))
    with suppress(StoreError):  # ADBC's SQLite driver ignores what follows the first statement
        manager.query("SELECT 1) AS r; DROP TABLE ds__s__d__t; SELECT * FROM (SELECT 1")
    assert manager.get_table("d", "t").equals(FRAME)


def test_the_first_rows_are_read_without_the_others(new_manager, place, dataset):
    manager = new_manager(place)
    frame = pl.DataFrame({"x": range(10_000)})
    manager.add_data_source(dataset("d", {"t": frame, "none": pl.DataFrame({"x": []})}))
    assert manager.get_table("d", "t", head=3).equals(frame.head(3))
    assert manager.get_table("d", "t", head=20_000).equals(frame)
    assert manager.get_table("d", "t", predicate=pl.col("x") > 1, head=3)["x"].to_list() == [2]
    assert manager.get_table("d", "none", head=3).is_empty()


def test_a_summary_says_what_the_data_say(new_manager, place, dataset):
    manager = new_manager(place)
    source = dataset("d", {"t": FRAME})
    manager.add_data_source(source)
    info = manager.describe("d")
    assert (info.rows, info.bytes) == (3, FRAME.estimated_size())
    assert dict(info.tables["t"].schema) == dict(FRAME.schema)
    assert (info.ds_id, info.ds_type) == (source.id, "master_data")
    with pytest.raises(DatasetNotFoundError):
        manager.describe("nobody's")
