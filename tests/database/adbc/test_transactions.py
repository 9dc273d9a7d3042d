"""Transactions of both dialects, looked at from a second connection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy import exc

metadata = sa.MetaData()
parents = sa.Table("parents", metadata, sa.Column("id", sa.Integer, primary_key=True))
things = sa.Table(
    "things",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(40), nullable=False, unique=True),
    sa.Column(
        "parent",
        sa.ForeignKey("parents.id", deferrable=True, initially="DEFERRED"),
    ),
    sa.Column("size", sa.Integer, sa.CheckConstraint("size > 0", name="positive")),
)


class Stop(Exception):  # noqa: N818 - no error
    """What ends a transaction."""


@pytest.fixture
def tables(engine):
    metadata.create_all(engine)
    return engine


def names(engine):
    with engine.connect() as connection:
        return connection.scalars(sa.select(things.c.name).order_by(things.c.id)).all()


def insert(connection, name):
    connection.execute(things.insert().values(name=name))


def test_nothing_is_seen_before_the_commit(tables):
    with tables.connect() as connection:
        insert(connection, "a")
        assert names(tables) == []
        connection.commit()
        assert names(tables) == ["a"]
        insert(connection, "b")
        connection.rollback()
        insert(connection, "c")
    assert names(tables) == ["a"]


def test_savepoints(tables):
    with tables.begin() as connection:
        insert(connection, "a")
        savepoint = connection.begin_nested()
        insert(connection, "b")
        savepoint.rollback()
        with connection.begin_nested():
            insert(connection, "c")
            with pytest.raises(exc.IntegrityError), connection.begin_nested():
                insert(connection, "a")
        insert(connection, "d")
    assert names(tables) == ["a", "c", "d"]


def test_tables_are_rolled_back(engine):
    def create():
        with engine.begin() as connection:
            metadata.create_all(connection)
            insert(connection, "a")
            raise Stop

    with pytest.raises(Stop):
        create()
    assert sa.inspect(engine).get_table_names() == []


@pytest.mark.parametrize("mode", ["create", "append", "replace", "create_append"])
def test_an_ingest_is_part_of_the_transaction(tables, mode):
    frame = pl.DataFrame({"x": [1, 2]})
    if mode in {"append", "replace"}:
        with tables.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE bulk (x bigint)")

    def ingest(connection):
        with connection.connection.cursor() as cursor:
            cursor.adbc_ingest("bulk", frame, mode=mode)
        insert(connection, "a")

    def state():
        exists = sa.inspect(tables).has_table("bulk")
        with tables.connect() as connection:
            rows = connection.exec_driver_sql("SELECT x FROM bulk").all() if exists else None
        return rows, names(tables)

    before = state()
    with tables.connect() as connection, connection.begin() as transaction:
        ingest(connection)
        if mode != "replace" or tables.name == "sqlite":  # PostgreSQL locks a table that goes
            assert state() == before
        transaction.rollback()
    assert state() == before
    with tables.begin() as connection:
        ingest(connection)
    assert state() == ([(1,), (2,)], ["a"])


def test_an_ingest_that_fails_leaves_nothing(tables):
    insert_twice = pl.DataFrame(
        {"id": [1, 2], "name": ["a", "a"]}, schema_overrides={"id": pl.Int32}
    )
    error = tables.dialect.dbapi.IntegrityError

    def ingest():
        with tables.begin() as connection, connection.connection.cursor() as cursor:
            insert(connection, "z")
            cursor.adbc_ingest("things", insert_twice, mode="append")

    with pytest.raises(error):
        ingest()
    assert names(tables) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": "a"}, "unique"),
        ({"name": None}, "not.null"),
        ({"name": "b", "size": 0}, "check"),
        ({"name": "b", "id": 100}, "unique"),
    ],
)
@pytest.mark.parametrize("many", [False, True])
def test_a_broken_constraint_is_an_integrity_error(tables, values, words, many):
    with tables.begin() as connection:
        connection.execute(things.insert().values(id=100, name="a"))
    parameters = [values | {"id": values.get("id", 107)}] * 2 if many else values
    with tables.connect() as connection:
        with pytest.raises(exc.IntegrityError, match=rf"(?i){words}") as caught:
            connection.execute(things.insert(), parameters)
        connection.rollback()
        insert(connection, "after")
    if tables.name == "postgresql":
        assert caught.value.orig.sqlstate.startswith("23")


def test_a_deferred_constraint_fails_at_the_commit(tables):
    with tables.connect() as connection:
        connection.execute(things.insert().values(name="orphan", parent=99))
        with pytest.raises(exc.IntegrityError, match=r"(?i)foreign key"):
            connection.commit()
        connection.rollback()
        insert(connection, "after")
        connection.commit()
    assert names(tables) == ["after"]


def test_threads_have_connections_of_their_own(tables):
    together = Barrier(8)

    def work(number):
        together.wait()
        for i in range(10):
            with tables.execution_options(isolation_level="SERIALIZABLE").connect() as connection:
                connection.execute(sa.select(sa.func.count()).select_from(parents))
            with writing.begin() as connection:
                insert(connection, f"{number}-{i}")

    level = "IMMEDIATE" if tables.name == "sqlite" else "READ COMMITTED"
    writing = tables.execution_options(isolation_level=level)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert sorted(names(tables)) == sorted(f"{n}-{i}" for n in range(8) for i in range(10))


def test_a_result_that_nobody_reads_does_not_block(tables):
    with tables.begin() as connection:
        insert(connection, "a")
    with tables.connect() as connection:
        connection.execute(sa.select(things))
        insert(connection, "b")
        connection.commit()
    with tables.connect() as connection:
        with connection.connection.cursor() as cursor:
            cursor.execute("SELECT * FROM things")  # and not read
            connection.rollback()
        insert(connection, "c")
    assert names(tables) == ["a", "b"]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_snapshots_of_postgresql(postgresql_engine, level):
    metadata.create_all(postgresql_engine)
    with postgresql_engine.execution_options(isolation_level=level).connect() as reader:
        assert reader.scalars(sa.select(things)).all() == []
        with postgresql_engine.begin() as writer:
            insert(writer, "a")
        assert reader.scalars(sa.select(things)).all() == []
        reader.rollback()
        assert len(reader.scalars(sa.select(things)).all()) == 1


def test_a_serialization_failure_is_an_operational_error(postgresql_engine):
    metadata.create_all(postgresql_engine)
    serializable = postgresql_engine.execution_options(isolation_level="SERIALIZABLE")
    with serializable.connect() as one, serializable.connect() as other:
        for connection, name in ((one, "one"), (other, "other")):
            connection.execute(sa.select(sa.func.count()).select_from(things)).all()
            connection.execute(things.insert().values(name=name))
        one.commit()
        with pytest.raises(exc.OperationalError) as caught:
            other.commit()
        assert caught.value.orig.sqlstate == "40001"
    assert names(postgresql_engine) == ["one"]


def test_a_failed_transaction_is_not_committed_in_silence(postgresql_engine):
    metadata.create_all(postgresql_engine)
    with postgresql_engine.connect() as connection:
        insert(connection, "a")
        with pytest.raises(exc.ProgrammingError):
            connection.exec_driver_sql("SELECT * FROM nothing_there")
        with pytest.raises(exc.InternalError, match="rolled back, not committed"):
            connection.commit()
        connection.rollback()
        insert(connection, "b")
        connection.commit()
    assert names(postgresql_engine) == ["b"]
