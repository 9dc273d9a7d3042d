"""What SQLAlchemy asks of a dialect: levels of isolation, autocommit, ends of connections."""

from __future__ import annotations

import contextlib

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from algomancy_data.database.adbc.dialect import only_row

metadata = sa.MetaData()
things = sa.Table(
    "things",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(40)),
)


@pytest.fixture
def tables(engine):
    metadata.create_all(engine)
    return engine


def names(engine):
    with engine.connect() as connection:
        return connection.scalars(sa.select(things.c.name).order_by(things.c.id)).all()


def insert(connection, name):
    connection.execute(things.insert().values(name=name))


def test_autocommit(tables):
    automatic = tables.execution_options(isolation_level="AUTOCOMMIT")
    with automatic.connect() as connection:
        insert(connection, "a")
        assert names(tables) == ["a"]
        connection.rollback()
        assert connection.get_isolation_level() == "AUTOCOMMIT"
    with tables.connect() as connection:
        assert connection.get_isolation_level() == connection.default_isolation_level
        insert(connection, "b")
    assert names(tables) == ["a"]


def test_the_level_of_an_engine(url, new_engine):
    engine = new_engine(url, isolation_level="SERIALIZABLE")
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "SERIALIZABLE"
        if engine.name == "postgresql":
            shown = connection.exec_driver_sql("SHOW TRANSACTION ISOLATION LEVEL").scalar()
            assert shown == "serializable"
    with pytest.raises(exc.ArgumentError, match="SERIALIZABLE"):
        new_engine(url, isolation_level="CHAOS").connect()


def test_read_only_transactions(postgresql_engine):
    metadata.create_all(postgresql_engine)
    options = {
        "isolation_level": "SERIALIZABLE",
        "postgresql_readonly": True,
        "postgresql_deferrable": True,
    }
    with postgresql_engine.connect().execution_options(**options) as connection:
        shown = connection.exec_driver_sql("SHOW transaction_deferrable").scalar()
        assert shown == "on"
        with pytest.raises(exc.InternalError, match="read-only"):
            insert(connection, "a")
    with postgresql_engine.begin() as connection:
        insert(connection, "b")


def test_a_connection_that_does_not_close_hides_no_mistake_of_the_program():
    engine = sa.create_engine("sqlite+adbc://")
    with pytest.raises(AttributeError):
        engine.dialect.do_close(None)


def test_the_only_row_is_the_one_that_sqlalchemy_finds(engine):
    first, second = sa.bindparam("first", type_=sa.String), sa.bindparam("second", type_=sa.String)
    query = sa.select(
        (first + "%:?$1" + second).label("both"),
        (second + first).label("reversed"),
        sa.literal_column("NULL").label("missing"),
        sa.func.coalesce(sa.null(), first, sa.literal("given")).label("chosen"),
    )
    with engine.connect() as connection:
        for texts in ({"first": "a'", "second": ":1"}, {"first": "", "second": "é"}):
            row = only_row(connection, query, texts)
            assert row == dict(connection.execute(query, texts).mappings().one())
            assert row["both"] == f"{texts['first']}%:?$1{texts['second']}"


@contextlib.contextmanager
def invalidated_by_failure(connection):
    try:
        yield
    except BaseException:
        connection.invalidate()
        raise


@pytest.mark.parametrize("first", [KeyboardInterrupt, ValueError])
def test_a_connection_is_closed_although_one_ctrl_c_comes_twice(engine, monkeypatch, caplog, first):
    with engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        close, seen = driver.close, []

        def interrupted():
            seen.append("close")
            close()
            if len(seen) == 1:
                raise KeyboardInterrupt

        monkeypatch.setattr(driver, "close", interrupted)
        # Of another failure, Ctrl-C is the first: it must not be lost.
        with pytest.raises(KeyboardInterrupt), invalidated_by_failure(connection):
            raise first
    assert len(seen) == (2 if first is KeyboardInterrupt else 1)
    assert bool(caplog.records) == (first is ValueError)
