"""A SQLite file with a table."""

from __future__ import annotations

import pytest
import sqlalchemy as sa


@pytest.fixture
def engine(path):
    """Return an engine on a file that has a table ``t``."""
    engine = sa.create_engine(f"sqlite+adbc:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
    yield engine
    engine.dispose()
