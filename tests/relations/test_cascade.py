from __future__ import annotations

import polars as pl

from algomancy_data.relations.cascade import broken_chains


def test_rows_that_are_gone_already_break_a_chain():
    staff = pl.DataFrame({"id": [1, 2, 3], "boss": [None, 1, 2]})
    kept = pl.Series([True, False, True])
    assert broken_chains(staff, ["boss"], ["id"], kept).to_list() == [False, False, True]
