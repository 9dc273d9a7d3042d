"""Every system call that a change of the folder makes fails once, and kills the process once."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")

HERE = Path(__file__).parent
KILL = -1
OPERATIONS = ["save", "overwrite", "append", "delete rows", "derive", "delete", "store"]


def both(value):
    return [(value, value, 1000 + value)] * 2


# Least and greatest value and the rows of each table of the datasets that there are.
OLD = {"d": both(1)}
NEW = {
    "save": {"d": both(1), "new": both(3)},
    "overwrite": {"d": both(2)},
    "append": {"d": [(1, 2, 1002)] * 2},
    "delete rows": {"d": [(1, 1, 1000), (1, 1, 1001)]},
    "derive": {"d": both(1), "derived": both(1)},
    "delete": {},
    "store": {"d": both(1)},
}


@pytest.fixture(scope="module")
def injector(tmp_path_factory) -> Path:
    library = tmp_path_factory.mktemp("injector") / "faults.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "faults.c", "-ldl"]
    subprocess.run(command, check=True)
    return library


@pytest.fixture(scope="module")
def run(injector):
    """Run an operation in a process of its own; return what it said."""
    server = subprocess.Popen(
        [sys.executable, HERE / "fault_server.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"LD_PRELOAD": str(injector)},
    )
    assert server.stdout.readline() == "ready\n"

    def run(operation, folder, at=0, action=0):
        server.stdin.write(f"{operation}\t{folder}\t{at}\t{action}\n")
        server.stdin.flush()
        return json.loads(server.stdout.readline())

    yield run
    server.stdin.close()
    server.wait(30)
    server.stdout.close()


@pytest.fixture
def prepared(run, tmp_path):
    """A folder with one dataset, which each attempt gets a copy of."""
    assert run("prepare", tmp_path / "prepared")["error"] is None
    return tmp_path / "prepared"


@pytest.fixture
def state(open_manager, leftovers):
    """Return what a new manager finds."""

    def state():
        manager = open_manager()
        assert manager.startup_errors == []
        assert manager.verify() == []
        assert leftovers() == set()
        found = {}
        for key in manager.get_data_keys():
            frames = manager.get_data(key).tables
            assert list(frames) == ["a", "b"]
            columns = [frame["x"] for frame in frames.values()]
            found[key] = [(column.min(), column.max(), len(column)) for column in columns]
        return found

    return state


def listing(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.long
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_process_killed_at_any_call_leaves_the_old_state_or_the_new(
    run, prepared, folder, state, operation
):
    shutil.copytree(prepared, folder)
    calls = run(operation, folder)["calls"]
    assert calls > 5
    seen = []
    for at in range(1, calls + 1):
        shutil.rmtree(folder)
        shutil.copytree(prepared, folder)
        assert run(operation, folder, at, KILL) == {"killed": signal.SIGKILL}
        if (folder / "raw").exists():  # raw files go through an ETL, which has no schema for them
            assert sorted(p.name for p in (folder / "raw").iterdir()) == ["a.csv", "b.csv"]
            shutil.rmtree(folder / "raw")
        seen.append(state())
    # One moment separates old from new.
    moment = next((i for i, found in enumerate(seen) if found != OLD), len(seen))
    assert seen == [OLD] * moment + [NEW[operation]] * (len(seen) - moment)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "number",
    [errno.ENOSPC, pytest.param(errno.EACCES, marks=pytest.mark.long)],
    ids=errno.errorcode.get,
)
def test_a_call_that_fails_leaves_the_old_state_and_nothing_else(
    run, prepared, folder, state, operation, number
):
    shutil.copytree(prepared, folder)
    calls = run(operation, folder)["calls"]
    refusals = 0
    for at in range(1, calls + 1):
        shutil.rmtree(folder)
        shutil.copytree(prepared, folder)
        before = listing(folder)
        said = run(operation, folder, at, number)
        if said["error"] is None:  # removing an old version: the next startup does it
            shutil.rmtree(folder / "raw", ignore_errors=True)
            assert state() == NEW[operation]
            continue
        refusals += 1
        assert os.strerror(number) in said["error"]
        assert str(folder) in said["error"]
        assert said["keys"] == ["d"]
        assert listing(folder) == before
        assert state() == OLD
    assert refusals >= 4


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(one, marks=() if one in {"save", "append"} else pytest.mark.long)
        for one in OPERATIONS
    ],
)
def test_a_disk_that_fails_for_good_leaves_the_old_state_or_says_that_the_new_one_is_there(
    run, prepared, folder, state, operation
):
    shutil.copytree(prepared, folder)
    calls = run(operation, folder)["calls"]
    said = []
    for at in range(1, calls + 1):
        shutil.rmtree(folder)
        shutil.copytree(prepared, folder)
        error = run(operation, folder, -at, errno.ENOSPC)["error"]
        shutil.rmtree(folder / "raw", ignore_errors=True)
        is_done = error is None or "The change is there" in error
        assert state() == (NEW[operation] if is_done else OLD), (at, error)
        said.append(error)
    assert said[0]
