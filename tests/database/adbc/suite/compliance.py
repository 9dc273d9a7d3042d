"""SQLAlchemy's compliance suite for dialects."""

from sqlalchemy.testing import suite
from sqlalchemy.testing.suite import *  # noqa: F403

from algomancy_data.database.postgresql.dbapi import StreamCursor


class ServerSideCursorsTest(suite.ServerSideCursorsTest):
    """The suite's own class knows the cursors of SQLAlchemy's drivers only."""

    def _is_server_side(self, cursor):
        return isinstance(cursor, StreamCursor) or super()._is_server_side(cursor)
