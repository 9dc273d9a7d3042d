"""Names in the database: readable, short enough, and never shared."""

from __future__ import annotations

import re
import sqlite3

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.database.naming import column_names, hashed_table_name, table_name

NAMES = st.one_of(
    st.sampled_from(["a", "A", "a_b", "a-b", "a b", "A_B", "a__b", "_a", "a_", "ds", "x" * 300]),
    st.text(alphabet="aA_bB-", min_size=1, max_size=4),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80),
)
TRIPLES = st.tuples(NAMES, NAMES, NAMES)
SESSIONS = ["a-b", "a_b", "A_B", "a__b", "x" * 300, "'", '"', "%", "😀", "../x", " ", "s"]


@given(TRIPLES, TRIPLES)
def test_two_datasets_never_share_a_table(one, other):
    names, others = (
        {table_name(*triple).lower(), hashed_table_name(*triple).lower()} for triple in (one, other)
    )
    if one == other:
        assert names == others
    elif [part.lower() for part in one] == [part.lower() for part in other]:
        # Plain names that differ in case only are told apart when they are written.
        assert hashed_table_name(*one) != hashed_table_name(*other)
    else:
        assert names.isdisjoint(others)


@given(TRIPLES)
def test_every_table_name_fits_into_63_plain_bytes(triple):
    for name in (table_name(*triple), hashed_table_name(*triple)):
        assert len(name.encode()) <= 63
        assert name.isascii()
        assert name.startswith("ds__")
        assert name.replace("_", "").isalnum()


@given(st.one_of(NAMES.filter(lambda name: len(name) <= 36), st.uuids().map(str)), NAMES, NAMES)
def test_the_tables_of_a_session_are_found_as_the_framework_finds_them(session, dataset, table):
    prefix = "ds__" + re.sub(r"[^a-zA-Z0-9_]", "_", session) + "__"
    for naming in (table_name, hashed_table_name):
        for limit in (63, 9999):
            assert naming(session, dataset, table, limit).startswith(prefix)


def test_the_tables_of_a_session_of_the_framework_can_be_dropped_without_quotes():
    session = "3d0e2c4e-6a5b-4b0e-9c39-0c3d1c7a8e21"
    prefix = "ds__3d0e2c4e_6a5b_4b0e_9c39_0c3d1c7a8e21__"
    assert table_name(session, "First", "Items") == f"{prefix}fi__it__o5rgqgzd5s7ox"
    assert table_name(session, "First", "Items", 9999).startswith(f"{prefix}first__items__")


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


@pytest.mark.parametrize("plain", ["orders", "Orders2", "a_b", "a_b_c"])
def test_plain_names_are_kept(plain):
    assert table_name("s1", plain, "t") == f"ds__s1__{plain}__t"


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
