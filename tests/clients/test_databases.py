"""Databases that the pandas package wrote are carried over, whole, in place or into another one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from algomancy_data import Column, ColumnGroup, DataSource, DataType, Schema, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager, read_pandas_database
from algomancy_data.errors import SchemaDriftError, StoreError

pytestmark = pytest.mark.long


class Items(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "items", "csv", "single"
    ID = Column("id", DataType.INTEGER)
    NAME = Column("name", DataType.STRING)
    WEIGHT = Column("weight", DataType.FLOAT)
    MADE = Column("made", DataType.DATETIME)
    ACTIVE = Column("active", DataType.BOOLEAN)


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "json", "multi"
    LINE = ColumnGroup("line", [Column("order", DataType.INTEGER)])


SCHEMAS = [Items, Orders]
NAMES = [("main", "Master Data"), ("main", "Master Data__2"), ("other", "Master Data")]
CATALOGUE = """
    CREATE TABLE algomancy_datasets (
        id TEXT, name TEXT, session_id TEXT, ds_type TEXT, creation_datetime DATETIME, payload TEXT)
"""
LINE = pl.DataFrame({"order": [1, 1], "item": ["bolt", "nut"], "pieces": [3, 2**53]})


def items(number):
    return pl.DataFrame(
        {
            "id": [number, 2, None],
            "name": ["bolt", None, "plate €"],
            "weight": [0.5, None, 1e300],
            "made": [datetime(2024, 1, 31, 10, 30, 0, 123456), None, datetime(1999, 12, 31)],
            "active": [True, None, False],
            "extra": ["undeclared", "00123", None],
        }
    )


@pytest.fixture(scope="session")
def written_by(reference, packages, new_postgresql, tmp_path_factory):
    """Let a version of the pandas package write a database; return what is in it, and its URL."""

    def write(version, dialect):
        home = tmp_path_factory.mktemp("written")
        if dialect == "sqlite":
            url, ours = f"sqlite:///{home / 'old.db'}", f"sqlite:///{home / 'old.db'}"
        else:
            url = new_postgresql("psycopg")
            ours = url.replace("+psycopg", "")
        side = type(reference)([packages["reference-0.8"], *map(Path, reference.path)], home)
        writer = side if version == "0.8" else reference
        steps = writer.run(("databases", {"name": "", "url": url}))["databases"][""]
        return steps["tables"], ours

    return write


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request):
    return request.param


def manager_of(url, session):
    manager = DatabaseDataManager(SimpleETLFactory, SCHEMAS, url, session, DataSource)
    manager.startup()
    return manager


def assert_complete(read):
    assert [(session, data.name) for session, data in read] == NAMES
    for number, (_, data) in enumerate(read):
        assert data.id == f"id {number}"
        assert data.creation_datetime == datetime(2024, 1, 31, 10, 30, 0, 123456)
        assert data.is_master_data() == (number != 1)
        assert data.list_tables() == ["items", "orders.line"]
        assert data.get_table("items").equals(items(number))
        assert data.get_table("items").schema == items(number).schema
        assert data.get_table("orders.line").equals(LINE)


@pytest.mark.parametrize("version", ["0.8", "0.10"])
def test_the_recipe_of_the_migration_guide_carries_a_database_over(
    written_by, version, dialect, recipe
):
    tables, url = written_by(version, dialect)
    assert any(table.startswith("algomancy_ds__") for table in tables) == (version == "0.10")
    with pytest.raises(SchemaDriftError, match="read_pandas_database"):
        manager_of(url, "main")
    assert_complete(list(read_pandas_database(url, SCHEMAS, DataSource)))
    scheme, rest = url.split(":", 1)
    engine = sa.create_engine(f"{scheme}+adbc:{rest}")
    recipe(engine, SCHEMAS)
    read = []
    for session, name in NAMES:
        manager = manager_of(url, session)
        read.append((session, manager.get_data(name)))
        manager.close()
    assert_complete(read)
    left = sa.inspect(engine).get_table_names()
    engine.dispose()
    assert set(tables) & set(left) <= {"algomancy_datasets"}


@pytest.fixture
def recipe():
    """Run the guide's own code on a database."""
    guide = Path(__file__).parents[2] / "docs" / "migration.md"
    text = guide.read_text(encoding="utf-8")
    start = text.index("def carry_over(")
    namespace = {}
    code = block(text, start).partition("engine = sa.create_engine")[0]
    exec(compile(code, str(guide), "exec"), namespace)  # noqa: S102 - it is what readers copy
    return namespace["carry_over"]


def block(text, start):
    """Return the block of code around a place."""
    begin = text.rindex("```python\n", 0, start) + len("```python\n")
    return text[begin : text.index("```", start)]


def test_values_that_are_not_of_their_columns_type_are_named(tmp_path):
    url = f"sqlite+adbc:///{tmp_path / 'old.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in (
            CATALOGUE,
            "INSERT INTO algomancy_datasets VALUES ('1', 'd', 's', 'master_data', NULL, NULL)",
            'CREATE TABLE ds__s__d__t ("x" BOOLEAN)',
            "INSERT INTO ds__s__d__t VALUES (1), ('maybe')",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()
    with pytest.raises(StoreError, match=r"Table 'ds__s__d__t', column 'x'.*BOOLEAN"):
        list(read_pandas_database(url, [], DataSource))


def test_a_database_without_such_a_catalogue_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path / 'new.db'}"
    with pytest.raises(StoreError, match="no table 'algomancy_datasets'"):
        list(read_pandas_database(url, [], DataSource))
    manager_of(url, "s").close()
    with pytest.raises(StoreError, match="none of the pandas package"):
        list(read_pandas_database(url, [], DataSource))


def test_two_datasets_of_0_8_in_one_place_are_refused(tmp_path):
    url = f"sqlite+adbc:///{tmp_path / 'old.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(CATALOGUE)
        for name in ("a b", "a-b"):
            connection.exec_driver_sql(
                "INSERT INTO algomancy_datasets VALUES "
                f"('{name}', '{name}', 's', 'master_data', NULL, NULL)"
            )
    engine.dispose()
    with pytest.raises(StoreError, match="Two datasets share the tables ds__s__a_b__"):
        list(read_pandas_database(url, [], DataSource))


def test_one_that_cannot_be_read_keeps_no_other_from_being_read(tmp_path):
    url = f"sqlite+adbc:///{tmp_path / 'old.db'}"
    engine = sa.create_engine(url)
    rows = {
        "a b": "NULL, NULL",
        "a-b": "NULL, NULL",
        "good": "NULL, NULL",
        "broken": "NULL, '{'",
        "timeless": "'yesterday', NULL",
        "odd": "NULL, NULL",
    }
    with engine.begin() as connection:
        connection.exec_driver_sql(CATALOGUE)
        for name, rest in rows.items():
            connection.exec_driver_sql(
                "INSERT INTO algomancy_datasets VALUES "
                f"('{name}', '{name}', 's', 'master_data', {rest})"
            )
        for name, value in (("good", 1), ("odd", "'maybe'")):
            connection.exec_driver_sql(f"CREATE TABLE ds__s__{name}__t (x BOOLEAN)")
            connection.exec_driver_sql(f"INSERT INTO ds__s__{name}__t VALUES ({value})")
    engine.dispose()
    failed = {}
    read = list(read_pandas_database(url, [], DataSource, failed=failed))
    assert [(session, data.name) for session, data in read] == [("s", "good")]
    assert read[0][1].get_table("t").rows() == [(True,)]
    assert {name for _, name in failed} == rows.keys() - {"good"}
    assert all(isinstance(error, StoreError) for error in failed.values())
    datasets = read_pandas_database(url, [], DataSource)
    assert next(datasets)[1].name == "good"
    with pytest.raises(StoreError) as caught:
        next(datasets)
    assert "5 of 6 datasets could not be read" in str(caught.value)
    assert all(repr(name) in str(caught.value) for name in rows.keys() - {"good"})
