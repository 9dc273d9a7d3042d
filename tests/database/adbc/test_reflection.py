"""What the databases say of their tables."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

metadata = sa.MetaData()
parents = sa.Table(
    "parents",
    metadata,
    sa.Column("a", sa.Integer, primary_key=True),
    sa.Column("b", sa.Integer, primary_key=True),
    comment="the parents' comment",
)
children = sa.Table(
    "children",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, comment="100 % its: number"),
    sa.Column("a", sa.Integer),
    sa.Column("b", sa.Integer),
    sa.Column("name", sa.String(7), nullable=False, server_default="it's"),
    sa.Column("price", sa.Numeric(10, 2)),
    sa.Column("at", sa.DateTime(timezone=True)),
    sa.ForeignKeyConstraint(
        ["a", "b"], ["parents.a", "parents.b"], "children_fk", ondelete="CASCADE"
    ),
    sa.UniqueConstraint("name", "price", name="children_unique"),
    sa.CheckConstraint("price > 0", name="children_check"),
    sa.Index("children_index", "name", "at", unique=True),
)


@pytest.fixture
def inspector(engine):
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE VIEW names AS SELECT name FROM children")
    return sa.inspect(engine)


def test_names(inspector):
    assert sorted(inspector.get_table_names()) == ["children", "parents"]
    assert inspector.get_view_names() == ["names"]
    assert "FROM children" in " ".join(inspector.get_view_definition("names").split())
    assert inspector.has_table("names")
    assert not inspector.has_table("Names%")


def test_columns(inspector):
    columns = {column["name"]: column for column in inspector.get_columns("children")}
    assert list(columns) == ["id", "a", "b", "name", "price", "at"]
    assert isinstance(columns["id"]["type"], sa.BigInteger)
    assert (columns["name"]["type"].length, columns["name"]["nullable"]) == (7, False)
    assert "it''s" in columns["name"]["default"]
    price = columns["price"]["type"]
    assert (price.precision, price.scale) == (10, 2)


def test_constraints(inspector):
    assert inspector.get_pk_constraint("parents")["constrained_columns"] == ["a", "b"]
    (key,) = inspector.get_foreign_keys("children")
    assert key["referred_columns"] == ["a", "b"]
    assert (key["name"], key["options"]) == ("children_fk", {"ondelete": "CASCADE"})
    (unique,) = inspector.get_unique_constraints("children")
    assert (unique["name"], unique["column_names"]) == ("children_unique", ["name", "price"])
    (check,) = inspector.get_check_constraints("children")
    assert check["name"] == "children_check"
    assert "price >" in check["sqltext"]


def test_indexes(inspector):
    indexes = {index["name"]: index for index in inspector.get_indexes("children")}
    assert indexes["children_index"]["column_names"] == ["name", "at"]
    assert indexes["children_index"]["unique"]


def test_a_reflected_table_is_the_same(engine, inspector):
    reflected = sa.MetaData()
    reflected.reflect(engine)
    table = reflected.tables["children"]
    assert table.c.keys() == children.c.keys()
    assert {key.target_fullname for key in table.foreign_keys} == {"parents.a", "parents.b"}
    again = sa.MetaData()
    reflected.drop_all(engine) if engine.name == "sqlite" else None
    again.reflect(engine, only=lambda name, _: name == "parents")


def test_comments(postgresql_engine):
    metadata.create_all(postgresql_engine)
    inspector = sa.inspect(postgresql_engine)
    assert inspector.get_table_comment("parents") == {"text": "the parents' comment"}
    assert inspector.get_columns("children")[0]["comment"] == "100 % its: number"


def test_schemas(postgresql_engine):
    with postgresql_engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema("a schema"))
    table = sa.Table("t", sa.MetaData(schema="a schema"), sa.Column("x", sa.Integer))
    table.create(postgresql_engine)
    inspector = sa.inspect(postgresql_engine)
    assert "a schema" in inspector.get_schema_names()
    assert inspector.get_table_names("a schema") == ["t"]
    assert inspector.default_schema_name == "public"


def test_enums_and_sequences(postgresql_engine):
    kind = sa.Enum("small", "large", name="kind")
    table = sa.Table(
        "t", sa.MetaData(), sa.Column("kind", kind), sa.Column("n", sa.Integer, sa.Sequence("s"))
    )
    table.create(postgresql_engine)
    inspector = sa.inspect(postgresql_engine)
    assert inspector.get_enums()[0]["labels"] == ["small", "large"]
    assert inspector.get_sequence_names() == ["s"]
