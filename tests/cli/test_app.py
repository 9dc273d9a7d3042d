"""What all commands have in common: help, versions, exit codes, streams."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Blocker(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "{package}":
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Blocker())
from algomancy_data.cli import main
sys.exit(main())
"""


def test_the_console_script_is_the_module(environment):
    script = Path(sys.executable).with_name("algomancy-data")
    done = subprocess.run(
        [script, "--version"], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == f"algomancy-data {version('algomancy-data')}\n"


@pytest.mark.parametrize("package", ["typer", "rich"])
def test_without_the_extra_the_error_names_it(package, environment):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(package=package), "ls"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "error: The command algomancy-data needs packages that are not installed. "
        "Run: pip install 'algomancy-data[cli]'\n"
    )


INTERRUPTED_IMPORT = """
import signal, sys
from importlib.abc import MetaPathFinder

class Interrupter(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupter())
from algomancy_data.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("module", ["typer", "rich.console", "polars", "sqlalchemy"])
def test_an_interrupt_while_it_is_imported_ends_it_without_a_traceback(module, environment):
    done = subprocess.run(
        [
            *(sys.executable, "-c", INTERRUPTED_IMPORT.format(module=module)),
            *("ls", "--store", "sqlite:///none.db"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.startswith("Interrupted. Every dataset in the store is whole")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lss"], "No such command 'lss'. Did you mean 'ls'?"),
        (["ls"], "No store is given. Add --store, set ALGOMANCY_STORE, or write it as"),
        (["ls", "--stor", "x"], "No such option: --stor"),
        (["ls", "--store", "mysql://host/x"], "'mysql://host/x' is no store."),
        (["migrate", "x"], "Missing argument 'URL'."),
    ],
)
def test_used_wrongly_it_says_how_to_use_it(run, arguments, said):
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("sqlite:///gone.db", "There is no database file 'gone.db'."),
        ("gone", "There is no folder 'gone'."),
        ("postgresql://nobody@127.0.0.1:1/x", "Check that the server is running"),
        ("sqlite:///text.db", "The file is something else: choose another path."),
    ],
)
def test_a_store_that_cannot_be_read_is_code_3_and_is_not_made(run, tmp_path, store, said):
    (tmp_path / "text.db").write_text("This is no database. " * 100)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = run("ls", "--store", store, "--json")
    assert done.code == 3
    assert said in done.err
    assert said in done.json["error"]["message"]
    assert done.json["exit_code"] == 3
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_database_of_something_else_has_no_datasets(run, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    done = run("ls", "--store", "sqlite:///other.db")
    assert done.code == 3
    assert "has no datasets: it has no table 'algomancy_datasets'" in done.err
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("theirs",)]
