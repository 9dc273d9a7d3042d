"""How a command ends: interrupted, with an error of the user's, or of the store's."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

from algomancy_data import errors
from algomancy_data.cli.running import exit_code
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
    assert "info: Opened sqlite:///" in done.err
    failed = run("show", "no", *sqlite.flags, "--verbose", allow_traceback=True)
    assert failed.code == 2
    assert "Traceback (most recent call last):" in failed.err
    assert failed.err.splitlines()[-1].startswith("error: Data 'no' not found.")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (1, errors.UnstorableError("")),
        (1, errors.FileContentError("")),
        (2, errors.StoreNotFoundError("")),
        (2, errors.MissingExtraError("")),
        (2, errors.ExecutorError("")),
        (3, errors.StoreBusyError("")),
        (3, errors.StoreUnavailableError("")),
        (3, errors.UnreachableError("")),
        (3, errors.FileChangedError("")),
        (3, errors.ExecutorUnavailableError("")),
        (4, errors.StoreError("")),
        (4, errors.DamagedStoreError("")),
        (70, ZeroDivisionError()),
        (130, KeyboardInterrupt()),
    ],
)
def test_what_goes_away_by_itself_has_an_exit_code_of_its_own(code, error):
    assert exit_code(error) == code


def test_a_folder_that_cannot_be_written_to_is_a_store_that_fails(run, files):
    done = run("load", "shop", *files, "--store", "/proc/here")
    assert done.code == 4
    assert "The folder '/proc/here' failed while saving dataset 'shop'" in done.err


OWN = """
from algomancy_data import SimpleETLFactory, Transformer, Validator
from algomancy_data.transformer import TransformationSequence
from algomancy_data.validator import ValidationSequence


class Late(Transformer):
    def transform(self, data):
        data["late"] = data["orders"].select(self.column)


class Silent(Validator):
    def validate(self, data):
        pass


class Transforms(SimpleETLFactory):
    @classmethod
    def create_transformation_sequence(cls, schemas=None, logger=None):
        return TransformationSequence([Late()], logger)


class Validates(SimpleETLFactory):
    @classmethod
    def create_validation_sequence(cls, schemas, logger=None):
        return ValidationSequence([Silent()], logger)
"""


def test_code_of_a_users_own_that_fails_is_named_and_shows_its_traceback_alone(
    run, files, tmp_path
):
    (tmp_path / "own.py").write_text(OWN)
    asked = ("check", *files, "--factory", "own.py:Transforms", "--json")
    done = run(*asked, allow_traceback=True)
    trace = done.err[done.err.index("Traceback") :].splitlines()
    assert (done.code, done.json["error"]["type"]) == (70, "AttributeError")
    assert trace[1].endswith('own.py", line 9, in transform')
    assert [line for line in trace if "algomancy_data" in line] == []
    assert trace[-2] == "error: AttributeError: 'Late' object has no attribute 'column'"
    named = "Raised by transform() of the transformer Late (own.py:7), which had"
    assert trace[-1] == f"{named} 'orders', 'customers'."
    assert "defect" not in done.err


def test_a_validator_that_returns_nothing_is_used_wrongly(run, files, tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    done = run("check", *files, "--factory", "own.py:Validates")
    assert done.code == 2
    assert "error: validate() of the validator Silent (own.py:12) returned None" in done.err
