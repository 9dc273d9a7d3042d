"""Rows of a query, as Arrow: what the database says in the middle of them is said."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from adbc_driver_manager import Error

from algomancy_data.database.engines import store_engine
from algomancy_data.database.postgresql.bulk import PostgreSQLBulk


def test_an_error_that_comes_after_many_rows_is_the_drivers(empty_postgresql) -> None:
    text = "1 / (500000 - number) AS x FROM generate_series(1, 1000000) AS numbers(number)"
    engine = store_engine(empty_postgresql)
    with engine.connect() as connection, pytest.raises(Error, match="division by zero"):
        PostgreSQLBulk().fetch(connection, sa.select(sa.text(text)), 1_000_000)
