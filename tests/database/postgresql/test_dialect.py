"""The connection to a PostgreSQL server: URLs, secrets, loss."""

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
    options = {"options": "-c statement_timeout=1min", "application_name": "it's \\ me"}
    with new_engine(postgresql_url.update_query_dict(options)).connect() as connection:
        assert connection.scalar(sa.text("SHOW application_name")) == "it's \\ me"
        assert connection.scalar(sa.text("SHOW statement_timeout")) == "1min"
        connection.execute(sa.text("SET statement_timeout = 50"))
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
