"""How a command ends: interrupted, with an error of the user's, or of the store's."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

from algomancy_data.testing import assert_identical, workloads

# A shell switches Ctrl-C off for what it starts in the background.
INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from algomancy_data.cli import main
sys.exit(main())
"""


@pytest.fixture
def workload(tmp_path):
    """Write files of so many rows; return the arguments that name them."""

    def write(rows):
        workloads.write_csv(workloads.frames(rows), tmp_path)
        schemas = "algomancy_data.testing.workloads"
        return ("orders.csv", "customers.csv", "--schemas", schemas)

    return write


def interrupted_load(flags, files, tmp_path, environment):
    """Interrupt a load that has begun to write; return its exit code and what it said."""
    process = subprocess.Popen(
        [*(sys.executable, "-c", INTERRUPTIBLE), *("load", "shop", *files, *flags, "--json")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    for line in process.stderr:
        if line.startswith("load "):  # now it writes
            break
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.mark.long
def test_an_interrupt_leaves_the_store_whole(tmp_path, workload, store, environment, source):
    manager = store.manager()
    for rows in (600_000, 1_200_000, 2_400_000, 4_800_000):
        manager.add_data_source(source("shop"))
        files = workload(rows)
        code, out, err = interrupted_load(store.flags, files, tmp_path, environment)
        if code != 0:  # else it had written all when the signal came
            break
    assert code == 130, err
    assert err.endswith(
        "Interrupted. Every dataset in the store is whole: as it was before, or as it was to be.\n"
    )
    assert "Traceback" not in err
    assert json.loads(out)["exit_code"] == 130
    manager.refresh()
    assert_identical(manager.get_data("shop").get_table("t"), source().get_table("t"))
    assert manager.verify() == manager.leftovers() == []
    manager.close()


def test_verbose_shows_the_log_and_where_an_error_comes_from(run, sqlite):
    sqlite.manager().close()
    done = run("ls", *sqlite.flags, "--verbose")
    assert "info: Opened sqlite+adbc:///" in done.err
    failed = run("show", "no", *sqlite.flags, "--verbose", allow_traceback=True)
    assert failed.code == 2
    assert "Traceback (most recent call last):" in failed.err
    assert failed.err.splitlines()[-1].startswith("error: Data 'no' not found.")


def test_a_module_of_the_users_that_fails_in_an_etl_is_no_riddle(run, files, tmp_path):
    (tmp_path / "etl.py").write_text(
        "from algomancy_data import SimpleETLFactory\n"
        "class Factory(SimpleETLFactory):\n"
        "    @classmethod\n"
        "    def create_loader(cls, logger=None):\n"
        "        return 1 / 0\n"
    )
    done = run("check", *files, "--factory", "etl:Factory", "--json")
    assert done.code == 70
    assert done.json["error"]["type"] == "ZeroDivisionError"
    assert "of this program or of a module that it was given" in done.err


def test_a_folder_that_cannot_be_written_to_is_a_store_that_fails(run, files):
    done = run("load", "shop", *files, "--store", "/proc/here")
    assert done.code == 3
    assert "The folder '/proc/here' failed while saving dataset 'shop'" in done.err
