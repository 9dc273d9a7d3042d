"""The driver for PostgreSQL: streams, COPY, and errors by their code."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from algomancy_data.database.postgresql.dbapi import VARIABLE, OperationalError, connect


def library_of(package):
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    (library,) = Path(spec.origin).parent.glob(f"lib{package}.*")
    return library


def test_a_stream_leaves_its_rows_with_the_server(postgresql_engine):
    with postgresql_engine.connect() as connection:
        stream = connection.execute(
            sa.text("SELECT i, repeat('x', :n) AS text FROM generate_series(1, 10000) AS i"),
            {"n": 9},
            execution_options={"yield_per": 100},
        )
        open_cursors = sa.text("SELECT count(*) FROM pg_cursors WHERE name LIKE 'algomancy%'")
        assert list(stream.keys()) == ["i", "text"]
        rows = iter(stream)
        assert [next(rows).i for _ in range(3)] == [1, 2, 3]
        assert connection.scalar(open_cursors) == 1
        assert [row.i for row in rows] == list(range(4, 10_001))
        assert connection.scalar(open_cursors) == 0
        streaming = connection.execution_options(stream_results=True)
        assert streaming.execute(sa.text("SELECT 1 WHERE false")).all() == []
        streaming.exec_driver_sql("CREATE TABLE t (x int)")
        assert streaming.exec_driver_sql("INSERT INTO t VALUES (1) RETURNING x").scalar() == 1


def test_a_stream_outside_of_a_transaction(postgresql_engine):
    automatic = postgresql_engine.execution_options(isolation_level="AUTOCOMMIT", yield_per=2)
    with automatic.connect() as connection:
        numbers = connection.scalars(sa.text("SELECT generate_series(1, 5)"))
        assert numbers.all() == [1, 2, 3, 4, 5]
        abandoned = connection.scalars(sa.text("SELECT generate_series(1, 5)"))
        assert next(abandoned) == 1


def test_a_stream_that_fails_half_way(postgresql_engine):
    with postgresql_engine.connect() as connection:
        stream = connection.execution_options(yield_per=10).execute(
            sa.text("SELECT 1 / (4999 - i) FROM generate_series(1, 9999) AS i")
        )
        with pytest.raises(exc.DataError, match="division by zero"):
            stream.all()
        connection.rollback()
        assert connection.scalar(sa.text("SELECT 1")) == 1


@pytest.mark.parametrize(
    ("statement", "error", "sqlstate"),
    [
        ("SELECT 1 / 0", exc.DataError, "22012"),
        ("SELECT 'x'::int", exc.DataError, "22P02"),
        ("SELEC 1", exc.ProgrammingError, "42601"),
        ("SELECT 1; SELECT 2", exc.ProgrammingError, "42601"),
        ("CREATE TABLE pg_catalog.x ()", exc.ProgrammingError, "42501"),
        ("SELECT '<a/>'::xml", exc.NotSupportedError, "0A000"),
        ("DO $$ BEGIN RAISE EXCEPTION 'own'; END $$", exc.ProgrammingError, "P0001"),
        ("DO $$ BEGIN RAISE SQLSTATE '72000'; END $$", exc.DatabaseError, "72000"),
        ("DO $$ BEGIN RAISE SQLSTATE 'XX001'; END $$", exc.InternalError, "XX001"),
        ("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$", exc.OperationalError, "40P01"),
        ("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$", exc.OperationalError, "53100"),
    ],
)
def test_errors_by_sqlstate(postgresql_engine, statement, error, sqlstate):
    with postgresql_engine.connect() as connection:
        with pytest.raises(error) as caught:
            connection.exec_driver_sql(statement)
        assert type(caught.value) is error
        assert caught.value.orig.sqlstate == sqlstate
        connection.rollback()
        assert connection.scalar(sa.text("SELECT 1")) == 1


def test_an_error_of_a_statement_with_parameters(postgresql_engine):
    divide = sa.text("SELECT 1 / :x")
    with postgresql_engine.connect() as connection, pytest.raises(exc.DataError, match="by zero"):
        connection.execute(divide, {"x": 0})


def test_bulk_reads_use_copy_and_share_the_transaction(postgresql_engine):
    with postgresql_engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS x")
        with connection.connection.cursor() as cursor:
            cursor.execute("SELECT x FROM t ORDER BY x")
            assert pl.DataFrame(cursor.fetch_record_batch())["x"].to_list() == list(range(1, 1001))
            with pytest.raises(postgresql_engine.dialect.dbapi.ProgrammingError, match="COPY"):
                cursor.execute("SHOW server_version")


def test_statements_without_copy(postgresql_engine):
    with postgresql_engine.connect() as connection:
        for statement in ("SHOW server_version", "EXPLAIN SELECT 1", "VALUES (1)", "TABLE pg_am"):
            assert connection.exec_driver_sql(statement).all()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says which libraries are loaded")
def test_another_build_of_the_driver(postgresql_engine, monkeypatch, tmp_path):
    other = tmp_path / "libother.so"
    shutil.copy(library_of("adbc_driver_postgresql"), other)
    monkeypatch.setenv(VARIABLE, str(other))
    loaded = Path("/proc/self/maps")
    assert str(other) not in loaded.read_text()
    with postgresql_engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1
    assert str(other) in loaded.read_text()


def test_what_is_no_build_of_the_driver(monkeypatch):
    parameters = {"host": "/nowhere", "user": "me", "password": "secret"}
    for library in ("/no/such/library.so", str(library_of("adbc_driver_sqlite"))):
        monkeypatch.setenv(VARIABLE, library)
        with pytest.raises(OperationalError, match=f"{VARIABLE} .* names '{library}'") as caught:
            connect(**parameters)
        assert "secret" not in str(caught.value)
    # The driver itself says why there is no connection.
    monkeypatch.setenv(VARIABLE, str(library_of("adbc_driver_postgresql")))
    with pytest.raises(OperationalError, match="connection to server on socket"):
        connect(**parameters)
