"""Many jobs while workers are killed at random, and once the coordinator.

Each dataset and each appended row is there exactly once, as after a run in which nobody is killed.
Forty jobs here; with ``KILLED_JOBS=200`` in the environment as many as that.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from algomancy_data.batch import Outcome, run_batch
from algomancy_data.testing import assert_identical

LOADS = 5
DATASETS = int(os.environ.get("KILLED_JOBS", "40")) // LOADS
KILLS = DATASETS // 2
PAUSE = "0.05"
# Two workers pause for a second in all, so that somebody is killed however fast they are.
LONGEST = 0.8

COORDINATOR = """
import sys
from night import make_manager
from algomancy_data.batch import read_jobs, run_batch
if __name__ == "__main__":
    run_batch(read_jobs(sys.argv[1]), make_manager, sys.argv[2] or None, workers=2)
"""


@pytest.fixture
def jobs(deliver, monkeypatch):
    """A replacement and four appends for each dataset, among each other."""
    made = [
        deliver(
            f"d{number:02}",
            *(load + row / 10 for row in range(5)),
            first=1 + load * 5,
            mode="append" if load else "replace",
        )
        for load in range(LOADS)
        for number in range(DATASETS)
    ]
    monkeypatch.setenv("NIGHT_PAUSE", PAUSE)
    return made


class Killer:
    """Kills one of some processes now and then.

    Args:
        processes: Returns those that there are at the moment.
        chance: Decides when and which.
    """

    def __init__(self, processes, chance):
        self._processes = processes
        self._chance = chance
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.kills = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while self.kills < KILLS and not self._stop.wait(self._chance.uniform(0.1, LONGEST)):
            processes = self._processes()
            if processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    self._chance.choice(processes).kill()
                    self.kills += 1


def children(pid):
    """Return the processes below one that do jobs; Dask's name themselves where they can."""
    with contextlib.suppress(psutil.NoSuchProcess):
        below = psutil.Process(pid).children(recursive=True)
        commands = [" ".join(one.cmdline()) for one in below]
        return [
            one
            for one, command in zip(below, commands, strict=True)
            if "spawn_main" in command or command.startswith("dask worker")
        ]
    return []


@pytest.fixture
def cluster(night, dask_cluster):
    """A cluster whose workers import the module."""
    return dask_cluster


def finished(result, jobs, night, executor=None):
    """Try what was put aside, because it was hit twice, once more."""
    while result.failed:
        result = run_batch(
            jobs,
            night.make_manager,
            executor,
            workers=2,
            batch=result.batch,
            resume=True,
            retry_failed=True,
        )
    return result


def check(result, jobs, store, night, monkeypatch, tmp_path):
    assert result.counts == {"done": len(jobs)}
    manager = store()
    assert manager.leftovers() == []
    assert manager.verify() == []
    history = manager.store.history.attempts()
    done = Counter(one.job for one in history if one.outcome == Outcome.DONE)
    assert len(done) == len(jobs)
    assert set(done.values()) == {1}
    assert all(one.outcome != Outcome.RUNNING and one.finished_at for one in history)
    assert {one.files[0].location for one in history} == {job.files["sales"] for job in jobs}

    monkeypatch.setenv("NIGHT_STORE", f"sqlite:///{tmp_path / 'quiet.db'}")
    monkeypatch.setenv("NIGHT_PAUSE", "0")
    with ThreadPoolExecutor(2) as executor:
        assert run_batch(jobs, night.make_manager, executor, workers=2).done == len(jobs)
    quiet = store()
    assert sorted(manager.get_data_keys()) == sorted(quiet.get_data_keys())
    for name in quiet.get_data_keys():
        # Rows whose job was put aside, and done later, lie behind the others.
        found, expected = (one.get_table(name, "sales").sort("id") for one in (manager, quiet))
        assert_identical(found, expected)
    quiet.close()


@pytest.mark.long
def test_processes_are_killed(jobs, store, night, monkeypatch, tmp_path):
    chance = random.Random(5)  # noqa: S311  only moments
    with Killer(lambda: children(os.getpid()), chance) as killer:
        result = run_batch(jobs, night.make_manager, workers=2)
    assert killer.kills
    check(finished(result, jobs, night), jobs, store, night, monkeypatch, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)
def test_workers_of_dask_are_killed(jobs, store, night, cluster, monkeypatch, tmp_path):
    client, nannies = cluster
    chance = random.Random(6)  # noqa: S311  only moments
    with Killer(lambda: [one for pid in nannies for one in children(pid)], chance) as killer:
        result = run_batch(jobs, night.make_manager, client, time_limit=20)
    assert killer.kills
    check(finished(result, jobs, night, client), jobs, store, night, monkeypatch, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize(
    ("store", "where"), [("sqlite", "processes"), ("postgresql", "dask")], indirect=["store"]
)
def test_the_coordinator_is_killed(jobs, store, night, request, monkeypatch, tmp_path, where):
    client = request.getfixturevalue("cluster")[0] if where == "dask" else None
    listed = tmp_path / "jobs.toml"
    listed.write_text(
        "".join(
            f"[[job]]\ndataset = '{job.dataset}'\nmode = '{job.mode}'\n"
            f"files = {{ sales = '{job.files['sales']}' }}\n"
            for job in jobs
        )
    )
    program = tmp_path / "program.py"
    program.write_text(COORDINATOR)
    address = "" if client is None else client.scheduler.address
    coordinator = subprocess.Popen([sys.executable, program, listed, address])
    history = store().store.history
    deadline = time.monotonic() + 120
    while sum(one.outcome == Outcome.DONE for one in history.attempts()) < len(jobs) // 4:
        assert coordinator.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    workers = children(coordinator.pid)
    coordinator.send_signal(signal.SIGKILL)
    coordinator.wait()
    psutil.wait_procs(workers, timeout=30)
    assert [one for one in workers if one.is_running()] == []
    result = run_batch(jobs, night.make_manager, client, workers=2, resume=True)
    assert result.batch == history.attempts()[0].batch
    check(finished(result, jobs, night, client), jobs, store, night, monkeypatch, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_batch_cleanly(jobs, store, night, monkeypatch, number):
    monkeypatch.setenv("NIGHT_PAUSE", str(16 / len(jobs)))  # two workers take 8 s at least
    threading.Timer(4, os.kill, (os.getpid(), number)).start()
    result = run_batch(jobs, night.make_manager, workers=2)
    assert result.exit_code == 130
    assert result.done + result.stopped == len(jobs)
    assert result.stopped
    assert children(os.getpid()) == []
    outcomes = Counter(str(one.outcome) for one in store().store.history.attempts())
    assert outcomes["done"] == result.done
    assert outcomes["running"] == 0
    monkeypatch.setenv("NIGHT_PAUSE", "0")
    assert run_batch(jobs, night.make_manager, workers=2, resume=True).done == len(jobs)
