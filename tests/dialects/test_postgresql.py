"""The connection to a PostgreSQL server: URLs, secrets, loss, streams."""

from __future__ import annotations

import logging
import traceback

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy import exc

AWKWARD = "s3cr't \\ %40@:/?#'\"é"


def backend(connection):
    return connection.scalar(sa.text("SELECT pg_backend_pid()"))


def terminate(engine, pid):
    with engine.connect() as other:
        gone = sa.text("SELECT pg_terminate_backend(:pid, 5000)")
        assert other.execute(gone, {"pid": pid}).scalar()


@pytest.fixture
def guarded(postgresql_server, postgresql_url, new_engine):
    """The URL of a role that gives an awkward password."""
    quoted = AWKWARD.replace("'", "''")
    with new_engine(postgresql_url).begin() as connection:
        connection.exec_driver_sql("SET LOCAL standard_conforming_strings = on")
        connection.exec_driver_sql(f"CREATE ROLE guarded LOGIN PASSWORD '{quoted}'")
    yield postgresql_url.set(username="guarded", password=AWKWARD)
    with new_engine(postgresql_url).begin() as connection:
        connection.exec_driver_sql("DROP ROLE guarded")


def test_any_password_is_passed_on(guarded, new_engine):
    with new_engine(guarded).connect() as connection:
        assert connection.scalar(sa.text("SELECT current_user")) == "guarded"
    with new_engine(guarded.set(password=None), connect_args={"password": AWKWARD}).connect():
        pass


@pytest.mark.parametrize(
    "change",
    [
        {"password": AWKWARD + "x"},
        {"username": "nobody"},
        {"database": "nothing"},
        {"host": "/nowhere"},
        {"host": "127.0.0.1", "port": 1},
        {"host": "no host"},
        {"query": {"sslmode": "wrong"}},
        {"query": {"connect_timeout": "wrong"}},
        {"query": {"no_such_option": "1"}},
        {"query": {"options": "--no-such-option=1"}},
        {"query": {"sslrootcert": "/nowhere", "sslmode": "verify-full", "host": "127.0.0.1"}},
    ],
    ids=str,
)
def test_a_password_is_never_shown(guarded, new_engine, caplog, change):
    caplog.set_level(logging.DEBUG)
    query = dict(guarded.query) | change.pop("query", {})
    if "host" in change:
        query.pop("host")
    engine = new_engine(guarded.set(**change).set(query=query), echo="debug", echo_pool="debug")
    with pytest.raises(exc.OperationalError) as caught:
        engine.connect()
    shown = [
        *traceback.format_exception(caught.value),
        repr(caught.value.orig.__dict__),
        repr(engine),
        repr(engine.pool),
        caplog.text,
    ]
    assert not any(AWKWARD in text or "s3cr" in text for text in shown)


def test_a_password_is_not_shown_when_a_statement_fails(guarded, new_engine, caplog):
    caplog.set_level(logging.DEBUG)
    with new_engine(guarded, echo="debug").connect() as connection:
        with pytest.raises(exc.ProgrammingError) as caught:
            connection.exec_driver_sql("SELECT * FROM nothing_there")
        texts = [str(caught.value), repr(connection), repr(connection.connection), caplog.text]
        assert not any("s3cr" in text for text in texts)


@pytest.mark.parametrize("name", ["password", "sslpassword"])
def test_a_secret_that_would_be_shown_is_refused(new_engine, name):
    with pytest.raises(exc.ArgumentError, match=name) as caught:
        new_engine(f"postgresql+adbc://me@host/data?{name}=hidden").connect()
    assert "hidden" not in str(caught.value)


def test_the_parameters_of_a_url(monkeypatch):
    monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)
    dialect = sa.create_engine("postgresql+adbc://").dialect

    def parameters(url):
        return dialect.create_connect_args(sa.make_url(url))[1]

    assert parameters("postgresql+adbc://") == {"connect_timeout": "10"}
    assert parameters("postgresql+adbc://?connect_timeout=3") == {"connect_timeout": "3"}
    assert parameters("postgresql+adbc://?service=mine") == {"service": "mine"}
    assert parameters("postgresql+adbc://me:pw@host:7/data?sslmode=require&options=-c%20x%3D1") == {
        "user": "me",
        "password": "pw",
        "host": "host",
        "port": "7",
        "dbname": "data",
        "sslmode": "require",
        "options": "-c x=1",
        "connect_timeout": "10",
    }
    several = parameters("postgresql+adbc:///data?host=one:5&host=two:6&target_session_attrs=any")
    assert (several["host"], several["port"]) == ("one,two", "5,6")
    with pytest.raises(exc.ArgumentError, match="sslmode more than once"):
        parameters("postgresql+adbc:///data?sslmode=a&sslmode=b")


def test_options_reach_the_server(postgresql_url, new_engine):
    options = {"options": "-c statement_timeout=50", "application_name": "it's \\ me"}
    with new_engine(postgresql_url.update_query_dict(options)).connect() as connection:
        assert connection.scalar(sa.text("SHOW application_name")) == "it's \\ me"
        with pytest.raises(exc.OperationalError) as caught:
            connection.execute(sa.text("SELECT pg_sleep(5)"))
        assert caught.value.orig.sqlstate == "57014"
        assert not caught.value.connection_invalidated


@pytest.mark.parametrize("use", ["execute", "commit", "rollback", "ingest", "stream"])
def test_the_pool_recovers_from_a_lost_connection(
    postgresql_engine, postgresql_url, new_engine, use
):
    engine = new_engine(postgresql_url, pool_size=1, max_overflow=0)
    connection = engine.connect()
    pid = backend(connection)
    stream = connection.execution_options(yield_per=10).execute(
        sa.text("SELECT * FROM generate_series(1, 100000)")
    )
    terminate(postgresql_engine, pid)
    if use == "ingest":
        with pytest.raises(engine.dialect.dbapi.Error), connection.connection.cursor() as cursor:
            cursor.adbc_ingest("bulk", pl.DataFrame({"x": [1]}))
        use = "rollback"  # which is where SQLAlchemy hears of it
    calls = {
        "execute": lambda: connection.execute(sa.text("SELECT 1")),
        "commit": connection.commit,
        "rollback": connection.rollback,
        "stream": stream.all,
    }
    with pytest.raises(exc.OperationalError) as caught:
        calls[use]()
    assert caught.value.connection_invalidated
    connection.close()
    with engine.connect() as connection:
        assert backend(connection) != pid
        assert connection.scalar(sa.text("SELECT 1")) == 1


def test_pre_ping_replaces_lost_connections(postgresql_engine, postgresql_url, new_engine):
    engine = new_engine(postgresql_url, pool_pre_ping=True)
    with engine.connect() as connection:
        pid = backend(connection)
    terminate(postgresql_engine, pid)
    with engine.connect() as connection:
        assert backend(connection) != pid


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
