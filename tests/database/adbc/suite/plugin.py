"""SQLAlchemy's test plugin for pytest, which takes pytest over, with our dialects."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import provision as postgresql_provision
from sqlalchemy.dialects.sqlite import provision as sqlite_provision

import algomancy_data.database  # noqa: F401  for its registration

pytest.register_assert_rewrite("sqlalchemy.testing.assertions")

from sqlalchemy.testing.plugin.pytestplugin import *  # noqa: E402, F403

# The test server comes without PostgreSQL's contributed extensions, citext and hstore.
postgresql_provision._extensions.clear()


@sqlite_provision.post_configure_engine.for_db("sqlite")
def _leave_as_it_is(url, engine, follower_ident):
    """Replace what attaches the second schema to the connections of the first engine only."""


@sa.event.listens_for(sa.Pool, "connect")
def _attach_test_schema(dbapi_connection, connection_record):
    if hasattr(dbapi_connection, "row_cursor") and not hasattr(dbapi_connection, "begin_mode"):
        return  # PostgreSQL
    if type(dbapi_connection).__module__.startswith("psycopg"):
        return
    cursor = dbapi_connection.cursor()
    cursor.execute("ATTACH DATABASE 'test_schema.db' AS test_schema")
    cursor.close()
