"""Processes that are killed, hang, or cannot start; Dask, whose workers die."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from algomancy_data import ValidationSeverity
from algomancy_data.batch import run_batch
from algomancy_data.errors import ExecutorError

_UNGUARDED = """
import night
from algomancy_data.batch import Job, run_batch
run_batch([Job("delft", {{"sales": {path!r}}})], night.make_manager)
"""


def test_processes_share_the_work_and_one_that_is_killed_takes_no_other_with_it(
    night, store, deliver, caplog
):
    jobs = [deliver("delft", night.KILL), *(deliver(f"d{number}", number) for number in range(4))]
    jobs.append(deliver("gouda", 1, "x", halt_on=ValidationSeverity.CRITICAL))
    result = run_batch(jobs, night.make_manager, workers=2)
    assert result.counts == {"done": 5, "failed": 1}
    # What a worker warns of is in the log of this process.
    assert any(line.startswith("gouda: ") and "'x'" in line for line in caplog.messages)
    assert result.jobs[0].error.startswith("Put aside")
    assert result.jobs[0].attempts == 2
    history = store().store.history.attempts()
    assert [str(one.outcome) for one in history if one.dataset == "delft"] == ["lost", "lost"]
    assert all(not one.worker.endswith(f"/{os.getpid()}") for one in history)
    assert store().leftovers() == []
    assert [child for child in psutil.Process().children() if "spawn" in str(child.cmdline())] == []


@pytest.mark.long
def test_a_job_that_hangs_is_given_up_after_its_time(night, store, deliver):
    usual = run_batch([deliver("assen", 1), deliver("breda", 1)], night.make_manager, workers=2)
    limit = round(3 + 2 * usual.seconds)  # workers that begin count as well
    jobs = [deliver("delft", night.HANG), deliver("gouda", 1)]
    result = run_batch(jobs, night.make_manager, workers=2, time_limit=limit)
    assert result.counts == {"done": 1, "failed": 1}
    assert f"longer than {limit} s" in result.jobs[0].error
    assert sorted(store().get_data_keys()) == ["assen", "breda", "gouda"]


@pytest.mark.long
def test_a_program_without_a_guard_is_told_so(night, store, deliver, tmp_path):
    deliver("delft", 1)
    program = tmp_path / "program.py"
    program.write_text(_UNGUARDED.format(path=str(next(tmp_path.glob("*.csv")))))
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert "end while they start" in done.stderr.splitlines()[-1]


@pytest.mark.long
def test_what_is_no_client_is_refused(night, store, deliver):
    with pytest.raises(ExecutorError, match="does not answer"):
        run_batch([deliver("delft", 1)], night.make_manager, "tcp://127.0.0.1:9")
