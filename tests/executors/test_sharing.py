"""Work that is shared out comes back in order, whatever becomes of workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psutil
import pytest

from algomancy_data.errors import ExecutorError, FileContentError
from algomancy_data.executors.choice import workers_for_jobs
from algomancy_data.executors.sharing import Share, each_in_order, workers_of
from algomancy_data.memory import MemoryBudget

_PROGRAM = """
import sys
from algomancy_data.executors.sharing import Share, each_in_order, workers_of
from helper_work import square
if __name__ == "__main__":
    with workers_of(2) as workers:
        shares = [Share(str(n), (n, 60.0 if n else 0.0)) for n in range(5)]
        for result in each_in_order(workers, square, shares):
            print(result, flush=True)
"""


@pytest.fixture
def work(workers_import):
    """The module of what workers do."""
    return workers_import(Path(__file__).parent, "helper_work")


def shared(workers, do, *given):
    shares = [Share(f"Share {number}", one) for number, one in enumerate(given)]
    return each_in_order(workers, do, shares)


def test_by_default_there_are_as_many_processes_as_cores_and_memory(monkeypatch):
    for wanted, capacity in ((None, 1), (2, 2), (9, 3)):
        assert workers_for_jobs(None, wanted, 3, lambda: 1).capacity == capacity
    for room, fitting in ((1, 1), (len(os.sched_getaffinity(0)), 99)):
        assert workers_for_jobs(None, None, 99, lambda fitting=fitting: fitting).capacity == room
        monkeypatch.setattr(MemoryBudget, "processes", lambda _, fitting=fitting: fitting)
        with workers_of("auto") as workers:
            assert workers.capacity == room


def test_results_come_in_order(work):
    with ThreadPoolExecutor(3) as executor, workers_of(executor) as workers:
        found = list(shared(workers, work.square, *((n, (7 - n) / 100) for n in range(8))))
    assert found == [n * n for n in range(8)]


def test_of_several_failures_the_first_is_raised(work):
    with (
        ThreadPoolExecutor(3) as executor,
        workers_of(executor) as workers,
        pytest.raises(FileContentError, match="1 is odd"),
    ):
        list(shared(workers, work.refuse, *((n,) for n in range(8))))


def test_one_that_was_killed_is_done_again_and_one_that_kills_is_named(work, tmp_path):
    with workers_of(2) as workers:
        given = [(0, tmp_path / "0"), (1, tmp_path / "1"), (0, tmp_path / "2")]
        assert list(shared(workers, work.die, *given)) == [0, 1, 0]
        with pytest.raises(ExecutorError, match=r"^Share 1: the worker .* was killed, 2 times"):
            list(shared(workers, work.die, (0, tmp_path / "3"), (9, tmp_path / "4")))
        with pytest.raises(ExecutorError, match="Share 0 cannot be handed to another process"):
            list(shared(workers, work.no_copy, (1,)))
        with pytest.raises(ExecutorError, match="Share 0 cannot be handed to another process"):
            list(shared(workers, lambda: None, ()))
    assert [child for child in psutil.Process().children() if "spawn" in str(child.cmdline())] == []


def test_one_that_was_killed_while_it_waited_is_replaced(work):
    with workers_of(1) as workers:
        for _ in range(2):
            assert list(shared(workers, work.square, (3, 0))) == [9]
            for child in psutil.Process().children():
                if "spawn_main" in str(child.cmdline()):
                    child.kill()
                    child.wait()


def test_what_has_to_be_done_before_is_done_when_it_is_handed_out(work):
    done = []

    def prepare(number):
        done.append(number)

    with ThreadPoolExecutor(1) as executor, workers_of(executor) as workers:
        shares = [Share(str(n), (n,), partial(prepare, n)) for n in range(50)]
        found = each_in_order(workers, work.square, shares)
        assert next(found) == 0
        assert len(done) < 50  # not much ahead of what is wanted
        assert list(found) == [n * n for n in range(1, 50)]
    assert done == list(range(50))


def test_nobody_helps_where_there_is_no_executor():
    with workers_of(None) as workers:
        assert workers is None


@pytest.mark.parametrize(
    ("executor", "said"),
    [(0, "1 or more, not 0"), (2.5, "2.5 is no executor"), (True, "True is no executor")],
)
def test_what_is_no_executor_is_refused(executor, said):
    with pytest.raises(ExecutorError, match=said), workers_of(executor):
        pass


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_program(work, tmp_path, number):
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    running = subprocess.Popen(
        [sys.executable, program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout.readline() == "0\n"
    children = psutil.Process(running.pid).children(recursive=True)
    assert len(children) >= 2
    running.send_signal(number)
    began = time.monotonic()
    running.communicate(timeout=30)
    gone, alive = psutil.wait_procs(children, timeout=20)
    assert (len(gone), alive) == (len(children), [])
    assert time.monotonic() - began < 30
