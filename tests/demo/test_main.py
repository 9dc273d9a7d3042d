"""The demo, run as a user runs it; also killed and interrupted while it writes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "docs" / "demo" / "main.py"
ROWS = {"flights": 336_776, "airlines": 16, "airports": 1_458, "planes": 3_322, "weather": 26_115}
KILLS = 6

LOOK = """
import hashlib, json, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
names = [name for (name,) in connection.execute(
    "SELECT name FROM sqlite_master WHERE name LIKE 'ds%' ORDER BY name")]
rows, digest = {}, hashlib.sha256()
for name in names:
    content = connection.execute(f'SELECT * FROM "{name}" ORDER BY rowid').fetchall()
    rows[name.rpartition("__")[2]] = len(content)
    digest.update(repr(content).encode())
datasets = connection.execute("SELECT count(*) FROM algomancy_datasets").fetchone()[0]
connection.close()
print(json.dumps([datasets, rows, digest.hexdigest()]))
"""


# What a shell starts in the background ignores Ctrl-C otherwise.
RUN = """
import os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def start(database: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(DEMO), "--database", str(database)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "", "COLUMNS": "100"},
    )


def look(database: Path) -> tuple[int, dict[str, int], str]:
    """Count and hash everything with another SQLite library, in another process."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(database)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    datasets, rows, digest = json.loads(done.stdout)
    return datasets, rows, digest


def run(database: Path) -> str:
    process = start(database)
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return said


def stop_while_it_writes(database: Path, how: signal.Signals, delay: float) -> tuple[int, str]:
    """Send a signal some time after the last stage before the writing was reported."""
    process = start(database)
    for line in process.stdout:
        if line.split()[:1] == ["load"]:
            break
    time.sleep(delay)
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A database that the demo wrote undisturbed, what it said, and how long it wrote."""
    database = tmp_path_factory.mktemp("demo") / "demo.db"
    said = run(database)
    (line,) = (line.split() for line in said.splitlines() if line.split()[:1] == ["persist"])
    return database, said, float(line[3])


@pytest.fixture(scope="module")
def content(whole):
    """What :func:`look` finds in that database."""
    return look(whole[0])


@pytest.mark.long
def test_the_demo_loads_everything_and_proves_it_identical(whole, content):
    _, said, _ = whole
    assert "identical to what was written" in said
    assert content[:2] == (1, ROWS)


@pytest.mark.long
def test_the_demo_can_be_run_again(whole, content):
    database, _, _ = whole
    run(database)
    assert look(database) == content


@pytest.mark.long
@pytest.mark.parametrize("part", range(KILLS))
def test_a_demo_that_is_killed_while_it_writes_leaves_nothing_or_all(
    whole, content, tmp_path, part
):
    _, _, seconds = whole
    database = tmp_path / "demo.db"
    code, _ = stop_while_it_writes(database, signal.SIGKILL, seconds * (part + 0.5) / KILLS)
    assert code in {-signal.SIGKILL, 0}
    datasets, rows, digest = look(database)
    if datasets:
        assert (rows, digest) == content[1:]
    else:
        assert rows == {}


@pytest.mark.long
def test_a_run_after_a_kill_succeeds_and_a_kill_after_a_run_keeps_the_dataset(
    whole, content, tmp_path
):
    _, _, seconds = whole
    database = tmp_path / "demo.db"
    stop_while_it_writes(database, signal.SIGKILL, seconds / 2)
    run(database)
    stop_while_it_writes(database, signal.SIGKILL, seconds / 2)
    assert look(database) == content


@pytest.mark.long
@pytest.mark.parametrize("part", [0.1, 0.5, 0.8])
def test_ctrl_c_ends_with_one_line(whole, tmp_path, part):
    _, _, seconds = whole
    database = tmp_path / "demo.db"
    code, delay = 0, seconds * part
    while code == 0:  # on a machine that has become faster since, it was done by then
        code, errors = stop_while_it_writes(database, signal.SIGINT, delay)
        delay /= 2
    assert code == 1
    assert errors == "Stopped. The database holds what it held before, or the whole dataset.\n"
    datasets, rows, _ = look(database)
    assert (datasets, rows) in [(0, {}), (1, ROWS)]


def test_ctrl_c_while_the_program_is_still_imported_ends_with_the_same_line(tmp_path):
    process = start(tmp_path / "demo.db")
    maps = Path(f"/proc/{process.pid}/maps")
    while process.poll() is None and "polars" not in maps.read_text(encoding="utf-8"):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors == "Stopped. The database holds what it held before, or the whole dataset.\n"


def test_a_database_that_cannot_be_opened_is_said_in_one_line(tmp_path):
    process = start(tmp_path / "nowhere" / "demo.db")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"there is no folder '{tmp_path / 'nowhere'}'. Make it first." in errors
    assert "Traceback" not in errors
