"""Statements, their parameters and their rows, through both dialects."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy import exc, orm

metadata = sa.MetaData()
things = sa.Table(
    "things",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(40)),
    sa.Column("number", sa.Integer, server_default="7"),
)


@pytest.fixture
def connection(engine):
    metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection


def names(connection):
    return connection.scalars(sa.select(things.c.name).order_by(things.c.id)).all()


def test_rows_are_numbered_and_returned(connection):
    done = connection.execute(things.insert().values(name="a"))
    assert done.inserted_primary_key == (1,)
    assert connection.execute(things.insert().returning(things), {"name": "b"}).all() == [
        (2, "b", 7)
    ]
    many = things.insert().returning(things.c.id, sort_by_parameter_order=True)
    assert connection.scalars(many, [{"name": f"{i}"} for i in range(2_000)]).all() == [
        *range(3, 2003)
    ]


def test_executemany_of_nothing_and_of_much(connection):
    with connection.connection.cursor() as cursor:
        cursor.executemany("INSERT INTO things (name) VALUES ('never')", [])
    connection.execute(things.insert(), [{"name": f"{i}", "number": i} for i in range(5_000)])
    assert connection.scalar(sa.select(sa.func.count(), sa.func.sum(things.c.number))) == 5_000
    assert names(connection)[-1] == "4999"


def test_a_parameter_may_have_another_type_in_each_row(engine, connection):
    values = [None, "text", None, "2"] if engine.name == "postgresql" else [None, "text", 1, 2.5]
    insert = things.insert().values(name=sa.bindparam("n", type_=sa.types.NullType()))
    connection.execute(insert, [{"n": value} for value in values])
    assert names(connection) == [None if value is None else str(value) for value in values]


def test_changed_rows_are_counted(connection):
    connection.execute(things.insert(), [{"name": f"{i}"} for i in range(10)])
    first = things.c.id <= 4
    assert connection.execute(things.update().where(first).values(name="x")).rowcount == 4
    assert (
        connection.execute(
            things.update().where(first).returning(things.c.id), {"name": "y"}
        ).rowcount
        == 4
    )
    assert (
        connection.execute(sa.text("UPDATE things SET name = :n WHERE id < 3"), {"n": "z"}).rowcount
        == 2
    )
    assert connection.exec_driver_sql("DELETE FROM things WHERE id > 8").rowcount == 2
    assert connection.execute(things.delete().where(things.c.id == 99)).rowcount == 0
    returning = sa.text("DELETE FROM things WHERE id = 1 RETURNING name")
    assert connection.scalars(returning).all() == ["z"]


def test_a_default_that_is_a_query(connection):
    table = sa.Table(
        "defaults",
        sa.MetaData(),
        sa.Column(
            "id", sa.Integer, primary_key=True, default=sa.select(sa.literal(5)).scalar_subquery()
        ),
        implicit_returning=False,
    )
    table.create(connection)
    assert connection.execute(table.insert()).inserted_primary_key == (5,)


def test_numbers_without_returning(engine):
    table = sa.Table(
        "plain",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String),
        implicit_returning=False,
    )
    table.create(engine)
    with engine.begin() as connection:
        assert connection.execute(table.insert().values(name="a")).inserted_primary_key == (1,)
        assert connection.execute(table.insert().values(name="b")).inserted_primary_key == (2,)


AWKWARD = [
    "a%b",
    "a%%(y)s",
    'a"b',
    "a'b",
    "a:b",
    "a :b",
    "$1",
    "a$1b",
    "a?b",
    "a\\b",
    "名前",
    "a b",
]


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_names_and_texts(engine, name):
    table = sa.Table(name, sa.MetaData(), sa.Column(name, sa.String, primary_key=True))
    table.create(engine)
    with engine.begin() as connection:
        connection.execute(table.insert(), [{name: name}, {name: "other"}])
        assert connection.scalars(sa.select(table).where(table.c[name] == name)).all() == [name]
        literal = sa.literal_column(f"""'{name.replace("'", "''")}'""")
        assert connection.scalar(sa.select(literal)) == name
        if ":" not in name:
            escaped = name.replace("'", "''")
            assert connection.scalar(sa.text(f"SELECT '{escaped}' || :x"), {"x": "!"}) == name + "!"
    assert sa.inspect(engine).get_columns(name)[0]["name"] == name


def test_a_parameter_may_occur_twice(connection):
    query = sa.text("SELECT CAST(:a AS INTEGER) + CAST(:b AS INTEGER) * CAST(:a AS INTEGER)")
    assert connection.scalar(query, {"a": 2, "b": 3}) == 8


def test_statements_are_cached_with_their_types(connection):
    query = sa.select(things.c.name).where(things.c.name.in_(sa.bindparam("names", expanding=True)))
    connection.execute(things.insert(), [{"name": name} for name in "abc"])
    for wanted in (["a"], [], ["a", "b"], ["c", "x", "b"], ["a"]):
        found = connection.scalars(query, {"names": wanted}).all()
        assert sorted(found) == sorted(set(wanted) - {"x"})
    for value in (1, None, 2, None):
        again = connection.execute(sa.select(sa.literal(value, sa.Integer))).scalar()
        assert again == value


def test_a_table_that_changes_under_a_cached_statement(connection):
    query = sa.text("SELECT * FROM things")
    connection.execute(query).all()
    connection.exec_driver_sql("ALTER TABLE things ADD COLUMN more INTEGER")
    connection.execute(things.insert().values(name="a"))
    assert connection.execute(query).one() == (1, "a", 7, None)


def test_text_after_many_nulls(connection):
    connection.execute(things.insert(), [{"name": None, "number": None}] * 5_000)
    connection.execute(things.insert(), {"name": "late", "number": 1})
    assert names(connection) == [None] * 5_000 + ["late"]


def test_a_frame_with_texts_is_bound_row_by_row(connection):
    frame = pl.DataFrame({"id": [7, 8], "name": ["a text of more than twelve bytes", None]})
    marks = "$1, $2" if connection.dialect.name == "postgresql" else "?, ?"
    with connection.connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO things (id, name) VALUES ({marks})", frame)
    found = connection.execute(sa.select(things.c.id, things.c.name).order_by(things.c.id)).all()
    assert found == frame.rows()


def test_no_rows_have_columns(connection):
    result = connection.execute(sa.select(things).where(sa.false()))
    assert (list(result.keys()), result.all()) == (["id", "name", "number"], [])
    assert connection.execute(sa.select(things.c.name)).first() is None


def test_two_columns_of_one_name(connection):
    row = connection.execute(sa.text("SELECT 1 AS a, 2 AS a")).one()
    assert tuple(row) == (1, 2)


def test_results_side_by_side(connection):
    connection.execute(things.insert(), [{"name": f"{i}"} for i in range(10)])
    outer = connection.execute(sa.select(things.c.id))
    for (number,) in outer:
        inner = connection.execute(sa.select(things.c.name).where(things.c.id == number))
        assert inner.scalar() == str(number - 1)


@pytest.mark.parametrize("fetch", ["all", "one by one", "some", "streamed"])
def test_many_rows_come_whole_however_they_are_fetched(connection, fetch):
    rows = 100_000
    frame = pl.DataFrame({"id": range(1, rows + 1), "name": [f"name {i}" for i in range(rows)]})
    with connection.connection.cursor() as cursor:
        cursor.adbc_ingest("things", frame.with_columns(pl.col("id").cast(pl.Int32)), mode="append")
    query = sa.select(things.c.id, things.c.name).order_by(things.c.id)
    options = {"stream_results": fetch == "streamed"}
    result = connection.execute(query, execution_options=options)
    if fetch == "all":
        found = result.all()
    elif fetch == "some":
        found = [row for part in result.partitions(1_000) for row in part]
    else:
        found = list(iter(result.fetchone, None))
    assert pl.DataFrame(found, schema=frame.schema, orient="row").equals(frame)


def test_rows_of_a_cursor_for_arrow_data(connection):
    connection.execute(things.insert(), [{"name": f"{i}"} for i in range(3)])
    with connection.connection.cursor() as cursor:
        cursor.execute("SELECT name FROM things ORDER BY id")
        assert isinstance(cursor.fetch_record_batch(), pa.RecordBatchReader)
        cursor.execute("SELECT name FROM things ORDER BY id")
        assert [cursor.fetchone(), cursor.fetchmany(), cursor.fetchmany(5)] == [
            ("0",),
            [("1",)],
            [("2",)],
        ]
        assert (cursor.fetchone(), cursor.fetchall()) == (None, [])
        cursor.execute("DELETE FROM things")
        assert cursor.description is None
        with pytest.raises(sa.create_engine("sqlite+adbc://").dialect.dbapi.ProgrammingError):
            cursor.fetchall()


@pytest.mark.parametrize("make", ["cursor", "row_cursor"])
def test_a_statement_that_could_not_be_set_up_is_closed(engine, make):
    connection = engine.raw_connection()
    driver = connection.driver_connection
    unknown = {"no.such.option": "1"}

    def execute():
        cursors = {
            "cursor": lambda: driver.cursor(adbc_stmt_kwargs=unknown),
            "row_cursor": lambda: driver.row_cursor(unknown),
        }
        cursors[make]().execute("SELECT 1")

    with pytest.raises(driver.Error, match=r"no\.such\.option") as held:
        execute()
    connection.detach()
    driver.close()  # the driver refuses while a statement is open, and the traceback holds it
    del held


def test_arrow_data_as_parameters(connection, engine):
    mark = "$1" if engine.name == "postgresql" else "?"
    with connection.connection.cursor() as cursor:
        batch = pa.record_batch({"0": pa.array(["a", "b"])})
        cursor.executemany(f"INSERT INTO things (name) VALUES ({mark})", batch)
        assert cursor.rowcount == 2
    assert names(connection) == ["a", "b"]


def test_orm(engine):
    class Base(orm.DeclarativeBase):
        pass

    class Parent(Base):
        __tablename__ = "parents"
        id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
        price: orm.Mapped[str] = orm.mapped_column(
            sa.String(9).with_variant(sa.Numeric(9, 2), "postgresql")
        )
        children: orm.Mapped[list[Child]] = orm.relationship(back_populates="parent")

    class Child(Base):
        __tablename__ = "children"
        id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
        parent_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("parents.id"))
        parent: orm.Mapped[Parent] = orm.relationship(back_populates="children")

    orm.configure_mappers()
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add_all(Parent(price="1.50", children=[Child(), Child()]) for _ in range(3))
        session.commit()
        parents = session.scalars(sa.select(Parent).order_by(Parent.id)).all()
        assert [len(parent.children) for parent in parents] == [2, 2, 2]
        parents[0].price = "2.50"
        session.delete(parents[1].children[0])
        session.commit()
        assert session.scalar(sa.select(sa.func.count()).select_from(Child)) == 5
        assert str(session.get(Parent, 1).price) == "2.50"


def test_an_unknown_table_is_a_programming_error(connection):
    with pytest.raises(exc.ProgrammingError, match="nothing_there"):
        connection.exec_driver_sql("SELECT * FROM nothing_there")
