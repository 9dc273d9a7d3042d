"""Names in the database: readable, short enough, and never shared."""

from __future__ import annotations

import sqlite3
from urllib.parse import urlsplit

import polars as pl
import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.database.naming import (
    ascii_table_name,
    column_names,
    free_column_name,
    hashed_table_name,
    is_plain_name_of,
    table_name,
)

NAMES = st.one_of(
    st.sampled_from(["a", "A", "a_b", "a-b", "a b", "A_B", "a__b", "_a", "a_", "ds", "x" * 300]),
    st.text(alphabet="aA_bB-", min_size=1, max_size=4),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80),
)
TRIPLES = st.tuples(NAMES, NAMES, NAMES)
SESSIONS = ["a-b", "a_b", "A_B", "a__b", "x" * 300, "'", '"', "%", "😀", "../x", " ", "s"]
UUID = "3d0e2c4e-6a5b-4b0e-9c39-0c3d1c7a8e21"
NAMINGS = (table_name, hashed_table_name, ascii_table_name)


@given(TRIPLES, TRIPLES, st.sampled_from([63, 9999]))
def test_two_datasets_never_share_a_table(one, other, limit):
    names, others = (
        {naming(*triple, limit).lower() for naming in NAMINGS} for triple in (one, other)
    )
    if one == other:
        assert names == others
    elif [part.lower() for part in one] == [part.lower() for part in other]:
        # Plain names that differ in case only are told apart when they are written.
        assert hashed_table_name(*one, limit) != hashed_table_name(*other, limit)
    else:
        assert names.isdisjoint(others)


@given(TRIPLES, TRIPLES)
def test_the_name_of_a_table_is_nobody_elses_name(one, other):
    _, dataset, table = other
    for written in (table_name(*one), hashed_table_name(*one)):
        # Somebody calls a dataset or a table as another one's table is called in the database.
        for parts in ((written, dataset, table), ("s", written, table), ("s", dataset, written)):
            assert written not in {table_name(*parts), hashed_table_name(*parts)}


@given(TRIPLES)
def test_every_table_name_fits_into_postgresql(triple):
    for naming in NAMINGS:
        name = naming(*triple, 63)
        assert len(name.encode()) <= 63
        assert name.startswith("ds__")
    assert ascii_table_name(*triple).replace("_", "").isalnum()


@pytest.mark.parametrize(
    "part",
    ["orders", "Orders 2", "a_b", "a-b", "v1.2", "naïve", 'x"y', "100%", "日本", "../x", " "],
)
def test_names_are_kept_as_they_are_written(part):
    assert table_name("s1", part, "t") == f"ds__s1__{part}__t"
    assert table_name(UUID, "sales", part) == f"ds__{UUID}__sales__{part}"
    assert is_plain_name_of(UUID, f"ds__{UUID}__sales__{part}")


@pytest.mark.parametrize("part", ["a__b", "_a", "a_", "_", "e\u0301", "a\0b", "%(x)s"])
def test_a_name_that_could_mean_something_else_gets_a_hash(part):
    name = table_name("s", part, "t")
    assert name.startswith("ds__s__")
    assert len(name.rpartition("__")[2]) == 13
    assert not is_plain_name_of("s", name)


def test_a_long_name_is_shortened_at_its_session_first():
    def shown(*parts):
        name, _, digest = table_name(*parts, 63).rpartition("__")
        assert len(digest) == 13
        return name

    assert table_name(UUID, "sales", "line items", 63) == f"ds__{UUID}__sales__line items"
    assert shown(UUID, "sales 2024", "line items") == "ds__3d0e2c4e__sales 2024__line items"
    assert shown("s" * 50, "sales", "items") == f"ds__{'s' * 30}__sales__items"
    assert shown(UUID, "d" * 40, "t" * 10) == f"ds__3d0e2c4e__{'d' * 22}__{'t' * 10}"
    assert shown(UUID, "d" * 40, "t" * 40) == f"ds__3d0e2c4e__{'d' * 8}__{'t' * 24}"
    assert shown("日" * 20, "é" * 20, "t") == f"ds__{'日' * 2}__{'é' * 16}__t"


@given(st.lists(st.one_of(NAMES, st.just(""), st.text(max_size=3)), unique=True, max_size=12))
def test_any_column_names_make_a_table(names):
    physical = column_names(names)
    assert len(physical) == len(names)
    if not names:
        return
    connection = sqlite3.connect(":memory:")  # not a file, so not a second library on one
    columns = ", ".join('"{}"'.format(name.replace('"', '""')) for name in physical)
    connection.execute(f"CREATE TABLE t ({columns})")
    found = [row[1] for row in connection.execute("PRAGMA table_info(t)")]
    connection.execute("INSERT INTO t DEFAULT VALUES")
    row_id = connection.execute("SELECT _rowid_ FROM t").fetchone()
    connection.close()
    assert found == physical
    assert row_id == (1,)


def test_sessions_are_isolated_whatever_they_are_called(new_manager, dataset, outside, path):
    managers = [new_manager(session=name) for name in SESSIONS]
    for number, manager in enumerate(managers):
        for name in ("d", "D"):
            frame = pl.DataFrame({"x": [f"{number} {name}"]})
            manager.add_data_source(dataset(name, {"t": frame, "T": frame}))
    managers[0].delete_data("d")
    for number, session in enumerate(SESSIONS):
        manager = new_manager(session=session)
        assert manager.get_data_keys() == (["D"] if number == 0 else ["d", "D"])
        for name in manager.get_data_keys():
            for table in ("t", "T"):
                assert manager.get_data(name).get_table(table).item() == f"{number} {name}"
    tables = outside(path, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'ds%'")
    assert tables == [[4 * len(SESSIONS) - 2]]


@pytest.mark.parametrize("url", [None, "sqlite+pysqlite", "postgresql"])
@pytest.mark.filterwarnings("ignore::algomancy_data.errors.PortablePathWarning")
def test_tables_are_called_as_the_user_wrote(new_manager, dataset, path, request, url):
    place = f"{url}:///{path}" if url else None
    if url == "postgresql":
        place = request.getfixturevalue("empty_postgresql")
    manager = new_manager(place, UUID)
    odd = ["Line items", "v1.2", "é", "'", '"', "%s", "%(x)s", ":x", "?", "$1", "[POSTCOMPILE_x]"]
    tables = {name: pl.DataFrame({"x": [1, 2, 3], name: [name, None, ""]}) for name in odd}
    manager.add_data_source(dataset("Sales", tables))
    manager.derive_data("Sales", "sales")
    names = {name for name in sa.inspect(manager.engine).get_table_names() if name[:4] == "ds__"}
    assert {f"ds__{UUID}__Sales__{name}" for name in odd[:6]} <= names
    assert len(names) == 2 * len(odd)
    for name in ("Sales", "sales"):
        manager.refresh()
        assert manager.verify(name) == []
        for table, frame in tables.items():
            assert manager.get_data(name).get_table(table).equals(frame)
            assert manager.get_table(name, table, predicate=pl.col("x") > 1).height == 2
    assert manager.query('SELECT sum(x) AS x FROM "Line items"', ["sales"]).item() == 6
    assert manager.leftovers() == []
    for name in ("Sales", "sales"):
        manager.delete_data(name)
    assert not names & set(sa.inspect(manager.engine).get_table_names())


def test_a_table_that_somebody_else_made_keeps_its_name(new_manager, dataset, path, outside):
    manager = new_manager()
    manager.close()
    outside(path, "CREATE TABLE DS__S__d__t (mine INTEGER)")
    manager.add_data_source(dataset("d", {"t": pl.DataFrame({"x": [1]})}))
    assert manager.get_table("d", "t").item() == 1
    manager.delete_data("d")
    manager.close()
    names = outside(path, "SELECT name FROM sqlite_schema WHERE name GLOB '[dD][sS]__*'")
    assert names == [["DS__S__d__t"]]


def test_a_database_in_another_encoding_has_the_names_that_it_can_have(
    new_manager, dataset, postgresql
):
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    manager = new_manager(urlsplit(postgresql)._replace(path="/latin1").geturl())
    frame = pl.DataFrame({"x": [1]})
    manager.add_data_source(dataset("d", {"日本": frame, "é": frame, "plain": frame}))
    manager.refresh()
    assert [*manager.get_data("d").tables] == ["日本", "é", "plain"]
    assert manager.verify() == manager.leftovers() == []


def test_a_column_of_ours_gives_way_to_those_of_the_table_whatever_their_case():
    assert free_column_name("n", []) == "n"
    assert free_column_name("n", ["N", "x", "n_"]) == "n__"
