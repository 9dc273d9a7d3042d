"""Values of PostgreSQL that no type of SQLAlchemy speaks for: as psycopg reads them, or refused."""

from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql as pg


def test_types_that_are_younger_than_the_connection(postgresql_engine):
    with postgresql_engine.begin() as connection:
        for statement in (
            "CREATE TYPE mood AS ENUM ('good', 'bad')",
            "CREATE DOMAIN grade AS numeric(3, 1)",
            "CREATE TYPE span AS RANGE (subtype = float8)",
        ):
            connection.exec_driver_sql(statement)
        row = connection.execute(
            sa.text("SELECT 'good'::mood, ARRAY['bad', NULL]::mood[], 1.5::grade, span(1, 2)")
        ).one()
    assert row == ("good", ["bad", None], Decimal("1.5"), pg.Range(1.0, 2.0))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'x'::\"char\"", "x"),
        ("''::\"char\"", ""),
        ("'name'::name", "name"),
        ("'$.a'::jsonpath", '$."a"'),
        ("'{\"a\": 1}'::jsonb", '{"a": 1}'),
        ("interval '-1 month -2 days'", timedelta(days=-32)),
        ("interval '13 months'", timedelta(days=395)),
        ("'1 2'::oidvector", [1, 2]),
        ("ARRAY[interval '1 day']", [timedelta(days=1)]),
        ("ARRAY[time '06:05', NULL]", [time(6, 5), None]),
        ("ARRAY[int4range(1, 2)]", [pg.Range(1, 2)]),
        ("-0.00012345::numeric", Decimal("-0.00012345")),
        ("numrange(-0.00012345, 12345678901234567890.5)", None),
        ("pg_sleep(0)", ""),
        ("pg_current_xact_id() > '0'::xid8", True),
    ],
)
def test_values_without_a_type_of_sqlalchemy(postgresql_engine, expression, expected):
    if expected is None:
        expected = pg.Range(Decimal("-0.00012345"), Decimal("12345678901234567890.5"))
    with postgresql_engine.connect() as connection:
        assert connection.scalar(sa.text(f"SELECT {expression}")) == expected


@pytest.mark.parametrize(
    "expression", ["point '(1, 2)'", "'a b'::tsvector", "ARRAY[line '{1,2,3}']"]
)
def test_a_type_without_a_python_object_is_refused(postgresql_engine, expression):
    with postgresql_engine.connect() as connection:
        with pytest.raises(exc.NotSupportedError, match="Cast it to text"):
            connection.execute(sa.text(f"SELECT {expression}")).all()
        assert connection.scalar(sa.text("SELECT (point '(1, 2)')::text")) == "(1,2)"


@pytest.mark.parametrize("expression", ["date 'infinity'", "timestamp '-infinity'", "row(1, 'a')"])
def test_a_value_without_a_python_object_is_refused(postgresql_engine, expression):
    with postgresql_engine.connect() as connection, pytest.raises(exc.DataError):
        connection.execute(sa.text(f"SELECT {expression}")).all()
