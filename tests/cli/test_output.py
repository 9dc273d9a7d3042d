"""Terminals, pipes and signals, with processes of their own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import polars as pl
import pytest

from algomancy_data.testing import workloads

COMMAND = (sys.executable, "-m", "algomancy_data")


def on_a_terminal(arguments, cwd, environment, keys=b""):
    """Run the command with all its streams on a terminal; return code and screen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=cwd,
        env=environment | {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
    )
    os.close(theirs)
    if keys:
        os.write(ours, keys)
    screen = b""
    while True:
        try:
            read = os.read(ours, 65_536)
        except OSError:  # nobody has the other end any more
            break
        if not read:
            break
        screen += read
    os.close(ours)
    return process.wait(), screen.decode()


@pytest.fixture
def workload(tmp_path):
    """Write files of so many rows; return the arguments that name them."""

    def write(rows):
        workloads.write_csv(workloads.frames(rows), tmp_path)
        schemas = "algomancy_data.testing.workloads"
        return ("orders.csv", "customers.csv", "--schemas", schemas)

    return write


def test_a_terminal_gets_bars_and_colours_unless_it_wants_none(
    tmp_path, workload, sqlite, environment
):
    arguments = ("load", "shop", *workload(6_000), *sqlite.flags)
    code, screen = on_a_terminal(arguments, tmp_path, environment)
    assert code == 0, screen
    for shown in ("persist", "6,600", "rows/s", "\x1b["):
        assert shown in screen
    code, screen = on_a_terminal(("ls", *sqlite.flags), tmp_path, environment | {"NO_COLOR": "1"})
    assert code == 0
    assert "\x1b[3" not in screen


def test_on_a_terminal_it_asks_before_it_deletes(tmp_path, source, sqlite, environment):
    manager = sqlite.manager()
    manager.add_data_source(source("a"))
    arguments = ("rm", "a", *sqlite.flags)
    code, screen = on_a_terminal(arguments, tmp_path, environment, b"n\n")
    assert (code, manager.get_data_keys()) == (2, ["a"])
    assert "Nothing was deleted." in screen
    code, screen = on_a_terminal(arguments, tmp_path, environment, b"y\n")
    assert (code, manager.get_data_keys()) == (0, [])
    manager.close()


def test_a_reader_who_has_seen_enough_is_no_error(tmp_path, source, sqlite, environment):
    manager = sqlite.manager()
    manager.add_data_source(source("a", t=pl.DataFrame({"x": ["0" * 1_000] * 500})))
    manager.close()
    command = " ".join([*COMMAND, "query", "'SELECT * FROM t'", "-n", "500", *sqlite.flags])
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} | head -2"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.strip() for line in done.stdout.splitlines()] == ["x", "0" * 1_000]
