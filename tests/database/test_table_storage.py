"""The view that tells everyone at a prompt where everything is."""

from __future__ import annotations

import subprocess
import sys

import polars as pl
import psycopg
import pytest
import sqlalchemy as sa

from algomancy_data.database.models import datasets_table, metadata

FRAME = pl.DataFrame({"x": [1.5, float("nan"), None], "y": ["a", "b", None]})
SHOWN = [
    ("a-1", "t", "ds__s__a-1__t", 2, 2),
    ("b", "Line items", "ds__s__b__Line items", 3, 2),
    ("b", "none", "ds__s__b__none", 5, 0),
]
DAMAGED = (
    *("[", "[" * 100_000, "null", "5", "[1]", '[{"physical": 5}]'),
    '[{"physical": "p", "height": "x"}]',
    '[{"name": "a\\ud800", "physical": "p", "height": 1}]',
    '[{"name": "t", "physical": "\\udfff\\u0000", "height": 1}]',
)
QUERY = 'SELECT dataset, "table", sql_name, rows, columns FROM algomancy_tables'

pytestmark = pytest.mark.filterwarnings("ignore::algomancy_data.errors.PortablePathWarning")


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("sqlite+pysqlite", marks=pytest.mark.long),
        "postgresql",
        pytest.param("postgresql+psycopg", marks=pytest.mark.long),
    ]
)
def place(request, path):
    if request.param.startswith("sqlite"):
        return f"{request.param}:///{path}"
    url = request.getfixturevalue("empty_postgresql")
    return url.replace("postgresql:", f"{request.param}:", 1)


@pytest.fixture
def look(place, path, outside):
    """Ask another process, or another driver."""

    def ask(query):
        if place.startswith("sqlite"):
            return [tuple(row) for row in outside(path, query)]
        with psycopg.connect(place.replace("+psycopg", "")) as connection:
            return connection.execute(query).fetchall()

    return ask


def fill(manager, dataset):
    tables = {"Line items": FRAME, "none": pl.DataFrame(height=5)}
    manager.add_data_source(dataset("b", tables))
    manager.add_data_source(dataset("a-1", {"t": FRAME.head(2)}))


def run(manager, *statements):
    with manager.engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def test_it_says_where_everything_is(new_manager, place, look, dataset):
    manager = new_manager(place)
    fill(manager, dataset)
    new_manager(place, "other").add_data_source(dataset("b", {"t": FRAME}))
    assert look(f"{QUERY} WHERE session = 's'") == SHOWN
    assert look(f"{QUERY} WHERE session = 'other'") == [("b", "t", "ds__other__b__t", 3, 2)]
    for _, _, sql_name, rows, columns in SHOWN:
        if columns:
            assert look(f'SELECT count(*) FROM "{sql_name}"') == [(rows,)]
    manager.add_data_source(dataset("b", {"t": FRAME.head(1)}))
    manager.derive_data("b", "c")
    manager.delete_data("a-1")
    assert look(f"{QUERY} WHERE session = 's'") == [
        ("b", "t", "ds__s__b__t", 1, 2),
        ("c", "t", "ds__s__c__t", 1, 2),
    ]
    assert manager.verify() == manager.leftovers() == []


def test_a_damaged_row_hides_no_other(new_manager, place, look, dataset):
    manager = new_manager(place)
    fill(manager, dataset)
    manager.derive_data("b", "damaged")
    for text in DAMAGED:
        with manager.engine.begin() as connection:
            damage = sa.update(datasets_table).where(datasets_table.c.name == "damaged")
            connection.execute(damage.values(sub_tables=text))
        assert look(QUERY) == SHOWN
    if place.startswith("sqlite"):
        named = """'[{"physical": "p", "height": 1, "name": "' || x'FF' || '"}]'"""
        run(manager, f"UPDATE algomancy_datasets SET sub_tables = {named} WHERE name = 'damaged'")
        assert look(QUERY) == SHOWN
    manager.delete_data("damaged")
    assert manager.leftovers() == []


def test_it_is_in_nobodys_way(new_manager, place, look, dataset):
    manager = new_manager(place)
    fill(manager, dataset)
    manager.startup()
    metadata.create_all(manager.engine)
    with manager.engine.begin() as connection:
        connection.execute(datasets_table.delete().where(datasets_table.c.name == "b"))
    assert look("SELECT dataset FROM algomancy_tables") == [("a-1",)]
    run(manager, "DROP TABLE algomancy_datasets")
    manager.startup()
    assert look("SELECT * FROM algomancy_tables") == []
    metadata.drop_all(manager.engine)
    manager.startup()
    fill(manager, dataset)
    assert len(look("SELECT * FROM algomancy_tables")) == len(SHOWN)


def test_a_store_without_it_gets_it_and_one_that_is_somebody_elses_stays(
    new_manager, place, look, dataset
):
    manager = new_manager(place)
    fill(manager, dataset)
    run(manager, "DROP VIEW algomancy_tables")
    manager.startup()
    assert len(look("SELECT * FROM algomancy_tables")) == len(SHOWN)
    run(manager, "DROP VIEW algomancy_tables", "CREATE VIEW algomancy_tables AS SELECT 1 AS mine")
    manager.startup()
    assert look("SELECT mine FROM algomancy_tables") == [(1,)]


# Two processes, the second one forked: to import everything takes longer than the test.
START = """
import os, sys
from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
import algomancy_data.database.sqlite, algomancy_data.database.postgresql
other = os.fork()
manager = DatabaseDataManager(SimpleETLFactory, [], sys.argv[1], "s", DataSource)
os.write(1, b"ready\\n")
os.read(0, 1)
manager.startup()
manager.close()
if other:
    sys.exit(os.waitpid(other, 0)[1])
"""


@pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)
def test_processes_that_start_at_once_make_it_once(new_manager, place, look):
    run(new_manager(place), "DROP VIEW algomancy_tables")
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([sys.executable, "-c", START, place], **pipes, text=True) as both:
        assert [both.stdout.readline() for _ in range(2)] == ["ready\n"] * 2
        said = both.communicate("12")[1]
    assert both.returncode == 0, said
    assert look("SELECT * FROM algomancy_tables") == []


def test_a_table_that_cannot_be_made_keeps_no_store_shut(path, new_manager, dataset, outside):
    manager = new_manager()
    fill(manager, dataset)
    manager.close()
    outside(path, "DROP VIEW algomancy_tables", "CREATE TABLE algomancy_tables (mine TEXT)")
    manager = new_manager()
    assert manager.get_data("b").get_table("none").height == 5
    assert manager.verify() == []
