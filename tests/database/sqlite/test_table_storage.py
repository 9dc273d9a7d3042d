"""What a large write does beside writing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from algomancy_data.database.sqlite.bulk import SQLiteBulk
from algomancy_data.database.sqlite.table_storage import SQLiteStorage

# A page of a table each: more of them than one page above them can list.
_ROWS = 5_000
_FILL = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) "
    "INSERT INTO t SELECT hex(zeroblob(5000)) FROM n"
)


def cache_size(connection):
    return connection.exec_driver_sql("PRAGMA cache_size").scalar()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a process reads")
def test_a_commit_does_not_read_what_it_commits(engine):
    def bytes_read():
        return int(Path("/proc/self/io").read_text(encoding="ascii").split()[1])

    storage = SQLiteStorage(SQLiteBulk())
    with engine.connect() as connection, storage.large_write(connection):
        for _ in range(_ROWS // 10):
            connection.exec_driver_sql(_FILL)
        before = bytes_read()
        connection.commit()
        assert bytes_read() - before < 1_000_000
    storage.finish()


@pytest.mark.parametrize(("size", "is_more"), [(None, True), (1 << 28, True), (1 << 27, False)])
def test_the_cache_is_larger_for_as_long_as_a_large_write_takes(engine, size, is_more):
    storage = SQLiteStorage(SQLiteBulk())
    with engine.begin() as connection:
        before = cache_size(connection)
        with storage.large_write(connection, size):
            assert cache_size(connection) == (-32 * 1024 if is_more else before)
            with storage.filling_constrained(connection):
                assert cache_size(connection) == -128 * 1024
        assert cache_size(connection) == before
    storage.finish()
