"""``sqlite+adbc`` as a plain SQLAlchemy dialect."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy import exc, orm

from algomancy_data.database.sqlite import dialect

metadata = sa.MetaData()
parents = sa.Table(
    "parents",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(20), nullable=False, unique=True),
)
things = sa.Table(
    "things",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("parent_id", sa.ForeignKey("parents.id")),
    sa.Column("at", sa.DateTime),
    sa.Column("day", sa.Date),
    sa.Column("clock", sa.Time),
    sa.Column("flag", sa.Boolean),
    sa.Column("number", sa.Float),
    sa.Column("money", sa.Numeric(10, 2)),
    sa.Column("bytes", sa.LargeBinary),
    sa.Column("document", sa.JSON),
    sa.Column("kind", sa.Enum("small", "large", name="kind")),
    sa.Index("things_day", "day"),
)
VALUES = {
    "at": datetime(2013, 1, 2, 6, 5, 4, 123_456),
    "day": date(2013, 1, 2),
    "clock": time(6, 5, 4),
    "flag": True,
    "number": 0.1,
    "money": Decimal("12.50"),
    "bytes": b"\xff\0",
    "document": {"a": [1, None, "é"]},
    "kind": "large",
}


@pytest.fixture(params=["memory", "file"])
def engine(request, path):
    database = "" if request.param == "memory" else f"/{path}"
    engine = sa.create_engine(f"sqlite+adbc://{database}")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def count(engine, table=parents):
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table))


@pytest.mark.filterwarnings("ignore:Dialect sqlite.adbc does .not. support Decimal")
@pytest.mark.parametrize("values", [VALUES, dict.fromkeys(VALUES)], ids=["values", "nulls"])
def test_typed_values_come_back(engine, values):
    with engine.begin() as connection:
        connection.execute(things.insert().values(**values))
        row = connection.execute(sa.select(things)).one()._asdict()
    assert {key: row[key] for key in values} == values


def test_tables_are_reflected(engine):
    inspector = sa.inspect(engine)
    assert inspector.get_table_names() == ["parents", "things"]
    assert inspector.get_pk_constraint("parents")["constrained_columns"] == ["id"]
    assert inspector.get_foreign_keys("things")[0]["referred_table"] == "parents"
    assert inspector.get_indexes("things")[0]["column_names"] == ["day"]
    assert inspector.get_unique_constraints("parents")[0]["column_names"] == ["name"]
    reflected = sa.Table("things", sa.MetaData(), autoload_with=engine)
    assert {column.name for column in reflected.columns} == set(things.columns.keys())
    assert isinstance(reflected.c.money.type, sa.Numeric)
    assert not inspector.has_table("nothing")


@pytest.mark.parametrize(
    "insert",
    [
        parents.insert().values(name="taken"),
        parents.insert().values(name=None),
        things.insert().values(parent_id=99),
    ],
    ids=["unique", "not null", "foreign key"],
)
def test_a_violated_constraint_is_an_integrity_error(engine, insert):
    with engine.begin() as connection:
        connection.execute(parents.insert().values(name="taken"))
    with pytest.raises(exc.IntegrityError), engine.begin() as connection:
        connection.execute(insert)
    assert count(engine) == 1
    assert count(engine, things) == 0


def test_wrong_sql_is_an_error_that_quotes_it(engine):
    with pytest.raises(exc.DBAPIError, match="no such table: absent"), engine.connect() as it:
        it.execute(sa.text("SELECT * FROM absent"))
    assert count(engine) == 0


def test_a_transaction_is_rolled_back_with_its_tables(engine):
    extra = sa.Table("extra", sa.MetaData(), sa.Column("x", sa.Integer))
    with engine.connect() as connection:
        extra.create(connection)
        connection.execute(parents.insert().values(name="a"))
        connection.rollback()
    assert count(engine) == 0
    assert not sa.inspect(engine).has_table("extra")


def test_savepoints_roll_back_to_themselves(engine):
    with engine.begin() as connection:
        connection.execute(parents.insert().values(name="kept"))
        savepoint = connection.begin_nested()
        connection.execute(parents.insert().values(name="lost"))
        with pytest.raises(exc.IntegrityError):
            connection.execute(parents.insert().values(name="kept"))
        savepoint.rollback()
        connection.execute(parents.insert().values(name="after"))
    with engine.connect() as connection:
        assert list(connection.scalars(sa.select(parents.c.name))) == ["kept", "after"]


def test_many_rows_are_inserted_and_give_their_ids_back(engine):
    rows = [{"name": f"n{number}"} for number in range(2_500)]
    with engine.begin() as connection:
        connection.execute(parents.insert(), rows[:500])
        inserted = connection.execute(
            parents.insert().returning(parents.c.id, sort_by_parameter_order=True), rows[500:]
        )
        assert [row.id for row in inserted] == list(range(501, 2_501))
        one = connection.execute(parents.insert().values(name="last"))
        assert one.inserted_primary_key == (2_501,)
    assert count(engine) == 2_501


def test_rows_are_updated_and_deleted(engine):
    with engine.begin() as connection:
        connection.execute(parents.insert(), [{"name": "a"}, {"name": "b"}, {"name": "c"}])
        connection.execute(parents.update().where(parents.c.name == "a").values(name="A"))
        gone = connection.execute(
            parents.delete().where(parents.c.name != "A").returning(parents.c.name)
        )
        assert sorted(gone.scalars()) == ["b", "c"]
    assert count(engine) == 1


def test_the_orm_works(engine):
    registry = orm.registry()

    @registry.mapped
    class Parent:
        __table__ = parents

    with orm.Session(engine) as session:
        session.add_all([Parent(name=name) for name in "abc"])
        session.commit()
        b = session.scalars(sa.select(Parent).where(parents.c.name == "b")).one()
        b.name = "B"
        session.delete(session.get(Parent, 1))
        session.commit()
        assert sorted(session.scalars(sa.select(parents.c.name))) == ["B", "c"]


def test_immediate_takes_the_write_lock_at_once(path):
    engine = sa.create_engine(f"sqlite+adbc:///{path}?busy_timeout=0")
    metadata.create_all(engine)
    immediate = engine.execution_options(isolation_level="IMMEDIATE")
    with immediate.connect() as one, immediate.connect() as other, engine.connect() as reader:
        one.execute(sa.select(parents)).all()
        with pytest.raises(exc.OperationalError, match="locked"):
            other.execute(sa.select(parents))
        assert reader.execute(sa.select(parents)).all() == []
    with engine.connect() as one:
        assert one.get_isolation_level() == "SERIALIZABLE"
        with pytest.raises(exc.ArgumentError, match=r"Valid isolation levels.*IMMEDIATE"):
            one.execution_options(isolation_level="CHAOS")
    engine.dispose()


@pytest.mark.parametrize("pool", [sa.NullPool, sa.QueuePool])
def test_threads_write_through_a_pool(path, pool):
    engine = sa.create_engine(f"sqlite+adbc:///{path}", poolclass=pool)
    metadata.create_all(engine)
    writing = engine.execution_options(isolation_level="IMMEDIATE")

    def insert(number):
        with writing.begin() as connection:
            connection.execute(parents.insert().values(name=f"n{number}"))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(insert, range(40)))
    assert count(engine) == 40
    engine.dispose()


def test_a_file_is_set_up_as_the_url_says(path):
    engine = sa.create_engine(f"sqlite+adbc:///{path}?page_size=8192&busy_timeout=1.5")
    with engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("page_size", "journal_mode", "busy_timeout", "foreign_keys")
        }
    engine.dispose()
    assert settings == {
        "page_size": 8192,
        "journal_mode": "wal",
        "busy_timeout": 1500,
        "foreign_keys": 1,
    }


def test_a_new_file_has_the_page_size_that_was_measured(path):
    engine = sa.create_engine(f"sqlite+adbc:///{path}")
    engine.connect().close()
    engine.dispose()
    assert int.from_bytes(path.read_bytes()[16:18], "big") == dialect._PAGE_BYTES


def test_another_journal_mode_works(path):
    engine = sa.create_engine(f"sqlite+adbc:///{path}?journal_mode=delete")
    metadata.create_all(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
    engine.dispose()
