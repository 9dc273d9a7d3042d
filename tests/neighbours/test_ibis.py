"""ibis in front of a DataSource, and of what DuckDB has attached."""

from __future__ import annotations

import ibis
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from algomancy_data import DataSource


def test_ibis_queries_the_tables_of_a_data_source_and_its_answers_become_tables():
    source = DataSource("master_data", name="d")
    source.add_table("flights", {"carrier": ["AA", "UA", "AA"], "delay": [1, 2, None]})
    source.add_table("airlines", {"carrier": ["AA", "UA"], "name": ["American", "United"]})
    tables = ibis.polars.connect(dict(source.tables))
    joined = tables.table("flights").join(tables.table("airlines"), "carrier")
    answer = (
        joined.group_by("name").agg(delay=joined.delay.sum(), n=joined.count()).order_by("name")
    )
    source.add_table("delays", answer.to_polars())
    expected = pl.DataFrame({"name": ["American", "United"], "delay": [1, 2], "n": [2, 1]})
    assert_frame_equal(source.get_table("delays"), expected, check_dtypes=False)


# ibis 12 still calls DuckDB by a name that DuckDB 1.5 wants to be rid of.
@pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
def test_an_expression_of_ibis_is_a_table_by_itself():
    backend = ibis.duckdb.connect()
    backend.con.execute("CREATE TABLE t AS FROM (VALUES (1), (2), (NULL)) v(x)")
    source = DataSource("master_data", name="d")
    source.add_table("t", backend.table("t").filter(ibis._.x > 1))
    assert source.get_table("t")["x"].to_list() == [2]
