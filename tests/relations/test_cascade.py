from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.relations.cascade import broken_chains


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
