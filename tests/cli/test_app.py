"""What all commands have in common: help, versions, exit codes, streams."""

from __future__ import annotations

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
