from __future__ import annotations

import polars as pl
import pytest

from algomancy_data import Relation
from algomancy_data.relations.cascade import broken_chains, find_drops


def test_rows_that_are_gone_already_break_a_chain():
    staff = pl.DataFrame({"id": [1, 2, 3], "boss": [None, 1, 2]})
    kept = pl.Series([True, False, True])
    assert broken_chains(staff, ["boss"], ["id"], kept).to_list() == [False, False, True]


@pytest.mark.parametrize("ids", [[1, 2, 3, 4], [1, 2, 2, 4]], ids=["one parent", "two parents"])
def test_a_row_that_is_held_ends_its_chain_well_whatever_it_refers_to(ids):
    staff = pl.DataFrame({"id": ids, "boss": [9, 1, 8, 2]})
    kept, held = pl.Series([True] * 4), pl.Series([False, True, False, False])
    broken = broken_chains(staff, ["boss"], ["id"], kept, held=held)
    assert broken.to_list() == [True, False, True, False]


def test_rows_elsewhere_count_as_parents_and_as_children():
    rows = {"airlines": {("BB",)}, "flights": {("YY",)}}

    def elsewhere(table, columns, keys):
        assert (list(columns), keys.columns) == (["carrier"], ["carrier"])
        return pl.Series([row in rows[table] for row in keys.rows()], dtype=pl.Boolean)

    tables = {
        "airlines": pl.DataFrame({"carrier": ["AA", "YY", "ZZ"]}),
        "flights": pl.DataFrame({"carrier": ["AA", "BB", "CC"]}),
    }
    columns = ("carrier",)
    flown = Relation("flights", columns, "airlines", columns, parent_requires_child=True)
    kept = find_drops(tables, [flown], elsewhere=elsewhere).kept
    left = {table: tables[table].filter(mask)["carrier"].to_list() for table, mask in kept.items()}
    assert left == {"airlines": ["AA", "YY"], "flights": ["AA", "BB"]}


def test_a_row_that_refers_to_one_elsewhere_in_its_own_table_stays():
    def elsewhere(table, columns, keys):
        assert (table, list(columns)) == ("staff", ["id"])
        return pl.Series([boss == (9,) for boss in keys.rows()], dtype=pl.Boolean)

    staff = pl.DataFrame({"id": [1, 2, 3, 4], "boss": [9, 1, 8, 3]})
    boss = Relation("staff", ("boss",), "staff", ("id",))
    kept = find_drops({"staff": staff}, [boss], elsewhere=elsewhere).kept
    assert staff.filter(kept["staff"])["id"].to_list() == [1, 2]
