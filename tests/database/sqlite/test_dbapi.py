"""The driver for SQLite: types of late values, a batch at a time, what is not repeated."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from algomancy_data.database.sqlite.dbapi import BATCH_ROWS


@pytest.fixture(params=["memory", "file"])
def engine(request, path):
    database = "" if request.param == "memory" else f"/{path}"
    engine = sa.create_engine(f"sqlite+adbc://{database}")
    yield engine
    engine.dispose()


def test_a_column_that_begins_with_nulls_keeps_its_texts(engine):
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE late (x)"))
        connection.execute(
            sa.text("INSERT INTO late VALUES (:x)"), [{"x": None}] * 3_000 + [{"x": "text"}]
        )
        assert connection.execute(sa.text("SELECT x FROM late")).all()[-1] == ("text",)


# Another type after more rows than the driver looks at first.
_LATE = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= 300000)
    SELECT CASE WHEN i > 300000 THEN 'text' END AS x FROM n
"""


def test_a_type_that_comes_after_hundreds_of_thousands_of_rows_is_found(engine):
    with engine.connect() as connection:
        rows = connection.execute(sa.text(f"SELECT x FROM ({_LATE})")).all()
    assert len(rows) == 300_001
    assert rows[-1] == ("text",)


def test_a_query_that_was_read_in_part_begins_anew(engine):
    with engine.connect() as connection:
        cursor = connection.connection.cursor(adbc_stmt_kwargs={BATCH_ROWS: "10"})
        with cursor:
            for _ in range(2):
                cursor.execute(f"SELECT count(*) OVER () AS x FROM ({_LATE}) LIMIT 100")
                assert cursor.fetch_record_batch().read_next_batch().num_rows == 10
            cursor.execute(f"SELECT count(*) OVER () AS x FROM ({_LATE}) LIMIT 100")
            assert cursor.fetch_arrow_table().num_rows == 100


def test_a_statement_that_may_change_something_is_not_repeated_for_a_type(engine):
    with engine.connect() as connection, pytest.raises(exc.DataError, match="Type mismatch"):
        connection.execute(sa.text(_LATE))
