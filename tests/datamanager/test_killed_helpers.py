"""Whoever is killed while others help to load: the old dataset or the new."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import psutil
import psycopg
import pytest

from algomancy_data.testing import assert_identical

pytestmark = pytest.mark.long

ROWS, PARTS = 700_000, 100

PROGRAM = """
import sys
import parted
if __name__ == "__main__":
    store, folder = sys.argv[1:]
    manager = parted.manager(store)
    files = manager.prepare_files(
        file_items_with_path=[(name, f"{folder}/{name}") for name in ("customers", "orders")]
    )
    print("ready", flush=True)
    result = manager.etl_data(files, "d", executor=2)
    print(result.status, flush=True)
    manager.close()
"""


@pytest.fixture(params=["sqlite", "folder", "postgresql"])
def store(request, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("ALGOMANCY_SCRATCH", str(scratch))
    match request.param:
        case "sqlite":
            return f"sqlite:///{tmp_path / 'data.db'}"
        case "folder":
            return str(tmp_path / "folder")
        case _:
            return request.getfixturevalue("empty_postgresql")


@pytest.fixture(scope="session")
def delivery(tmp_path_factory):
    """A hundred parts of orders; return where they are, and what they hold."""
    folder = tmp_path_factory.mktemp("delivery")
    for name in ("customers", "orders"):
        (folder / name).mkdir()
    (folder / "customers" / "0.csv").write_text("id;name\n1;Ada\n2;Bob\n")
    ids = pl.int_range(ROWS, eager=True)
    orders = pl.select(
        id=ids, customer=ids % 2 + 1, amount=ids / 4, day=pl.lit("2024-05-01T10:00:00")
    )
    for number, part in enumerate(orders.iter_slices(ROWS // PARTS)):
        part.write_csv(folder / "orders" / f"{number}.csv", separator=";")
    return folder, orders.with_columns(pl.col("day").str.to_datetime(time_unit="us"))


@pytest.fixture
def old(parted, store, tmp_path):
    """Load a small dataset, and return its orders."""
    parted.write(tmp_path / "old", [["1;Ada"]], [["7;1;1,5;"]])
    manager = parted.manager(store)
    files = manager.prepare_files(
        file_items_with_path=[
            (name, str(tmp_path / "old" / name)) for name in ("customers", "orders")
        ]
    )
    assert manager.etl_data(files, "d").is_success
    orders = manager.get_table("d", "orders")
    manager.close()
    return orders


@contextlib.contextmanager
def running(store, folder):
    # Processes that a program starts import it, so it is a file.
    path = folder / "program.py"
    path.write_text(PROGRAM)
    with subprocess.Popen(
        [sys.executable, str(path), store, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout.readline() == "ready\n", program.stderr.read()
        yield program


def files_on_their_way():
    return len(list(Path(os.environ["ALGOMANCY_SCRATCH"]).glob("algomancy-exchange-*/*")))


@contextlib.contextmanager
def parts_in(store):
    """Tell how many parts of tables there are in the database."""
    query = "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'algomancy_rows_%'"
    with psycopg.connect(store, autocommit=True) as connection:
        yield lambda: connection.execute(query).fetchone()[0]


def state(parted, store, old, new):
    """Return which dataset there is, whole; nothing else is left after clearing."""
    manager = parted.manager(store)
    try:
        found = manager.scan_table("d", "orders").collect()
        is_new = found.height != old.height
        assert_identical(found.sort("id"), (new if is_new else old).sort("id"))
        assert found["id"].is_sorted()
        assert manager.verify() == []
        manager.clear_leftovers()
        assert manager.leftovers() == []
    finally:
        manager.close()
    return "new" if is_new else "old"


def end(program, number=signal.SIGKILL):
    children = []
    with contextlib.suppress(psutil.NoSuchProcess):  # it was faster
        children = psutil.Process(program.pid).children(recursive=True)
        program.send_signal(number)
    program.communicate(timeout=60)
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []


def kill_when(program, is_time):
    deadline = time.monotonic() + 60
    while not is_time():
        assert program.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    end(program)


def test_a_program_that_is_killed_while_parts_are_read_leaves_the_old_dataset(
    parted, store, delivery, old
):
    folder, new = delivery
    with running(store, folder) as program:
        kill_when(program, lambda: files_on_their_way() > 1)
    assert state(parted, store, old, new) == "old"
    assert files_on_their_way() > 0
    with running(store, folder) as program:
        assert program.stdout.readline() == "success\n"
        program.wait(timeout=60)
    assert state(parted, store, old, new) == "new"
    assert files_on_their_way() == 0


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
@pytest.mark.parametrize("parts", [1, 4, 7])
def test_a_program_that_is_killed_with_parts_in_the_database_leaves_the_old_dataset_or_the_new(
    parted, store, delivery, old, parts
):
    folder, new = delivery
    with running(store, folder) as program, parts_in(store) as count:
        kill_when(program, lambda: count() >= parts)
    assert state(parted, store, old, new) == "old" or parts == 7


def test_a_program_that_is_killed_at_any_time_does_so_too(parted, store, delivery, old):
    folder, new = delivery
    chance = random.Random()  # noqa: S311  anything may happen
    for number in (signal.SIGKILL, signal.SIGINT):
        with running(store, folder) as program:
            time.sleep(chance.uniform(0, 4))
            end(program, number)
        state(parted, store, old, new)


def test_a_worker_that_is_killed_takes_nothing_with_it(parted, store, delivery, old):
    folder, new = delivery
    chance, kills = random.Random(), 0  # noqa: S311
    with running(store, folder) as program:
        while program.poll() is None and kills < 2:
            time.sleep(chance.uniform(0.8, 1.6))
            with contextlib.suppress(psutil.NoSuchProcess):
                workers = [
                    one
                    for one in psutil.Process(program.pid).children()
                    if "spawn_main" in str(one.cmdline())
                ]
                if workers:
                    chance.choice(workers).kill()
                    kills += 1
        assert program.stdout.readline() == "success\n", program.stderr.read()
        program.wait(timeout=60)
    assert kills
    assert state(parted, store, old, new) == "new"
