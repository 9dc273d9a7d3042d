"""Several that open a new database at the same moment, of which one creates it."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread

import psycopg
import pytest
import sqlalchemy as sa

from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.database.backend import backend_for
from algomancy_data.database.engines import store_engine
from algomancy_data.database.models import create_missing, create_or_check

START = """
import sys
from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
print("ready", flush=True)
for url in map(str.strip, sys.stdin):
    manager = DatabaseDataManager(SimpleETLFactory, [], url, "s", DataSource)
    try:
        manager.startup()
        source = DataSource("master_data", name=sys.argv[1])
        source.add_table("t", {"x": [1]})
        manager.add_data_source(source)
    except Exception as error:
        print(repr(error), flush=True)
    else:
        print("started", flush=True)
    manager.close()
"""


@pytest.fixture(params=["file", "postgresql"])
def new_url(request, tmp_path):
    """Return URLs of databases that are empty, or not even there."""
    if request.param == "file":
        return lambda number: f"sqlite:///{tmp_path / str(number)}.db"
    new_database = request.getfixturevalue("new_database")

    def make(number):
        new_database(f"startup_{number}")
        return request.getfixturevalue("postgresql").replace("/postgres?", f"/startup_{number}?")

    return make


def test_threads_with_connections_of_their_own_start_together(new_url):
    url = sa.make_url(new_url("threads"))
    url = url.set(drivername=f"{url.drivername}+adbc")
    together = Barrier(10)

    def start(number):
        manager = DatabaseDataManager(
            SimpleETLFactory, [], sa.create_engine(url), f"s{number}", DataSource
        )
        together.wait()
        manager.startup()
        keys = manager.get_data_keys()
        manager.close()
        return keys

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(start, range(10))) == [[]] * 10


def test_a_database_that_has_all_is_only_looked_at(new_url):
    manager = DatabaseDataManager(SimpleETLFactory, [], new_url("complete"), "s", DataSource)
    manager.startup()
    storage = backend_for(manager.engine).table_storage()
    assert create_or_check(manager.engine, storage)
    with manager.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE algomancy_jobs")
    assert not create_or_check(manager.engine, storage)
    manager.close()


def test_who_makes_the_catalogue_waits_for_who_is_at_it(empty_postgresql):
    engine = store_engine(empty_postgresql)
    storage = backend_for(engine).table_storage()
    maker = Thread(target=create_missing, args=(engine, storage))
    with engine.connect() as first, psycopg.connect(empty_postgresql, autocommit=True) as watcher:
        storage.begin_writing(first, "", "")
        maker.start()
        end = time.monotonic() + 60
        while not watcher.execute("SELECT FROM pg_locks WHERE NOT granted").fetchall():
            assert time.monotonic() < end
            assert maker.is_alive()
        assert not sa.inspect(engine).get_table_names()
    maker.join()
    assert sa.inspect(engine).has_table("algomancy_datasets")
    engine.dispose()


@pytest.mark.long
def test_processes_start_together(new_url):
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", START, f"d{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    try:
        for starter in starters:
            assert starter.stdout.readline() == "ready\n"
        for number in range(6):
            url = new_url(number)
            for starter in starters:
                starter.stdin.write(f"{url}\n")
                starter.stdin.flush()
            assert [starter.stdout.readline() for starter in starters] == ["started\n"] * 4
            manager = DatabaseDataManager(SimpleETLFactory, [], url, "s", DataSource)
            manager.startup()
            assert sorted(manager.get_data_keys()) == [f"d{number}" for number in range(4)]
            manager.close()
    finally:
        for starter in starters:
            starter.stdin.close()
            starter.wait(60)
            starter.stdout.close()
